package runtimes

import (
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Wasmtime compiles with Cranelift, WasmtimeWinch with its baseline compiler;
// WasmtimePrecompiled loads what Cranelift made before. Its cache of compiled
// code, which is on by itself, is off. Functions are compiled side by side.
var (
	Wasmtime            = wasmtime("wasmtime", runners.Traits{Mode: runners.AOT, Cache: runners.Off, Threads: runners.EachProcessor}, wasmtimeShim("cranelift", true), "-C", "cache=n")
	WasmtimeWinch       = wasmtime("wasmtime/winch", runners.Traits{Mode: runners.AOT, Cache: runners.Off, Threads: runners.EachProcessor}, wasmtimeShim("winch", true), "-C", "cache=n", "-C", "compiler=winch")
	WasmtimePrecompiled = precompiledWasmtime()
)

func wasmtime(id string, executes runners.Traits, shim *runners.Shim, flags ...string) runners.CLI {
	return runners.CLI{
		ID: id,
		Program: runners.Tool{
			Bin:     "wasmtime",
			Probe:   []string{"--version"},
			Remedy:  `run "assay runtimes install wasmtime"`,
			Package: "wasmtime",
		},
		Executes: executes,
		Phases:   shim,
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{134}, Stderr: `(?m)^\s+\d+: wasm trap: `},
			{Outcome: assay.Trap, Exit: []int{1}, Stderr: `(?m)^\s+\d+: thrown Wasm exception$`},
			{Outcome: assay.Unsupported, Exit: []int{1},
				Stderr: `(?m)^Error: failed to (compile: wasm\[|parse WebAssembly module$)(?s:.*)(` + notEnabled + `|Compilation error: Unsupported )`},
			{Outcome: assay.Unsupported, Exit: []int{1}, Stderr: "(?m)^Error: failed to run main module `(?s:.*)^\\s+\\d+: .* is disabled for this engine"},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: "(?m)Error: failed to run main module `|^Error: (failed to (open wasm module \"|compile: wasm\\[|parse WebAssembly module$)|.*\n +--> /.*:\\d+:\\d+\n)"},
			refusedArguments("wasmtime"),
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			dirs, err := mounts(inv, "--dir", writable("::"))
			if err != nil {
				return nil, err
			}
			var limit []string
			if inv.Memory > 0 {
				limit = []string{"-W", "max-memory-size=" + strconv.FormatInt(inv.Memory, 10)}
			}
			return slices.Concat([]string{"run"}, flags, limit, dirs, runners.Each("--env", inv.Env...),
				[]string{inv.Module}, inv.Args), nil
		},
	}
}

func precompiledWasmtime() runners.CLI {
	r := wasmtime("wasmtime/precompiled", runners.Traits{Mode: runners.Precompiled, Cache: runners.Made}, wasmtimeShim("precompiled", false), "-C", "cache=n", "--allow-precompiled")
	r.Compile = func(inv runners.Invocation) ([]string, error) {
		return []string{"compile", "-C", "cache=n", "-o", inv.Scratch, inv.Module}, nil
	}
	r.Spell = compiled(r.Spell)
	return r
}

// compiled is spell, but with what Plan.Prepare made in place of the module.
func compiled(spell func(runners.Invocation) ([]string, error)) func(runners.Invocation) ([]string, error) {
	return func(inv runners.Invocation) ([]string, error) {
		inv.Module = inv.Scratch
		return spell(inv)
	}
}
