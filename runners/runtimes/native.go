package runtimes

import (
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Native runs the workload's executable with no runtime at all: the baseline.
var Native = native{}

type native struct{}

func (native) Name() string        { return "native" }
func (native) Accepts() assay.Form { return assay.Native }
func (native) Tool() runners.Tool  { return runners.Tool{} }
func (native) Shim() *runners.Shim { return nil }

// Traits: it was compiled as a whole, long before.
func (native) Traits() runners.Traits { return runners.Traits{Mode: runners.AOT} }

func (native) Plan(inv runners.Invocation) (runners.Plan, error) {
	argv := slices.Concat([]string{inv.Module}, inv.Args)
	return runners.Plan{Command: assay.Command{Argv: argv, Env: inv.Env, Stdin: inv.Stdin}}, nil
}
