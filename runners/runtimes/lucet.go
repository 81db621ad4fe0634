package runtimes

import (
	"path/filepath"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Lucet loads what its compiler made before, with Cranelift. It is of history:
// its last version is of 2020, and its authors went on to Wasmtime.
var Lucet = runners.CLI{
	ID: "lucet",
	Program: runners.Tool{
		Bin:     "lucet-wasi",
		Probe:   []string{"--version"},
		Remedy:  `run "assay runtimes install lucet"`,
		Package: "lucet",
	},
	Inherits: true,
	Executes: runners.Traits{Mode: runners.Precompiled, Cache: runners.Made, MVP: true},
	Signs: []assay.Sign{
		{Outcome: assay.Trap, Exit: []int{101}, Stderr: `thread '.*' panicked at '(lucet-wasi runtime error: Runtime fault: |instance can be created: RuntimeFault\()`},
		{Outcome: assay.Unsupported, Exit: []int{1}, // of its compiler, which knows the first version
			Stderr: `(?m)^Error: Wasm validation: (.*` + notEnabled + `|memories count must be at most 1|func type returns multiple values|invalid (table|memory) resizable limits flags|invalid flags byte in element segment|Invalid section code|Invalid type|Unknown opcode|element is not anyfunc|only one init_expr operator is expected)`},
		{Outcome: assay.RuntimeCrash, Exit: []int{101}, Stderr: `thread '.*' panicked at `},
		{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
	},
	Compiler: "lucetc",
	Compile: func(inv runners.Invocation) ([]string, error) {
		// Its own bindings name the WASI of before wasi_snapshot_preview1.
		bindings := filepath.Join(filepath.Dir(inv.Tool.Path), "bindings.json")
		// By default it checks accesses against the first 4 MiB, beyond which
		// memory grows, and cannot be used.
		return []string{"--bindings", bindings, "--min-reserved-size", "4 GiB", "--output", inv.Scratch, inv.Module}, nil
	},
	Spell: func(inv runners.Invocation) ([]string, error) {
		dirs, err := mounts(inv, "--dir", writable(":"))
		if err != nil {
			return nil, err
		}
		var limit []string
		if inv.Memory > 0 {
			limit = []string{"--max-heap-size", strconv.FormatInt(inv.Memory, 10)}
		}
		return slices.Concat(limit, dirs, []string{"--", inv.Scratch}, inv.Args), nil
	},
}
