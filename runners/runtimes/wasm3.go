package runtimes

import (
	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Wasm3 is the interpreter of that name. Its crate has no program, and its
// own has no way to pass an environment.
var Wasm3 = engine{
	id:       "wasm3",
	executes: runners.Traits{Mode: runners.Interpreter, MVP: true},
	shim: runners.Shim{
		Tool:  installed("wasm3", "wasm3"),
		Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{70}, Stderr: `(?m)^assay-shim: unsupported: data segment overflowing linear memory$`}},
	},
}
