package runtimes

import (
	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Crun is the OCI runtime in C. It makes no control group of its own: with
// version 2 it would put it beside those of assay, where it is not measured.
var Crun = container{
	id: "crun",
	tool: runners.Tool{
		Bin:     "crun",
		Probe:   []string{"--version"},
		Remedy:  `run "assay runtimes install crun"`,
		Package: "crun",
		Unified: true,
	},
	options: []string{"--cgroup-manager=disabled", "--log-format=json"},
	signs: []assay.Sign{
		{Outcome: assay.RuntimeCrash, Exit: []int{1, 127, 255}, Stderr: `(?m)^\{"msg":.*"level":"error"`},
		diedBySignal,
	},
}
