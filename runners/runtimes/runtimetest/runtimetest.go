// Package runtimetest is the contract every runners.Runtime must meet.
//
// Test always checks the plan against a golden file, which needs no runtime
// installed. Where the runtime is found it also holds it to package contract.
// Which runtimes must be there is said by ASSAY_REQUIRE, their names with
// commas between.
package runtimetest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
)

// Update asks tests to write what they compare with.
var Update = flag.Bool("update", false, "rewrite golden plans, and what was seen in docs/runtimes.md")

var validName = regexp.MustCompile(`^[a-z][a-z0-9]*(/[a-z0-9-]+)?$`)

// fixed stands for what a host would find.
var fixed = assay.RuntimeVersion{
	Path:  "/bin/runtime",
	Files: []assay.File{{Path: "/cache/script.mjs"}, {Path: "/cache/package/index.js"}},
}

// Host is what live tests run on.
type Host struct {
	contract.Host
	Found assay.RuntimeVersion // by toolbox.Locate, for the runtime under test
}

// Test runs the whole contract against r. The golden plan is in
// testdata/plan of the caller.
func Test(t *testing.T, r runners.Runtime, h Host) {
	t.Run("name", func(t *testing.T) {
		if !validName.MatchString(r.Name()) {
			t.Errorf("Name() = %q, want a match of %v", r.Name(), validName)
		}
	})
	t.Run("traits", func(t *testing.T) { testTraits(t, r) })
	t.Run("signs", func(t *testing.T) { testSigns(t, r) })
	t.Run("plan", func(t *testing.T) { testPlan(t, r) })
	t.Run("live", func(t *testing.T) { Live(t, r, h) })
}

// testTraits compares how r says it executes code with what it plans.
func testTraits(t *testing.T, r runners.Runtime) {
	p, err := r.Plan(runners.Invocation{Tool: fixed, Module: "/w/m", Scratch: "prepared/m"})
	if err != nil {
		t.Fatal(err)
	}
	traits := r.Traits()
	cache := map[runners.Mode][]runners.Cache{
		runners.Interpreter: {runners.NoCache},
		runners.JIT:         {runners.Off},
		runners.AOT:         {runners.Off, runners.NoCache}, // native: compiled long before
		runners.Precompiled: {runners.Made},
	}[traits.Mode]
	if !slices.Contains(cache, traits.Cache) {
		t.Errorf("Traits() = mode %q and cache %q, want a mode there is and %q", traits.Mode, traits.Cache, cache)
	}
	if prepares := len(p.Prepare) > 0; r.Accepts() == assay.Wasm && prepares != (traits.Mode == runners.Precompiled) {
		t.Errorf("Traits().Mode = %q, and Plan prepares %q", traits.Mode, p.Prepare)
	}
}

