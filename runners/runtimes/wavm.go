package runtimes

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// WAVM compiles with LLVM as it starts; WAVMPrecompiled loads what LLVM made
// before.
var (
	WAVM            = wavm("wavm", runners.Traits{Mode: runners.AOT, Cache: runners.Off})
	WAVMPrecompiled = precompiledWAVM()
)

func wavm(id string, executes runners.Traits, flags ...string) runners.CLI {
	return runners.CLI{
		ID:       id,
		Program:  runners.Tool{Bin: "wavm", Probe: []string{"version"}, Package: "wavm", Remedy: "build WAVM with LLVM and put wavm in PATH"},
		Executes: executes,
		Signs: []assay.Sign{
			// A trap is its own SIGABRT, with words; without them it died.
			{Outcome: assay.Trap, Signal: []string{"SIGABRT"}, Stderr: `[Rr]untime exception: `},
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)^(Error (loading|reading|deserializing|validating) |Failed to link |Couldn't |Module was invalid)`},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			if err := noMemory(inv); err != nil {
				return nil, err
			}
			if err := noEnv(inv); err != nil {
				return nil, err
			}
			root, err := mounts(inv, "--mount-root", func(d runners.Dir) (string, error) {
				if d.ReadOnly || d.Guest != "/" || len(inv.Dirs) > 1 {
					return "", fmt.Errorf("there is one directory, and it may be written to: %w", runners.ErrUnsupported)
				}
				return d.Host, nil
			})
			if err != nil {
				return nil, err
			}
			return slices.Concat([]string{"run", "--abi=wasi"}, flags, root, []string{inv.Module}, inv.Args), nil
		},
	}
}

func precompiledWAVM() runners.CLI {
	r := wavm("wavm/precompiled", runners.Traits{Mode: runners.Precompiled, Cache: runners.Made}, "--precompiled")
	r.Compile = func(inv runners.Invocation) ([]string, error) {
		return []string{"compile", "--format=precompiled-wasm", inv.Module, inv.Scratch}, nil
	}
	r.Spell = compiled(r.Spell)
	return r
}
