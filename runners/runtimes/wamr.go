package runtimes

import (
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// WAMR is Intel's WebAssembly Micro Runtime as its crate wamr-sys has it, in
// a program of ours: sources of December 2020, with the fast interpreter. The
// others are iwasm as upstream builds it now; which interpreter it has is
// decided when it is built, so the two are two programs.
var (
	WAMR = engine{
		id:       "wamr",
		executes: runners.Traits{Mode: runners.Interpreter, MVP: true},
		shim: runners.Shim{
			Tool:  installed("wamr", "wamr"),
			Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{70}, Stderr: `(?m)^assay-shim: cannot run: .*: (data|elements) segment does not fit`}},
			Note:  "WAMR of December 2020, not a release",
		},
	}
	WAMRClassic = iwasm("wamr/classic", "iwasm-classic", runners.Traits{Mode: runners.Interpreter},
		"build iwasm of WAMR with -DWAMR_BUILD_FAST_INTERP=0 and put it in PATH as iwasm-classic")
	WAMRFast = iwasm("wamr/fast", "iwasm", runners.Traits{Mode: runners.Interpreter},
		"build iwasm of WAMR, whose fast interpreter is its default, and put it in PATH")
	WAMRAOT = precompiledWAMR()
)

func iwasm(id, bin string, executes runners.Traits, remedy string) runners.CLI {
	return runners.CLI{
		ID:       id,
		Program:  runners.Tool{Bin: bin, Probe: []string{"--version"}, Remedy: remedy, Package: bin},
		Executes: executes,
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{1}, Stdout: `(?m)^Exception: `},
			{Outcome: assay.RuntimeCrash, Exit: []int{255}, Stdout: `(?m)^(WASM module (load|instantiate) failed|AOT module (load|instantiate) failed|Failed to )`},
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			if err := noMemory(inv); err != nil {
				return nil, err
			}
			dirs, err := mounts(inv, "--map-dir", func(d runners.Dir) (string, error) {
				d.Host, d.Guest = d.Guest, d.Host
				return writable("::")(d)
			})
			if err != nil {
				return nil, err
			}
			var options []string // each one word
			for pair := range slices.Chunk(slices.Concat(dirs, runners.Each("--env", inv.Env...)), 2) {
				options = append(options, pair[0]+"="+pair[1])
			}
			return slices.Concat(options, []string{inv.Module}, inv.Args), nil
		},
	}
}

func precompiledWAMR() runners.CLI {
	r := iwasm("wamr/aot", "iwasm", runners.Traits{Mode: runners.Precompiled, Cache: runners.Made},
		"build iwasm and wamrc of WAMR and put both into one directory of PATH")
	r.Compiler = "wamrc"
	r.Compile = func(inv runners.Invocation) ([]string, error) {
		return []string{"-o", inv.Scratch, inv.Module}, nil
	}
	r.Spell = compiled(r.Spell)
	return r
}
