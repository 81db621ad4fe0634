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
func (native) Mode() runners.Mode  { return runners.AOT }

func (native) Plan(inv runners.Invocation) (runners.Plan, error) {
	argv := slices.Concat([]string{inv.Module}, inv.Args)
	return runners.Plan{Command: assay.Command{Argv: argv, Env: inv.Env, Stdin: inv.Stdin}}, nil
}
