package runners

import (
	"fmt"
	"path/filepath"
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

	// Chatter matches what the program itself writes to stdout when all is
	// well: assay.Command.Chatter; "": nothing.
	Chatter string

	// Counts makes the program count what its guest executes; nil: it cannot.
	Counts *Counter

	// Env is the environment of the program itself, which the guest is not
	// given; nil: empty.
	Env []string

	// Inherits says that the guest is given the program's own environment,
	// which is then the invocation's.
	Inherits bool

	// Inside starts the program in the directory that is the guest's working
	// directory, for one that knows a directory by its path alone.
	Inside bool

	// Compiler is the name of the program, beside that of the runtime, that
	// Compile is for; "": the runtime's own.
	Compiler string

	// Compile returns the arguments that follow the compiler's path and make
	// Invocation.Scratch, which Spell then names; nil: there is no such step.
	Compile func(Invocation) ([]string, error)

	// Spell returns the arguments that follow the program's path. The
	// invocation's Args are always their verbatim tail.
	Spell func(Invocation) ([]string, error)
}

// A Counter is how a command-line program counts what its guest executes.
type Counter struct {
	Options []string      // that make it do so, after the first argument that CLI.Spell returns
	Chatter string        // in place of CLI.Chatter: with what it says of the count
	Counted assay.Counted // where it says it
}

// Name returns c.ID.
func (c CLI) Name() string { return c.ID }

// Accepts returns assay.Wasm.
func (c CLI) Accepts() assay.Form { return assay.Wasm }

// Tool returns c.Program.
func (c CLI) Tool() Tool { return c.Program }

// Traits returns c.Executes.
func (c CLI) Traits() Traits {
	t := c.Executes
	t.Counts = c.Counts != nil
	return t
}

// Shim returns c.Phases.
func (c CLI) Shim() *Shim { return c.Phases }

// Plan spells inv. The program's own environment is c.Env alone, or what it
// hands on, so that nothing on the host changes what it does.
func (c CLI) Plan(inv Invocation) (Plan, error) {
	plan := Plan{Signs: c.Signs}
	if c.Compile != nil {
		args, err := c.Compile(inv)
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", c.ID, err)
		}
		compiler := inv.Tool.Path
		if c.Compiler != "" {
			compiler = filepath.Join(filepath.Dir(inv.Tool.Path), c.Compiler)
		}
		plan.Prepare = []assay.Command{{Argv: slices.Concat(inv.Tool.Loader, []string{compiler}, args), Env: c.Env}}
	}
	var dir string
	if c.Inside {
		inv.Dirs = slices.Clone(inv.Dirs)
		for i, d := range inv.Dirs {
			if d.Guest == "." {
				dir, inv.Dirs[i].Host = d.Host, "."
			}
		}
	}
	args, err := c.Spell(inv)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", c.ID, err)
	}
	argv, env := slices.Concat(inv.Tool.Loader, []string{inv.Tool.Path}, args), c.Env
	if c.Inherits {
		env = inv.Env
	}
	plan.Command = assay.Command{Argv: argv, Env: env, Stdin: inv.Stdin, Dir: dir, Chatter: c.Chatter}
	return plan, nil
}

// PlanCount is Plan for a program that counts what its guest executes, and says
// so itself. The error matches ErrUnsupported if it cannot.
func (c CLI) PlanCount(inv Invocation) (Plan, error) {
	if c.Counts == nil {
		return Plan{}, fmt.Errorf("%s: it does not tell what its guest executes: %w", c.ID, ErrUnsupported)
	}
	spell := c.Spell
	c.Chatter = c.Counts.Chatter
	c.Spell = func(inv Invocation) ([]string, error) {
		args, err := spell(inv)
		if err != nil {
			return nil, err
		}
		return slices.Insert(args, 1, c.Counts.Options...), nil
	}
	plan, err := c.Plan(inv)
	plan.Command.Counted = c.Counts.Counted
	return plan, err
}

// Each returns flag x for each x in xs: Each("--env", a, b) is --env a --env b.
func Each(flag string, xs ...string) []string {
	var out []string
	for _, x := range xs {
		out = append(out, flag, x)
	}
	return out
}
