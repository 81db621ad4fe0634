package runtimes

import (
	"github.com/assay-notebooks/assay"
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
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{70}, Stderr: `(?m)^assay-shim: cannot run: ` + wazeroSegment},
			{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: `(?m)^assay-shim: cannot run: .*` + wazeroFeature},
		},
	}
}

func wasmtimeShim(mode string, counts bool) *runners.Shim {
	return &runners.Shim{
		Tool:   installed("wasmtime", "wasmtime-shim"),
		Mode:   mode,
		Counts: counts,
		Signs:  []assay.Sign{{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: `(?m)^assay-shim: cannot run: .*(` + notEnabled + `| is disabled for this engine|Compilation error: Unsupported )`}},
	}
}

func wasmerShim(mode string) *runners.Shim {
	return &runners.Shim{
		Tool:  installed("wasmer", "wasmer-shim"),
		Mode:  mode,
		Signs: []assay.Sign{{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: `(?m)^assay-shim: cannot run: .*` + notEnabled}},
	}
}