func testPlan(t *testing.T, r runners.Runtime) {
	args := []string{"--", "-x", "two words", ""}
	invocations := []runners.Invocation{
		{},
		{Args: args},
		{Args: []string{"größer"}},
		{Args: args, Env: []string{"A=1", "B=a=b"}, Stdin: "/w/in"},
		{Args: args, Dirs: []runners.Dir{{Host: "scratch", Guest: "."}}},
		{Dirs: []runners.Dir{{Host: "/data", Guest: "/in", ReadOnly: true}}},
		{Memory: 16 << 20},
	}
	var b bytes.Buffer
	for i, inv := range invocations {
		inv.Tool, inv.Module, inv.Scratch = fixed, "/w/m", "prepared/m"
		p, err := r.Plan(inv)
		if again, _ := r.Plan(inv); !reflect.DeepEqual(p, again) {
			t.Errorf("Plan(%+v) differs between two calls", inv)
		}
		if errors.Is(err, runners.ErrUnsupported) {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		} else if err != nil {
			t.Fatalf("Plan(%+v): %v, want nil or ErrUnsupported", inv, err)
		}
		argv := p.Command.Argv
		if r.Accepts() == assay.Image { // they are in what is prepared
			argv = nil
			inv.Args = nil
		}
		if len(argv) < len(inv.Args) || !slices.Equal(argv[len(argv)-len(inv.Args):], inv.Args) {
			t.Errorf("Plan(%+v): the workload's arguments are not the verbatim tail of %q", inv, argv)
		}
		if p.Command.Stdin != inv.Stdin {
			t.Errorf("Plan(%+v): stdin %q", inv, p.Command.Stdin)
		}
		if i == 0 {
			for _, s := range p.Signs {
				fmt.Fprintf(&b, "%s: exit %d signal %q stdout %q stderr %q\n", s.Outcome, s.Exit, s.Signal, s.Stdout, s.Stderr)
			}
			if p.Command.Chatter != "" {
				fmt.Fprintf(&b, "chatter %q\n", p.Command.Chatter)
			}
		}
		for _, c := range append(p.Prepare, p.Command) {
			fmt.Fprintf(&b, "argv %q env %q stdin %q dir %q\n", c.Argv, c.Env, c.Stdin, c.Dir)
		}
	}
	golden := filepath.Join("testdata", "plan", strings.ReplaceAll(r.Name(), "/", "-")+".txt")
	if *Update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("plan changed; run with -update if that is meant\ngot:\n%s\nwant:\n%s", got, want)
	}
}

// Live holds r to the contract, where it is, and returns how each case went.
func Live(t *testing.T, r runners.Runtime, h Host) []contract.Result {
	if h.Found.Absent != "" {
		tooltest.Missing(t, r.Name(), errors.New(h.Found.Absent))
	}
	t.Logf("%s %s, %s", r.Name(), h.Found.Version, h.Found.Path)
	t.Setenv("ASSAY_CONTRACT", "leaked")
	var results []contract.Result
	for _, c := range contract.Cases {
		t.Run(c.Name, func(t *testing.T) {
			res, err := h.Host.Check(t.Context(), r, h.Found, c)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, res)
			switch {
			case res.Verdict == contract.None:
				t.Skip(res.Why)
			case res.Verdict == contract.Fails:
				t.Errorf("%s: %s\n%s", res.Got, res.Why, res.Detail)
			}
		})
	}
	return results
}

// testSigns judges ends that no case brings about at will.
func testSigns(t *testing.T, r runners.Runtime) {
	p, err := r.Plan(runners.Invocation{Tool: fixed, Module: "/w/m", Scratch: "prepared/m"})
	if err != nil {
		t.Fatal(err)
	}
	judge, err := measure.NewJudge(assay.Expectation{}, p.Signs)
	if err != nil {
		t.Fatal(err)
	}
	died := assay.RuntimeCrash
	if r.Accepts() != assay.Wasm {
		died = assay.Signal
	}
	for _, c := range []struct {
		end  measure.Result
		want assay.Outcome
	}{
		{measure.Result{StartNS: 1}, assay.OK},
		{measure.Result{StartNS: 1, Exit: 1}, assay.Exit}, // never a trap without the words
		{measure.Result{StartNS: 1, Exit: 1, StderrTail: []byte("Error: no such file\n"), StdoutTail: []byte("panic: 1\n")}, assay.Exit},
		{measure.Result{StartNS: 1, Exit: 134}, assay.Exit},
		{measure.Result{StartNS: 1, Exit: -1, Signal: "SIGSEGV"}, died},
		{measure.Result{StartNS: 1, Exit: -1, Signal: "SIGKILL"}, died},
		{measure.Result{StartNS: 1, Exit: -1, Signal: "SIGABRT"}, died},
	} {
		if got := judge.Outcome(c.end); got != c.want {
			t.Errorf("exit %d %s, stderr %q: outcome %s, want %s", c.end.Exit, c.end.Signal, c.end.StderrTail, got, c.want)
		}
	}
}
