package runtimes

import (
	_ "embed"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Wazero runs modules with wazero's optimizing compiler, WazeroInterpreter
// with its interpreter. Both are upstream's own program, because assay itself
// is ten times larger and would start as slowly as it is large. No cache of
// compiled code is used.
var (
	Wazero            = wazero("wazero", runners.Traits{Mode: runners.AOT, Cache: runners.Off, Threads: 1}, "compiler")
	WazeroInterpreter = wazero("wazero/interpreter", runners.Traits{Mode: runners.Interpreter}, "interpreter", "-interpreter")
)

// Copies of tools/wazero/go.mod and go.sum: a module's directory cannot be
// embedded from another module.
var (
	//go:embed wazero.mod
	wazeroMod []byte
	//go:embed wazero.sum
	wazeroSum []byte
)

// What wazero says of a segment that does not fit, and of a module that takes
// what it has not: also by the bytes that types of objects, and limits of 64 bits,
// begin with.
const (
	wazeroSegment = `data\[\d+\]: out of bounds memory access`
	wazeroFeature = `(feature "[a-z-]+" is disabled|feature not enabled|at most one (memory|table) allowed|for limits: 0x[4-7] not in |invalid byte: 0x(4e|4f|50|5e|5f) != 0x60)`
)

func wazero(id string, executes runners.Traits, mode string, flags ...string) runners.CLI {
	return runners.CLI{
		ID: id,
		Program: runners.Tool{
			Bin:    "wazero",
			Probe:  []string{"version"},
			Remedy: "install Go 1.26 or later and let it download once",
			Build: &runners.Build{
				Package: "github.com/tetratelabs/wazero/cmd/wazero",
				Version: "v1.12.0",
				Mod:     wazeroMod,
				Sum:     wazeroSum,
			},
		},
		Executes: executes,
		Phases:   wazeroShim(mode),
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{1},
				Stderr: `error instantiating wasm binary: ((module\[.*\]|start) function\[.*\] failed: (wasm error: |stack overflow)|` + wazeroSegment + `)`},
			{Outcome: assay.Unsupported, Exit: []int{1}, Stderr: `(?m)^error compiling wasm binary: .*` + wazeroFeature},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)^error (reading|compiling|instantiating) wasm binary: `},
			{Outcome: assay.RuntimeCrash, Exit: []int{2}, Stderr: `(?m)^github\.com/tetratelabs/wazero`}, // its own Go stack
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			if err := noMemory(inv); err != nil {
				return nil, err
			}
			dirs, err := mounts(inv, "-mount", func(d runners.Dir) (string, error) {
				spelled := d.Host + ":" + d.Guest
				if d.ReadOnly {
					spelled += ":ro"
				}
				return spelled, nil
			})
			if err != nil {
				return nil, err
			}
			var sep []string
			if len(inv.Args) > 0 {
				sep = []string{"--"} // wazero eats a leading "--": feed it ours
			}
			return slices.Concat([]string{"run"}, flags, dirs, runners.Each("-env", inv.Env...),
				[]string{inv.Module}, sep, inv.Args), nil
		},
	}
}
