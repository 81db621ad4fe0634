package runtimes

import (
	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Runc is the OCI runtime below Docker and containerd.
var Runc = container{
	id: "runc",
	tool: runners.Tool{
		Bin:     "runc",
		Probe:   []string{"--version"},
		Remedy:  `run "assay runtimes install runc"`,
		Package: "runc",
	},
	grouped: true,
	signs: []assay.Sign{
		{Outcome: assay.RuntimeCrash, Exit: []int{1, 255}, Stderr: `(?m)^time="[^"]*" level=(error|fatal) msg="`},
		diedBySignal,
	},
}
