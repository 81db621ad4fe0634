package runtimes

import (
	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/shims"
)

// V8 runs modules with V8 inside Node.js as it comes: a function is compiled
// when it is first called, and again where it is hot. V8Liftoff has the
// baseline compiler alone, V8TurboFan the optimizing one, both before anything
// runs. WASI is the pure-JavaScript one of @bjorn3/browser_wasi_shim: Node
// 20's own aborts at random when a guest grows its memory. The main thread
// compiles, and so do the four of Node's pool (--v8-pool-size), however many
// processors there are.
var (
	V8         = v8("v8", "default", runners.JIT)
	V8Liftoff  = v8("v8/liftoff", "liftoff", runners.AOT)
	V8TurboFan = v8("v8/turbofan", "turbofan", runners.AOT)
)

func v8(id, mode string, how runners.Mode) engine {
	return engine{
		id:       id,
		executes: runners.Traits{Mode: how, Cache: runners.Off, Threads: 5},
		shim: runners.Shim{
			Tool: runners.Tool{
				Bin:     "node",
				Package: "node",
				Probe:   []string{"--version"},
				Least:   20,
				Remedy:  "install Node.js 20 or later with npm",
				Script:  &runners.Script{Name: "v8.mjs", Data: shims.V8},
				Module:  "@bjorn3/browser_wasi_shim",
			},
			Mode:   mode,
			Untold: "engine-init, for V8 begins with Node, before any program, nor teardown, for it frees when it likes",
			Signs:  []assay.Sign{{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `\Anode:internal/modules/`}}, // Node did not find the script
		},
	}
}
