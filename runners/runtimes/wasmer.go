package runtimes

import (
	"fmt"
	"path"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Wasmer has one variant for each of its compilers, and none that leaves the
// choice to how it was built. Its cache is off.
var (
	WasmerCranelift   = wasmer("wasmer/cranelift", wasmerShim("cranelift"), "--cranelift")
	WasmerSinglepass  = wasmer("wasmer/singlepass", wasmerShim("singlepass"), "--singlepass")
	WasmerLLVM        = wasmerLLVM()
	WasmerPrecompiled = precompiledWasmer()
)

func wasmer(id string, shim *runners.Shim, compiler ...string) runners.CLI {
	flags := slices.Concat([]string{"run"}, compiler, []string{"--disable-cache"})
	return runners.CLI{
		ID: id,
		Program: runners.Tool{
			Bin:     "wasmer",
			Probe:   []string{"--version"},
			Remedy:  `run "assay runtimes install wasmer"`,
			Package: "wasmer",
		},
		Executes: runners.Traits{Mode: runners.AOT, Cache: runners.Off, Threads: runners.EachProcessor},
		Phases:   shim,
		Env:      []string{"WASMER_DIR=.wasmer"}, // in the working directory: it makes ~/.wasmer whatever it is asked to do
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{45}, Stderr: `(?m)(RuntimeError: |Uncaught exception$)`},
			{Outcome: assay.Trap, Exit: []int{1}, Stderr: `(?m)\Aerror: (RuntimeError: |Uncaught exception$)`}, // of a guest that imports nothing
			{Outcome: assay.Trap, Exit: []int{1}, Stderr: `(?m)^error: (Unable to instantiate the WebAssembly module|Spawn failed)\n╰─▶ 1: (Failed to create the instance - )?RuntimeError: `},
			{Outcome: assay.Unsupported, Exit: []int{1},
				Stderr: `(?m)^error: (.*\n╰─▶ 1: (compile error: Validate\("|Validation error: ).*` + notEnabled + `|.*\n╰─▶ 1: compile error: Codegen\("not yet implemented: |The \w+ backend does not support the required features)`},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)^error: .*\n(├|╰)─▶ 1: |\Aerror: (Function expected |Unable to determine how to execute ")`},
			refusedArguments("wasmer"),
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			if err := noMemory(inv); err != nil {
				return nil, err
			}
			if err := noEmpty(inv); err != nil {
				return nil, err
			}
			dirs, err := mounts(inv, "--volume", belowRoot)
			if err != nil {
				return nil, err
			}
			var sep []string
			if len(inv.Args) > 0 {
				sep = []string{"--"}
			}
			return slices.Concat(flags, dirs, runners.Each("--env", inv.Env...), []string{inv.Module}, sep, inv.Args), nil
		},
	}
}

// belowRoot spells d, which must not be the guest's root: what is written there
// stays in Wasmer's memory.
func belowRoot(d runners.Dir) (string, error) {
	if path.Join("/", d.Guest) == "/" {
		return "", fmt.Errorf("what is written there stays in memory: %w", runners.ErrUnsupported)
	}
	return writable(":")(d)
}

// wasmerLLVM is with LLVM, which the installed package leaves out.
func wasmerLLVM() runners.CLI {
	r := wasmer("wasmer/llvm", nil, "--llvm")
	r.Program.Package, r.Program.Bin = "", "wasmer-llvm"
	r.Program.Remedy = "build wasmer with its feature llvm and put it in PATH as wasmer-llvm"
	return r
}

func precompiledWasmer() runners.CLI {
	r := wasmer("wasmer/precompiled", wasmerShim("precompiled"))
	r.Executes = runners.Traits{Mode: runners.Precompiled, Cache: runners.Made}
	r.Compile = func(inv runners.Invocation) ([]string, error) {
		return []string{"compile", "--cranelift", inv.Module, "-o", inv.Scratch}, nil
	}
	r.Spell = compiled(r.Spell)
	return r
}
