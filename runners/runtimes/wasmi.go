package runtimes

import (
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Wasmi interprets, translating each function when it is first called.
var Wasmi = runners.CLI{
	ID: "wasmi",
	Program: runners.Tool{
		Bin:     "wasmi",
		Probe:   []string{"--version"},
		Remedy:  `run "assay runtimes install wasmi"`,
		Package: "wasmi",
	},
	Executes: runners.Traits{Mode: runners.Interpreter},
	Inside:   true,
	Counts: &runners.Counter{
		Options: []string{"--fuel", "18446744073709551615"}, // all that there can be
		Chatter: `fuel consumed: \d+, fuel remaining: \d+\n`,
		Counted: assay.Counted{Says: `fuel consumed: (\d+), fuel remaining: \d+\n`, Unit: "fuel:wasmi"},
	},
	Signs: []assay.Sign{
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `Error: failed during execution of _start: exit with invalid exit status `},
		{Outcome: assay.Trap, Exit: []int{1}, Stderr: `Error: failed during execution of _start: `},
		{Outcome: assay.Trap, Exit: []int{1},
			Stderr: `Error: failed to instantiate and start the Wasm module: (wasm .unreachable. instruction executed|(undefined element: )?out of bounds |uninitialized element |integer |invalid conversion to integer|call stack exhausted|indirect call type mismatch)`},
		{Outcome: assay.Unsupported, Exit: []int{1}, Stderr: `(?m)^Error: failed to compile Wasm module ".*` + notEnabled},
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)^Error: (did not specify .--invoke. |invalid amount of arguments given to function )`},
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)Error: failed to instantiate and start the Wasm module: |^Error: failed to (populate WASI externals: |compile Wasm module "|read Wasm file "|open directory '")`},
		refusedArguments("wasmi"),
		{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
	},
	Spell: func(inv runners.Invocation) ([]string, error) {
		if err := noMemory(inv); err != nil {
			return nil, err
		}
		if err := noEmpty(inv); err != nil {
			return nil, err
		}
		dirs, err := mounts(inv, "--dir", samePath)
		if err != nil {
			return nil, err
		}
		return slices.Concat([]string{"run"}, dirs, runners.Each("--env", inv.Env...), []string{inv.Module}, inv.Args), nil
	},
}
