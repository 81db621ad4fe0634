package runtimes

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

//go:embed v8.mjs
var v8Script []byte

// V8 runs modules with V8 inside Node.js. WASI is the pure-JavaScript one of
// @bjorn3/browser_wasi_shim: Node 20's own aborts at random when a guest grows
// its memory.
var V8 = runners.CLI{
	ID: "v8",
	Program: runners.Tool{
		Bin:    "node",
		Probe:  []string{"--version"},
		Least:  20,
		Remedy: "install Node.js 20 or later with npm",
		Script: &runners.Script{Name: "v8.mjs", Data: v8Script},
		Module: "@bjorn3/browser_wasi_shim",
	},
	Executes: runners.Traits{Mode: runners.JIT, Cache: runners.Off},
	Signs: []assay.Sign{
		{Outcome: assay.Trap, Exit: []int{134}, Stderr: `(?m)^assay-v8: trap: `},
		{Outcome: assay.RuntimeCrash, Exit: []int{70}, Stderr: `(?m)^assay-v8: cannot run: `},
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `\Anode:internal/modules/`}, // Node did not find the script
		{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},                              // V8 out of memory is SIGABRT
	},
	Spell: func(inv runners.Invocation) ([]string, error) {
		if len(inv.Tool.Files) < 2 {
			return nil, fmt.Errorf("want the script and the entry of its package in Tool.Files, got %d files", len(inv.Tool.Files))
		}
		for _, a := range inv.Args {
			if strings.ContainsFunc(a, func(r rune) bool { return r > unicode.MaxASCII }) {
				return nil, fmt.Errorf("argument %q: browser_wasi_shim miscounts what is not ASCII: %w", a, runners.ErrUnsupported)
			}
		}
		return slices.Concat(
			[]string{"--no-warnings", inv.Tool.Files[0].Path, inv.Tool.Files[1].Path},
			runners.Each("--env", inv.Env...),
			[]string{inv.Module},
			inv.Args,
		), nil
	},
}
