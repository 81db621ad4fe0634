package runners

import (
	"fmt"

	"github.com/assay-notebooks/assay"
)

// A CLI is a Runtime that is a command-line program executing WebAssembly
// modules. It is data, and one function for the one thing in which such
// programs disagree: spelling.
type CLI struct {
	ID       string
	Program  Tool
	Executes Mode
	Signs    []assay.Sign

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

// Mode returns c.Executes.
func (c CLI) Mode() Mode { return c.Executes }

// Plan spells inv. The program's own environment is empty, so that nothing on
// the host changes what it does.
func (c CLI) Plan(inv Invocation) (Plan, error) {
	args, err := c.Spell(inv)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", c.ID, err)
	}
	return Plan{
		Command: assay.Command{Argv: append([]string{inv.Tool.Path}, args...), Stdin: inv.Stdin},
		Signs:   c.Signs,
	}, nil
}

// Each returns flag x for each x in xs: Each("--env", a, b) is --env a --env b.
func Each(flag string, xs ...string) []string {
	var out []string
	for _, x := range xs {
		out = append(out, flag, x)
	}
	return out
}
