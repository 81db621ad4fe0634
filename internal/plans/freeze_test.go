package plans

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
)

func experiment() assay.Experiment {
	return assay.Experiment{
		Name: "e", Workloads: []assay.Workload{{Name: "a", Args: []string{"-n=${n}", "${m}"}}, {Name: "b"}}, Runtimes: []string{"x", "y"},
		Params:   []assay.Param{{Name: "n", Values: []string{"1", "2"}}, {Name: "m", Values: []string{"p", "q", "r"}}},
		Protocol: assay.Protocol{Cold: &assay.Cold{Invocations: 5, Warmup: 2}},
	}
}

func plan(t *testing.T, exp assay.Experiment) assay.Plan {
	t.Helper()
	p, err := Freeze(exp, "here", func(i int, wl assay.Workload) (assay.Trial, error) {
		return assay.Trial{Command: assay.Command{Argv: append([]string{"/" + exp.Runtimes[i]}, wl.Args...)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFreeze(t *testing.T) {
	exp := experiment()
	p := plan(t, exp)
	if got, want := len(p.Trials), 2*2*6; got != want {
		t.Fatalf("%d trials, want %d", got, want)
	}
	first := p.Trials[1]
	if !reflect.DeepEqual(first.Command.Argv, []string{"/y", "-n=1", "p"}) || first.Workload != "a" || first.Params["n"] != "1" || first.Params["m"] != "p" {
		t.Errorf("second trial = %+v, want workload a on y with n=1 m=p", first)
	}
	if got, want := len(p.Order), 7; got != want {
		t.Fatalf("%d blocks, want %d: 2 of warm-up and 5", got, want)
	}
	for b, block := range p.Order {
		if s := slices.Sorted(slices.Values(block)); s[0] != 0 || s[len(s)-1] != 23 || len(slices.Compact(s)) != 24 {
			t.Errorf("block %d is %v, want every trial once", b, block)
		}
	}
	if slices.Equal(p.Order[0], p.Order[1]) {
		t.Error("two blocks have one order, want random ones")
	}
	if again := plan(t, exp); !reflect.DeepEqual(again, p) {
		t.Error("the same experiment gives another plan")
	}
	exp.Protocol.Cold = &assay.Cold{Invocations: 6, Warmup: 1}
	if other := plan(t, exp); other.Seed == p.Seed || other.Experiment == p.Experiment {
		t.Error("another experiment has the same identity or seed")
	}
	if exp.Workloads[0].Args[0] != "-n=${n}" {
		t.Errorf("freezing changed the experiment: %v", exp.Workloads[0].Args)
	}
}

func TestFreezeSteady(t *testing.T) {
	exp := experiment()
	exp.Protocol = assay.Protocol{Steady: &assay.Steady{Invocations: 3, Calls: 50, Warmup: 5}}
	exp.Workloads[0].Steady = true
	var asked []assay.Workload
	p, err := Freeze(exp, "here", func(i int, wl assay.Workload) (assay.Trial, error) {
		asked = append(asked, wl)
		return assay.Trial{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Order) != 3 || p.Warmup != 0 || p.Calls != 55 || p.WarmCalls != 5 {
		t.Errorf("%d blocks, %d of warm-up, %d calls, %d of warm-up; want 3, 0, 55, 5", len(p.Order), p.Warmup, p.Calls, p.WarmCalls)
	}
	if len(asked) != 12 || !slices.Equal(asked[0].Env, []string{"ASSAY_CALLS=55"}) {
		t.Errorf("%d trials are asked for calls, the first by %q; want the 12 of a, by ASSAY_CALLS=55", len(asked), asked[0].Env)
	}
	for _, trial := range p.Trials {
		if (trial.Unsupported != "") != (trial.Workload == "b") {
			t.Errorf("%s: unsupported %q; want that for b alone, which does not say that it can", trial.Workload, trial.Unsupported)
		}
	}
}

func TestCheckSteady(t *testing.T) {
	long := []assay.Param{{Name: "n", Values: []string{"1", string(make([]byte, 300))}}}
	for _, c := range []struct {
		s      assay.Steady
		matrix int
		params []assay.Param
		ok     bool
	}{
		{assay.Steady{Invocations: 10, Calls: 50, Warmup: 5}, 6, nil, true},
		{assay.Steady{Invocations: 1, Calls: 4999, Warmup: 1}, 1, nil, true},
		{assay.Steady{Invocations: 1, Calls: 5000, Warmup: 1}, 1, nil, false},
		{assay.Steady{Invocations: 1, Calls: 1, Warmup: 1 << 62}, 1, nil, false},
		{assay.Steady{Calls: 50}, 1, nil, false},
		{assay.Steady{Invocations: 10}, 1, nil, false},
		{assay.Steady{Invocations: 10, Calls: 1, Warmup: -1}, 1, nil, false},
		{assay.Steady{Invocations: 100_000, Calls: 9}, 1, nil, true},
		{assay.Steady{Invocations: 100_000, Calls: 9}, 2, nil, false},
		{assay.Steady{Invocations: 10, Calls: 50}, 2, long, false},
	} {
		if err := checkSteady(c.s, c.matrix, c.params); (err == nil) != c.ok {
			t.Errorf("%+v of %d trials: error %v, want none: %t", c.s, c.matrix, err, c.ok)
		}
	}
}

// The longest invocation that checkSteady lets through fits into one frame.
func TestSteadyFitsAFrame(t *testing.T) {
	long, wall := strings.Repeat("<", 35), int64(math.MaxInt64) // "<" is six bytes of JSON
	params := []assay.Param{{Name: "name", Values: []string{"", long}}}
	s := assay.Steady{Invocations: 1, Calls: assay.MaxCalls}
	if err := checkSteady(s, 1, params); err != nil {
		t.Fatal(err)
	}
	row := assay.Sample{
		Seq: MaxRows, Block: math.MaxInt32, Trial: math.MaxInt32, Workload: strings.Repeat("w", 128), Runtime: "wazero/interpreter",
		Host: "local", Params: map[string]string{"name": long}, Phase: assay.Call, Call: assay.MaxCalls, Outcome: assay.RuntimeCrash, Exit: -1,
		StartNS: wall, Segment: math.MaxInt32, WallNS: &wall,
		CPUNS: &wall, Mode: "precompiled", Cache: "prepared", Threads: math.MaxInt32, // of a shim's calls
	}
	first := row
	first.Detail = strings.Repeat("<", 4<<10)
	b, err := json.Marshal(append([]assay.Sample{first}, slices.Repeat([]assay.Sample{row}, assay.MaxCalls)...))
	if err != nil || len(b) > journal.MaxFrame {
		t.Errorf("%d bytes, %v; want at most %d", len(b), err, journal.MaxFrame)
	}
	params[0].Values[1] += "<<<<<<<"
	if err := checkSteady(s, 1, params); err == nil {
		t.Error("a longer parameter is let through")
	}
}
