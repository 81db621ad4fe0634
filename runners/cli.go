package runners

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
)

// A CLI is a Runtime that is a command-line program executing WebAssembly
// modules. It is data, and one function for the one thing in which such
// programs disagree: spelling.
type CLI struct {
	ID       string
	Program  Tool
	Executes Traits
	Phases   *Shim // nil: none
	Signs    []assay.Sign

	// Compile returns the arguments that follow the program's path and make
	// Invocation.Scratch, which Spell then names; nil: there is no such step.
	Compile func(Invocation) ([]string, error)

	// Spell returns the arguments that follow the program's path. The
	// invocation's Args are always their verbatim tail.
	Spell func(Invocation) ([]string, error)
}

// Name returns c.ID.
func (c CLI) Name() string { return c.ID }

// Accepts returns assay.Wasm.
func (c CLI) Accepts() assay.Form { return assay.Wasm }

// Tool returns c.Program.
func (c CLI) Tool() Tool { return c.Program }

// Traits returns c.Executes.
func (c CLI) Traits() Traits { return c.Executes }

// Shim returns c.Phases.
func (c CLI) Shim() *Shim { return c.Phases }

// Plan spells inv. The program's own environment is empty, so that nothing on
// the host changes what it does.
func (c CLI) Plan(inv Invocation) (Plan, error) {
	plan := Plan{Signs: c.Signs}
	if c.Compile != nil {
		args, err := c.Compile(inv)
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", c.ID, err)
		}
		plan.Prepare = []assay.Command{{Argv: c.argv(inv, args)}}
	}
	args, err := c.Spell(inv)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", c.ID, err)
	}
	plan.Command = assay.Command{Argv: c.argv(inv, args), Stdin: inv.Stdin}
	return plan, nil
}

func (c CLI) argv(inv Invocation, args []string) []string {
	return slices.Concat(inv.Tool.Loader, []string{inv.Tool.Path}, args)
}

// Each returns flag x for each x in xs: Each("--env", a, b) is --env a --env b.
func Each(flag string, xs ...string) []string {
	var out []string
	for _, x := range xs {
		out = append(out, flag, x)
	}
	return out
}
