// Package runtimetest is the contract every runners.Runtime must meet.
//
// Test always checks the plan against a golden file, which needs no runtime
// installed. Where the runtime is found it also runs real modules, and
// checks that each way to end is told apart. Which runtimes must be there is
// said by ASSAY_REQUIRE, their names with commas between.
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
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
)

var update = flag.Bool("update", false, "rewrite golden plans")

var validName = regexp.MustCompile(`^[a-z][a-z0-9]*(/[a-z0-9-]+)?$`)

// fixed stands for what a host would find.
var fixed = assay.RuntimeVersion{
	Path:  "/bin/runtime",
	Files: []assay.File{{Path: "/cache/script.mjs"}, {Path: "/cache/package/index.js"}},
}

// Host is what live tests run on. A test program fills it in once.
type Host struct {
	Launcher *measure.Launcher
	Found    assay.RuntimeVersion // by toolbox.Locate, for the runtime under test
}

// Test runs the whole contract against r. The golden plan is in
// testdata/plan of the caller.
func Test(t *testing.T, r runners.Runtime, h Host) {
	t.Run("name", func(t *testing.T) {
		if !validName.MatchString(r.Name()) {
			t.Errorf("Name() = %q, want a match of %v", r.Name(), validName)
		}
	})
	t.Run("mode", func(t *testing.T) {
		switch mode := r.Traits().Mode; mode {
		case runners.JIT, runners.AOT:
			if strings.HasSuffix(r.Name(), "/"+string(runners.Interpreter)) {
				t.Errorf("Traits().Mode = %q of %s", mode, r.Name())
			}
		case runners.Interpreter:
		default:
			t.Errorf("Traits().Mode = %q, want %s, %s or %s", mode, runners.Interpreter, runners.JIT, runners.AOT)
		}
	})
	t.Run("plan", func(t *testing.T) { testPlan(t, r) })
	t.Run("live", func(t *testing.T) { testLive(t, r, h) })
}

func testPlan(t *testing.T, r runners.Runtime) {
	args := []string{"--", "-x", "two words", ""}
	invocations := []runners.Invocation{
		{Tool: fixed, Module: "/w/m"},
		{Tool: fixed, Module: "/w/m", Args: args},
		{Tool: fixed, Module: "/w/m", Args: []string{"größer"}},
		{Tool: fixed, Module: "/w/m", Args: args, Env: []string{"A=1", "B=a=b"}, Stdin: "/w/in"},
	}
	var b bytes.Buffer
	for i, inv := range invocations {
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
		}
		for _, c := range append(p.Prepare, p.Command) {
			fmt.Fprintf(&b, "argv %q env %q stdin %q\n", c.Argv, c.Env, c.Stdin)
		}
	}
	golden := filepath.Join("testdata", "plan", strings.ReplaceAll(r.Name(), "/", "-")+".txt")
	if *update {
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

// A live case is a workload in every form, and how it ends. Guests of the
// native form are shell scripts.
type live struct {
	name   string
	module string // in testdata
	script string
	args   []string
	env    []string
	stdin  string
	limits assay.Limits
	want   assay.Outcome
	native assay.Outcome // as want where it is ""
	stdout string        // "*": anything
	exit   int           // for the outcomes OK and Exit
}

const mib = 1 << 20

var cases = []live{
	{name: "stdout", module: "hello", script: "echo hello", want: assay.OK, stdout: "hello\n"},
	{name: "exit status", module: "exit3", script: "exit 3", want: assay.Exit, exit: 3},
	{name: "trap", module: "trap", script: "kill -ILL $$", want: assay.Trap, native: assay.Signal},
	{name: "stack overflow", module: "recursion", script: "kill -SEGV $$", want: assay.Trap, native: assay.Signal},
	{name: "missing import", module: "missing-import", want: assay.RuntimeCrash},
	{name: "missing WASI function", module: "missing-function", want: assay.RuntimeCrash},
	{name: "not Wasm", module: "not-wasm", want: assay.RuntimeCrash},
	{name: "arguments", module: "args", script: `printf '%s\0' "$@"`, args: []string{"a", "two words", "", "-v"}, want: assay.OK,
		stdout: "a\x00two words\x00\x00-v\x00"},
	{name: "one argument", module: "args", script: `printf '%s\0' "$@"`, args: []string{"a"}, want: assay.OK, stdout: "a\x00"},
	{name: "dashes", module: "args", script: `printf '%s\0' "$@"`, args: []string{"--", "--help"}, want: assay.OK, stdout: "--\x00--help\x00"},
	{name: "only dashes", module: "args", script: `printf '%s\0' "$@"`, args: []string{"--"}, want: assay.OK, stdout: "--\x00"},
	{name: "environment", module: "env", script: `printf 'A=%s\0B=%s\0' "$A" "$B"`, env: []string{"A=1", "B=a=b c"}, want: assay.OK,
		stdout: "A=1\x00B=a=b c\x00"},
	{name: "nothing of ours in the environment", module: "env", script: `printf "$ASSAY_RUNTIMETEST"`, want: assay.OK},
	{name: "stdin", module: "stdin", script: "cat", stdin: strings.Repeat("0123456789", 1000), want: assay.OK, stdout: "*"},
	{name: "memory that grows", module: "grow", script: ":", want: assay.OK},
	{name: "endless", module: "endless", script: "while :; do :; done", want: assay.Timeout, limits: assay.Limits{Timeout: time.Second}},
	{name: "100 MB of output", module: "flood", script: "head -c 104857600 /dev/zero", want: assay.Limit, stdout: "*"},
}

func testLive(t *testing.T, r runners.Runtime, h Host) {
	if h.Found.Absent != "" {
		tooltest.Missing(t, r.Name(), errors.New(h.Found.Absent))
	}
	t.Logf("%s %s, %s", r.Name(), h.Found.Version, h.Found.Path)
	t.Setenv("ASSAY_RUNTIMETEST", "leaked")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			module, ok := c.write(t, r.Accepts())
			if !ok {
				t.Skipf("has no %s form", r.Accepts())
			}
			inv := runners.Invocation{Tool: h.Found, Module: module, Args: c.args, Env: c.env}
			if c.stdin != "" {
				inv.Stdin = filepath.Join(t.TempDir(), "stdin")
				if err := os.WriteFile(inv.Stdin, []byte(c.stdin), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			p, err := r.Plan(inv)
			if errors.Is(err, runners.ErrUnsupported) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			c.run(t, r, p, h.Launcher)
		})
	}
}

