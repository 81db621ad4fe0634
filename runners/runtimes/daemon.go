package runtimes

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// A daemon runs images by asking a process that is always there. What is
// measured of it is its client: the workload's memory and processor time are
// in control groups that the daemon makes.
type daemon struct {
	id    string
	tool  runners.Tool
	signs []assay.Sign

	// load returns the arguments that follow the program's path and load the
	// file; clean are those that end and remove the container.
	load  func(file string) []string
	clean [][]string

	// run returns those that run the image ref in the container.
	run func(inv runners.Invocation, ref string) ([]string, error)
}

func (d daemon) Name() string        { return d.id }
func (d daemon) Accepts() assay.Form { return assay.Image }
func (d daemon) Tool() runners.Tool  { return d.tool }
func (d daemon) Shim() *runners.Shim { return nil }

// Traits: what is in the image was compiled as a whole, long before.
func (d daemon) Traits() runners.Traits { return runners.Traits{Mode: runners.AOT} }

// Plan loads the image, with the workload's arguments in it, for ctr replaces
// the whole command or nothing of it, and runs it. Directories have to be
// absolute: the daemon has a working directory of its own. Images of a name are
// the same image, so that runs share them and none removes them; a container is
// of one run.
func (d daemon) Plan(inv runners.Invocation) (runners.Plan, error) {
	for _, dir := range inv.Dirs {
		if !filepath.IsAbs(dir.Host) || !filepath.IsAbs(dir.Guest) {
			return runners.Plan{}, fmt.Errorf("%s: a directory with a relative path, %s as %s: %w", d.id, dir.Host, dir.Guest, runners.ErrUnsupported)
		}
	}
	given := strings.Join(append([]string{inv.Module}, inv.Args...), "\x00")
	name := "assay-" + assay.DigestOf([]byte(given)).Short()
	file := inv.Scratch + "/" + name + ".tar"
	ref := "assay.invalid/" + name + ":1"
	command := func(args []string) assay.Command {
		return assay.Command{Argv: slices.Concat(inv.Tool.Loader, []string{inv.Tool.Path}, args), Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}
	}
	args, err := d.run(inv, ref)
	if err != nil {
		return runners.Plan{}, fmt.Errorf("%s: %w", d.id, err)
	}
	plan := runners.Plan{
		Prepare: []assay.Command{
			{Argv: append([]string{runners.AgentExe, runners.AgentArchive, inv.Module, file, ref}, inv.Args...)},
			command(d.load(file)),
		},
		Command: command(args),
		Signs:   d.signs,
	}
	plan.Command.Stdin = inv.Stdin
	for _, args := range d.clean {
		plan.Clean = append(plan.Clean, command(args))
	}
	return plan, nil
}

// Containerd runs images with containerd's own client.
var Containerd = daemon{
	id: "containerd",
	tool: runners.Tool{
		Bin:     "ctr",
		Probe:   []string{"--connect-timeout", "2s", "version"}, // which asks the daemon, too; ctr by itself waits 10 s for one that is not there
		Remedy:  "start its daemon, as docs/runtimes.md says",
		Package: "containerd",
	},
	signs: []assay.Sign{
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `(?m)^ctr: `},
		diedBySignal,
	},
	load: func(file string) []string { return []string{"--namespace", "assay", "images", "import", file} },
	clean: [][]string{
		{"--namespace", "assay", "tasks", "delete", "--force", runners.ContainerName},
		{"--namespace", "assay", "containers", "delete", runners.ContainerName},
	},
	run: func(inv runners.Invocation, ref string) ([]string, error) {
		args := slices.Concat([]string{"--namespace", "assay", "run", "--rm"}, runners.Each("--env", inv.Env...))
		for _, d := range inv.Dirs {
			args = append(args, "--mount", fmt.Sprintf("type=bind,src=%s,dst=%s,options=rbind:%s", d.Host, d.Guest, access(d)))
		}
		if inv.Memory > 0 {
			args = append(args, "--memory-limit", fmt.Sprint(inv.Memory))
		}
		return append(args, ref, runners.ContainerName), nil
	},
}

// Docker runs images with Docker.
var Docker = daemon{
	id: "docker",
	tool: runners.Tool{
		Bin:    "docker",
		Probe:  []string{"version", "--format", "{{.Server.Version}}"},
		Remedy: "install Docker, whose daemon must be running",
	},
	signs: []assay.Sign{
		{Outcome: assay.RuntimeCrash, Exit: []int{1, 125, 126, 127}, Stderr: `(?m)^docker: `},
		diedBySignal,
	},
	load:  func(file string) []string { return []string{"load", "--quiet", "--input", file} },
	clean: [][]string{{"rm", "--force", runners.ContainerName}},
	run: func(inv runners.Invocation, ref string) ([]string, error) {
		args := slices.Concat([]string{"run", "--rm", "--network", "none", "--name", runners.ContainerName}, runners.Each("--env", inv.Env...))
		if inv.Stdin != "" {
			args = append(args, "--interactive")
		}
		for _, d := range inv.Dirs {
			args = append(args, "--volume", d.Host+":"+d.Guest+":"+access(d))
		}
		if inv.Memory > 0 {
			args = append(args, "--memory", fmt.Sprint(inv.Memory))
		}
		return append(args, ref), nil
	},
}

func access(d runners.Dir) string {
	if d.ReadOnly {
		return "ro"
	}
	return "rw"
}
