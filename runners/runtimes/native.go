package runtimes

import (
	"fmt"
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
	c := assay.Command{Argv: slices.Concat([]string{inv.Module}, inv.Args), Env: inv.Env, Stdin: inv.Stdin}
	for _, d := range inv.Dirs {
		if d.ReadOnly || d.Guest != "." {
			return runners.Plan{}, fmt.Errorf("native: directory %s: a process sees the host's as they are: %w", d.Guest, runners.ErrUnsupported)
		}
		c.Dir = d.Host
	}
	if err := noMemory(inv); err != nil {
		return runners.Plan{}, fmt.Errorf("native: %w", err)
	}
	return runners.Plan{Command: c}, nil
}
