package plans

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestCheckProtocol(t *testing.T) {
	cold := &assay.Cold{Invocations: 6}
	for _, c := range []struct {
		p      assay.Protocol
		matrix int
		want   []string // a part of each mistake
	}{
		{p: assay.Protocol{Phases: &assay.Phases{Invocations: 1}}},
		{p: assay.Protocol{Phases: &assay.Phases{Invocations: 6, Calls: 4999, Warmup: 1}, CPUs: "0-1,3", Padding: 4096, Control: true}},
		{p: assay.Protocol{Memory: &assay.Memory{Invocations: 6}}},
		{p: assay.Protocol{Count: &assay.Count{Invocations: 6}}},
		{assay.Protocol{}, 1, []string{"protocol is missing"}},
		{assay.Protocol{Cold: cold, Phases: &assay.Phases{}, Count: &assay.Count{Invocations: 1}, CPUs: "x", Padding: -1}, 1,
			[]string{"cold and phases and count", "protocol.phases: invocations", "protocol.cpus", "protocol.padding: -1 bytes"}},
		{assay.Protocol{Phases: &assay.Phases{Invocations: 1, Warmup: 5}}, 1, []string{"warmup is of calls, and there are none"}},
		{assay.Protocol{Phases: &assay.Phases{Invocations: 1, Calls: 5000, Warmup: 1}}, 1, []string{"more than 5000 an invocation"}},
		{assay.Protocol{Phases: &assay.Phases{Invocations: 62_501}}, 1, []string{"more than 1000000 samples"}},
		{assay.Protocol{Phases: &assay.Phases{Invocations: 100, Calls: 5000}}, 1, []string{"more than 1000000 samples"}}, // with their regions
		{assay.Protocol{Phases: &assay.Phases{Invocations: -1, Calls: -1}}, 1, []string{"protocol.phases: invocations"}},
		{assay.Protocol{Memory: &assay.Memory{}}, 1, []string{"protocol.memory: invocations must be at least 1"}},
		{assay.Protocol{Memory: &assay.Memory{Invocations: 1 << 40}}, 1, []string{"protocol.memory"}},
		{assay.Protocol{Count: &assay.Count{Invocations: 500_001}}, 2, []string{"protocol.count: 500001 invocations of 2 trials are more than 1000000 samples"}},
		{p: assay.Protocol{Steady: &assay.Steady{Invocations: 6, Calls: 10, Changepoint: true}}},
		{assay.Protocol{Steady: &assay.Steady{Invocations: 6, Calls: 9, Changepoint: true}}, 1, []string{"protocol.steady: changepoint: 9 calls are too few"}},
		{p: assay.Protocol{Phases: &assay.Phases{Invocations: 6, Calls: 10, Changepoint: true}}},
		{assay.Protocol{Phases: &assay.Phases{Invocations: 6, Changepoint: true}}, 1, []string{"protocol.phases: changepoint: 0 calls are too few"}},
		{p: assay.Protocol{Cold: &assay.Cold{Invocations: 499_999, Warmup: 1}}},
		{assay.Protocol{Cold: &assay.Cold{Invocations: 500_000, Warmup: 1}}, 1, []string{"protocol.cold: 500000 and 1 invocations of 1 trials are more than 1000000 samples, of which each has 2"}},
		{assay.Protocol{Cold: cold, Padding: 1 << 20}, 1, []string{"want 0 to 65536"}},
	} {
		got := CheckProtocol(c.p, c.matrix, nil)
		if len(got) != len(c.want) {
			t.Errorf("%+v: %q, want %d mistakes", c.p, got, len(c.want))
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%+v: %q, want %q in it", c.p, got[i], want)
			}
		}
	}
}

func TestFreezePhases(t *testing.T) {
	exp := experiment()
	exp.Protocol = assay.Protocol{Phases: &assay.Phases{Invocations: 3, Calls: 20, Warmup: 5}, CPUs: "1", Padding: 64, Control: true}
	var asked []assay.Workload
	p, err := Freeze(exp, "here", func(i int, wl assay.Workload) (assay.Trial, error) {
		asked = append(asked, wl)
		return assay.Trial{Prepare: []assay.Command{{Argv: []string{"/prepare"}}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Phases || p.Memory || p.Count || len(p.Order) != 3 || p.Calls != 25 || p.WarmCalls != 5 || p.CPUs != "1" || p.Padding != 64 {
		t.Errorf("plan %+v; want phases, 3 blocks, 25 calls, 5 of warm-up, processor 1, 64 bytes of padding", p)
	}
	if slices.ContainsFunc(asked, func(wl assay.Workload) bool { return len(wl.Env) > 0 }) {
		t.Error("a workload is asked for calls by its environment: shims are asked by their command line")
	}
	if len(p.Trials) != 2*6*3 || len(asked) != 2*6*2 {
		t.Fatalf("%d trials, %d planned; want %d and %d", len(p.Trials), len(asked), 2*6*3, 2*6*2)
	}
	for i, trial := range p.Trials {
		want := []string{"x", "x (A/A)", "y"}[i%3]
		if trial.Runtime != want || trial.Control != (i%3 == 1) || len(trial.Prepare) != 1 {
			t.Errorf("trial %d is on %q, control %t; want %q", i, trial.Runtime, trial.Control, want)
		}
	}
}
