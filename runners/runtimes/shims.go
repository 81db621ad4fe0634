package runtimes

import (
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/shims"
)

// The shims that are not themselves the runtime, as wasm3's and WAMR's are.

func wazeroShim(mode string) *runners.Shim {
	return &runners.Shim{
		Tool: runners.Tool{
			Bin:    "assay-shim-wazero",
			Probe:  []string{"--version"},
			Remedy: "install Go 1.26 or later and let it download once",
			Build:  shims.Wazero(),
		},
		Mode: mode,
	}
}

func wasmtimeShim(mode string, counts bool) *runners.Shim {
	return &runners.Shim{
		Tool:   installed("wasmtime", "wasmtime-shim"),
		Mode:   mode,
		Counts: counts,
	}
}

func wasmerShim(mode string) *runners.Shim {
	return &runners.Shim{
		Tool: installed("wasmer", "wasmer-shim"),
		Mode: mode,
	}
}
