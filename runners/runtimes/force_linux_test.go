package runtimes_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

var limits = measure.Options{Limits: assay.Limits{Timeout: time.Minute, Output: 1 << 20}}

// here returns what this host has of r, and skips or fails a test without it.
func here(t *testing.T, r runners.Runtime) assay.RuntimeVersion {
	t.Helper()
	found, err := toolbox.Locate(t.Context(), r, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if found.Absent != "" {
		tooltest.Missing(t, r.Name(), errors.New(found.Absent))
	}
	return found
}

// A baseline compiler refuses what the optimizing one takes: it is not the
// optimizing one that runs under its name.
func TestBaselineInForce(t *testing.T) {
	const (
		tailCall = `(module (func $f) (func (export "_start") (return_call $f)))`
		simd     = `(module (memory (export "memory") 1) (func (export "_start") (drop (i32x4.extract_lane 0 (v128.const i32x4 1 2 3 4)))))`
	)
	dir := t.TempDir()
	launcher := start(t, dir)
	for _, c := range []struct {
		r    runners.CLI
		text string // which both programs read
		want assay.Outcome
	}{
		{runtimes.Wasmtime, tailCall, assay.OK},
		{runtimes.WasmtimeWinch, tailCall, assay.Unsupported},
		{runtimes.WasmerCranelift, simd, assay.OK},
		{runtimes.WasmerSinglepass, simd, assay.Unsupported},
	} {
		t.Run(c.r.Name(), func(t *testing.T) {
			module := filepath.Join(t.TempDir(), "m.wat")
			if err := os.WriteFile(module, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			p, err := c.r.Plan(runners.Invocation{Tool: here(t, c.r), Module: module})
			if err != nil {
				t.Fatal(err)
			}
			if got, res := judged(t, launcher, p); got != c.want {
				t.Errorf("%s: %s, want %s\n%s", c.text, got, c.want, res.StderrTail)
			}
		})
	}
}

// Nothing is written where these keep what they compiled, unless told not to.
func TestNoCaches(t *testing.T) {
	guest, err := filepath.Abs("contract/guests/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	launcher := start(t, dir)
	for _, r := range []runners.CLI{runtimes.Wasmtime, runtimes.WasmtimeWinch, runtimes.WasmerCranelift, runtimes.WasmerSinglepass} {
		t.Run(r.Name(), func(t *testing.T) {
			p, err := r.Plan(runners.Invocation{Tool: here(t, r), Module: guest})
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			p.Command.Env = append(slices.Clone(p.Command.Env), "HOME="+home)
			for range 2 {
				if res, err := launcher.Run(t.Context(), p.Command, limits); err != nil || res.Exit != 0 {
					t.Fatalf("%q: exit %d, %v: %s", p.Command.Argv, res.Exit, err, res.StderrTail)
				}
			}
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("two starts left %v in the home directory (%v), want nothing", left, err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, ".wasmer/cache/compiled/*/*")); err != nil || len(left) > 0 {
				t.Errorf("two starts left %q (%v), want nothing compiled", left, err)
			}
		})
	}
}

// WasmEdge interprets, without a word, what it takes for no compiled code of
// its own. Code that was compiled without counting counts nothing.
func TestWasmEdgeRunsWhatItCompiled(t *testing.T) {
	guest, err := filepath.Abs("contract/guests/exit.wasm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	launcher := start(t, dir)
	p, err := runtimes.WasmEdgeAOT.Plan(runners.Invocation{Tool: here(t, runtimes.WasmEdgeAOT), Module: guest, Args: []string{"0"}, Scratch: "m"})
	if err != nil {
		t.Fatal(err)
	}
	p.Command.Argv = slices.Insert(slices.Clone(p.Command.Argv), slices.Index(p.Command.Argv, "run")+1, runtimes.WasmEdge.Counts.Options...)
	var last measure.Result
	for _, c := range append(p.Prepare, p.Command) {
		if last, err = launcher.Run(t.Context(), c, limits); err != nil || last.Exit != 0 {
			t.Fatalf("%q: exit %d, %v: %s", c.Argv, last.Exit, err, last.StdoutTail)
		}
	}
	if n, err := measure.ReadCount(runtimes.WasmEdge.Counts.Counted, last.StdoutTail); err != nil || n != 0 {
		t.Errorf("it interpreted %d instructions (%v), want 0: all were compiled", n, err)
	}
}

// A shim that does not tell a feature that its engine has not, or a trap while it
// instantiates, from a failure: what the engine says does.
func TestShimsTellFeatures(t *testing.T) {
	launcher := start(t, t.TempDir())
	for _, r := range []runners.Runtime{runtimes.Wazero, runtimes.WazeroInterpreter, runtimes.Wasmtime, runtimes.WasmtimeWinch, runtimes.WasmerCranelift, runtimes.WasmerSinglepass} {
		t.Run(r.Name(), func(t *testing.T) {
			found, err := toolbox.Find(t.Context(), r.Name(), r.Shim().Tool, toolbox.Options{Cache: cache(t)})
			if err != nil {
				t.Fatal(err)
			}
			if found.Absent != "" {
				tooltest.Missing(t, r.Name(), errors.New(found.Absent))
			}
			for _, c := range contract.Cases {
				if !strings.HasPrefix(c.Name, "feature: ") && c.Guest != "segment" {
					continue
				}
				want := c.Want
				if _, lacks := contract.LackOf(r.Name(), c.Name); lacks {
					want = assay.Unsupported
				}
				module, err := filepath.Abs("contract/guests/" + c.Guest + ".wasm")
				if err != nil {
					t.Fatal(err)
				}
				p, err := r.Shim().Plan(runners.Invocation{Tool: found, Module: module}, runners.Ask{})
				if err != nil {
					t.Fatal(err)
				}
				if got, res := judged(t, launcher, p); got != want {
					t.Errorf("%s: %s, want %s\n%s", c.Name, got, want, res.StderrTail)
				}
			}
		})
	}
}

// What no version of WebAssembly has in a constant makes a module invalid; a sum
// there is a later feature.
func TestV8Constants(t *testing.T) {
	dir, tool := t.TempDir(), here(t, runtimes.V8)
	launcher := start(t, dir)
	const (
		head = "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" // a function of () -> (), a memory
		tail = "\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x04\x01\x02\x00\x0b"
	)
	for name, c := range map[string]struct {
		global string
		want   []assay.Outcome
	}{
		"i32.load": {"\x06\x09\x01\x7f\x00\x41\x00\x28\x02\x00\x0b", []assay.Outcome{assay.RuntimeCrash}},
		"i32.add":  {"\x06\x09\x01\x7f\x00\x41\x00\x41\x00\x6a\x0b", []assay.Outcome{assay.Unsupported, assay.OK}}, // by version
	} {
		module := filepath.Join(dir, name)
		if err := os.WriteFile(module, []byte(head+c.global+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		p, err := runtimes.V8.Plan(runners.Invocation{Tool: tool, Module: module})
		if err != nil {
			t.Fatal(err)
		}
		if got, res := judged(t, launcher, p); !slices.Contains(c.want, got) {
			t.Errorf("%s in a constant: %s, want %s\n%s", name, got, c.want, res.StderrTail)
		}
	}
}
