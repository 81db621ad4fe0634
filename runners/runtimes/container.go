package runtimes

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/bundle"
)

// A container runs images with an OCI runtime: a program with the command line
// of runc. Memory and processor time of the workload are those of its control
// group, not of that program.
type container struct {
	id      string
	tool    runners.Tool
	options []string
	grouped bool // it makes a control group, which has the limit of memory
	signs   []assay.Sign
}

func (c container) Name() string        { return c.id }
func (c container) Accepts() assay.Form { return assay.Image }
func (c container) Tool() runners.Tool  { return c.tool }
func (c container) Shim() *runners.Shim { return nil }

// Traits: what is in the image was compiled as a whole, long before.
func (c container) Traits() runners.Traits { return runners.Traits{Mode: runners.AOT} }

// Plan makes a bundle of the image and runs that, in its own directory: crun
// takes the path of its state to be relative to the bundle. The container's
// name is that of the bundle, the same in each invocation, which finds no state
// of the one before, however that ended.
func (c container) Plan(inv runners.Invocation) (runners.Plan, error) {
	if !c.grouped {
		if err := noMemory(inv); err != nil {
			return runners.Plan{}, fmt.Errorf("%s: %w", c.id, err)
		}
	}
	o := bundle.Options{Args: inv.Args, Env: inv.Env, Memory: inv.Memory}
	for _, d := range inv.Dirs {
		o.Dirs = append(o.Dirs, bundle.Dir{Host: d.Host, Guest: d.Guest, ReadOnly: d.ReadOnly})
	}
	given, err := json.Marshal(o)
	if err != nil {
		return runners.Plan{}, err
	}
	name := "assay-" + assay.DigestOf(given).Short()
	dir := inv.Scratch + "/" + name
	command := func(args ...string) assay.Command {
		argv := slices.Concat(inv.Tool.Loader, []string{inv.Tool.Path}, c.options, []string{"--root", "state"}, args)
		return assay.Command{Argv: argv, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Dir: dir}
	}
	plan := runners.Plan{
		Prepare: []assay.Command{{Argv: []string{runners.AgentExe, runners.AgentBundle, inv.Module, inv.Scratch, name, string(given)}}},
		Command: command("run", name),
		Clean:   []assay.Command{command("delete", "--force", name)},
		Signs:   c.signs,
		State:   dir + "/state",
		Group:   true,
	}
	plan.Command.Stdin = inv.Stdin
	return plan, nil
}

// diedBySignal reads that a signal ended what a container ran: its runtime ends
// with 128 and the signal's number. SIGABRT is not among them: programs exit
// with 134 too.
var diedBySignal = assay.Sign{Outcome: assay.Signal, Exit: []int{129, 130, 131, 132, 133, 135, 136, 137, 139, 141, 143}}