func (c live) run(t *testing.T, r runners.Runtime, p runners.Plan, l *measure.Launcher) {
	limits := assay.Limits{Timeout: time.Minute, Output: mib}
	if c.limits.Timeout > 0 {
		limits.Timeout = c.limits.Timeout
	}
	judge, err := measure.NewJudge(assay.Expectation{}, p.Signs)
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range p.Prepare {
		if res, err := l.Run(t.Context(), cmd, limits, 0); err != nil || !res.Started() || res.Exit != 0 {
			t.Fatalf("prepare %q: %+v, %v", cmd.Argv, res, err)
		}
	}
	res, err := l.Run(t.Context(), p.Command, limits, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := c.want
	if r.Accepts() == assay.Native && c.native != "" {
		want = c.native
	}
	got := judge.Outcome(res)
	if got != want || (want == assay.OK || want == assay.Exit) && res.Exit != c.exit {
		t.Errorf("outcome %s, exit %d %s; want %s, exit %d\nargv %q\nstderr %s", got, res.Exit, res.Signal, want, c.exit,
			p.Command.Argv, res.StderrTail)
	}
	stdout := c.stdout
	if c.stdin != "" {
		stdout = c.stdin
	}
	if stdout != "*" && got == want && res.Stdout != assay.DigestOf([]byte(stdout)) {
		t.Errorf("stdout ends %q, want all of %q", res.StdoutTail, stdout)
	}
}

// write writes the workload as a file that a runtime accepts; false if there
// is none.
func (c live) write(t *testing.T, form assay.Form) (string, bool) {
	t.Helper()
	var data []byte
	switch {
	case form == assay.Wasm:
		var err error
		if data, err = contract.Guest(c.module); err != nil {
			t.Fatal(err)
		}
	case form == assay.Native && c.script != "":
		data = []byte("#!/bin/sh\n" + c.script + "\n")
	default:
		return "", false
	}
	path := filepath.Join(t.TempDir(), c.module)
	if err := os.WriteFile(path, data, 0o777); err != nil {
		t.Fatal(err)
	}
	return path, true
}
