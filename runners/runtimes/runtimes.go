// Package runtimes lists every runtime assay can plan for. To add one, write
// name.go, put its variable in All, and run go test -update; docs/runtimes.md
// shows how. It runs nothing and finds nothing: that is for package toolbox.
package runtimes

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay/runners"
)

// All is every runtime, by name. An experiment lists its own in the order of
// its tables and figures.
var All = []runners.Runtime{
	Containerd,
	Crun,
	Docker,
	Lucet,
	Native,
	Runc,
	V8,
	V8Liftoff,
	V8TurboFan,
	WAMR,
	WAMRAOT,
	WAMRClassic,
	WAMRFast,
	Wasm3,
	WasmEdge,
	WasmEdgeAOT,
	WasmEdgeJIT,
	WasmerCranelift,
	WasmerLLVM,
	WasmerPrecompiled,
	WasmerSinglepass,
	Wasmi,
	Wasmtime,
	WasmtimePrecompiled,
	WasmtimeWinch,
	WAVM,
	WAVMPrecompiled,
	Wazero,
	WazeroInterpreter,
}

// Find returns the runtime of that name. The error lists the names there are.
func Find(name string) (runners.Runtime, error) {
	var names []string
	for _, r := range All {
		if r.Name() == name {
			return r, nil
		}
		names = append(names, r.Name())
	}
	return nil, fmt.Errorf("no runtime %q: there are %s", name, strings.Join(names, ", "))
}
