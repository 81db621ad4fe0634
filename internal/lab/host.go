package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
)

// Runtimes says what this host has of the named runtimes; of all that assay
// knows, for none named. The first call builds those that are built here.
func (w *Workspace) Runtimes(ctx context.Context, names ...string) ([]assay.RuntimeVersion, error) {
	tools, err := w.locate(ctx, names, false)
	if err != nil {
		return nil, err
	}
	var versions []assay.RuntimeVersion
	for _, t := range tools {
		versions = append(versions, t.Found)
	}
	return versions, nil
}

// RuntimesHere is Runtimes, of all, with how each executes code.
func (w *Workspace) RuntimesHere(ctx context.Context) ([]hosts.RuntimeHere, error) {
	tools, err := w.locate(ctx, nil, false)
	if err != nil {
		return nil, err
	}
	return hosts.Here(tools), nil
}

// CheckRuntimes holds the named runtimes to their contract; all that this host
// has, for none named. It reports each case as it was run. The error matches
// failure.ErrMismatch if one fails; the Conformance is then whole.
func (w *Workspace) CheckRuntimes(ctx context.Context, names []string, report func(hosts.RuntimeResult) error) (hosts.Conformance, error) {
	tools, err := w.locate(ctx, names, false)
	if err != nil {
		return hosts.Conformance{}, err
	}
	for _, t := range tools {
		if t.Found.Absent != "" && len(names) > 0 {
			return hosts.Conformance{}, errors.New(t.Found.Absent)
		}
	}
	return hosts.CheckRuntimes(ctx, tools, report)
}

// Doctor says what this machine has, what is missing and how to get it, and
// what would make measurements noisy.
func (w *Workspace) Doctor(ctx context.Context) ([]hosts.Finding, error) {
	versions, err := w.Runtimes(ctx)
	if err != nil {
		return nil, err
	}
	host, err := w.Local.Host(ctx)
	if err != nil {
		return nil, err
	}
	return hosts.Findings(ctx, versions, host), nil
}

// Hosts lists the hosts that experiments can run on: this machine, as "local".
func (w *Workspace) Hosts(ctx context.Context) ([]assay.Host, error) {
	host, err := w.Local.Host(ctx)
	if err != nil {
		return nil, fmt.Errorf("fingerprint of this host: %w", err)
	}
	return []assay.Host{host}, nil
}

// CheckHosts returns an error for the first name that is of no host.
func (w *Workspace) CheckHosts(ctx context.Context, names []string) error {
	hosts, err := w.Hosts(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(hosts, func(h assay.Host) bool { return h.Name == name }) {
			var there []string
			for _, h := range hosts {
				there = append(there, h.Name)
			}
			return failure.Usagef("no host %q: there is %s", name, failure.Listed(there))
		}
	}
	return nil
}

// locate finds the named runtimes, in that order; all, for none named. With
// shims it finds their shims in place of them. What assay.lock pins is found as
// it was pinned.
func (w *Workspace) locate(ctx context.Context, names []string, shims bool) ([]hosts.Tool, error) {
	tools, err := w.programs().Locate(ctx, names, shims)
	if err != nil {
		return nil, err
	}
	return tools, w.usePinned(ctx, tools)
}

// programs are those of this host.
func (w *Workspace) programs() hosts.Programs {
	return hosts.Programs{Root: w.Root, Cache: w.Config.Cache}
}

// counting finds the programs of those tools that have no shim, and count
// themselves; of others it says that they do not.
func (w *Workspace) counting(ctx context.Context, tools []hosts.Tool) error {
	var at []int
	var these []hosts.Tool
	for i, t := range tools {
		switch {
		case t.Shim != nil:
		case t.Runtime.Traits().Counts:
			at, these = append(at, i), append(these, hosts.Tool{Runtime: t.Runtime})
		default:
			tools[i].Found.Absent = fmt.Sprintf("%s does not count what its guest executes (docs/measuring.md says which do, and why others do not): measure it by the protocol cold, or drop it from runtimes", t.Runtime.Name())
		}
	}
	if len(these) == 0 {
		return nil
	}
	if err := errors.Join(w.programs().Find(ctx, these), w.usePinned(ctx, these)); err != nil {
		return err
	}
	for k, i := range at {
		tools[i] = these[k]
	}
	return nil
}

// scratchDir is the directory, in an agent's work, of workloads that want one.
const scratchDir = "scratch"

// A planner makes the trials of one plan.
type planner struct {
	w          *Workspace
	ask        runners.Ask                   // what shims are asked
	processors int                           // how many commands may run on
	shapes     map[assay.Digest]images.Shape // of modules that were looked at
}

func (w *Workspace) planner(ask runners.Ask, processors int) planner {
	return planner{w, ask, processors, map[assay.Digest]images.Shape{}}
}

// trial makes the commands of one trial and puts the files that they name on
// the host.
func (p planner) trial(ctx context.Context, t hosts.Tool, wl assay.Workload) (assay.Trial, error) {
	w, ask := p.w, p.ask
	traits := t.Runtime.Traits()
	if traits.Threads == runners.EachProcessor {
		traits.Threads = p.processors
	}
	trial := assay.Trial{Mode: string(traits.Mode), Cache: string(traits.Cache), Threads: int32(traits.Threads)}
	unsupported := func(why string) (assay.Trial, error) {
		trial.Unsupported = why
		return trial, nil
	}
	if t.Found.Absent != "" {
		return unsupported(t.Found.Absent)
	}
	form := t.Runtime.Accepts()
	d, err := blob(wl, form, modules(traits.MVP, t.Shim != nil))
	if err != nil {
		return unsupported(err.Error())
	}
	if ask.Calls > 0 && !isReactor(wl, d) {
		return unsupported(fmt.Sprintf("%s has no reactor that %s can load, and calls are calls of its export run: see reactor in docs/workload.md", wl.Name, t.Runtime.Name()))
	}
	inv := runners.Invocation{
		Tool: t.Found, Args: wl.Args, Env: wl.Env,
		Scratch: runners.PreparedDir + "/" + d.Short() + "-" + assay.Filename(t.Runtime.Name()),
	}
	if wl.Scratch {
		trial.Scratch = scratchDir
		inv.Dirs = []runners.Dir{{Host: scratchDir, Guest: "."}}
	}
	if inv.Module, err = w.Local.Put(ctx, d, form == assay.Native, w.Store); err != nil {
		return trial, err
	}
	switch form {
	case assay.Image:
		if err := w.putImage(ctx, d); err != nil {
			return trial, err
		}
	case assay.Wasm:
		why, err := p.refused(d, inv.Module, t)
		if err != nil {
			return trial, err
		}
		if why != "" {
			return unsupported(why)
		}
	}
	if !wl.Stdin.IsZero() {
		if inv.Stdin, err = w.Local.Put(ctx, wl.Stdin, false, w.Store); err != nil {
			return trial, err
		}
	}
	var plan runners.Plan
	switch {
	case t.Shim != nil:
		trial.ShimMode = t.Shim.Mode
		plan, err = t.Shim.Plan(inv, ask)
	case ask.Count && traits.Counts:
		plan, err = t.Runtime.(runners.CLI).PlanCount(inv)
	default:
		plan, err = t.Runtime.Plan(inv)
	}
	if errors.Is(err, runners.ErrUnsupported) {
		return unsupported(strings.TrimSuffix(err.Error(), ": "+runners.ErrUnsupported.Error()))
	}
	trial.Command, trial.Prepare, trial.Signs, trial.Group = plan.Command, plan.Prepare, plan.Signs, plan.Group
	trial.State, trial.Clean = plan.State, plan.Clean
	return trial, err
}

// refused says why a tool would not execute the module d, which is at path, as
// others do.
func (p planner) refused(d assay.Digest, path string, t hosts.Tool) (string, error) {
	shape, known := p.shapes[d]
	if !known {
		module, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		shape, _ = images.ReadShape(module) // of what is no module, the runtime says what it thinks
		p.shapes[d] = shape
	}
	shim := t.Shim != nil || t.Runtime.Traits().Shim
	switch {
	case t.Shim == nil && shape.Run && !shape.Start:
		return "it is a reactor, which has no _start to execute: measure it by the protocol phases, or pin a command with it (docs/workload.md)", nil
	case shim && shape.Start && shape.Run:
		return "it exports both _start and run: a shim calls run where other programs call _start; build it without one of the two", nil
	case !shim && shape.Marks:
		return "it marks a region by imports of bench, which only shims have: measure it by the protocol phases, or build it without", nil
	}
	return "", nil
}

// blob returns what a workload is executed from in a form, on this host's
// platform: of Wasm modules the first of the variants that it has, or else its
// command. The error is the reason why there is no such thing.
func blob(wl assay.Workload, form assay.Form, variants []assay.Variant) (assay.Digest, error) {
	switch form {
	case assay.Wasm:
		for _, v := range variants {
			if d, ok := wl.Variants[v]; ok {
				return d, nil
			}
		}
		if wl.Module.IsZero() {
			return assay.Digest{}, fmt.Errorf("%s has no Wasm module: it is a container image", wl.Name)
		}
		return wl.Module, nil
	case assay.Native:
		if d, ok := wl.Native[install.Platform]; ok {
			return d, nil
		}
		return assay.Digest{}, fmt.Errorf("%s was not built natively for %s", wl.Name, install.Platform)
	default:
		if d, ok := wl.Image[install.Platform]; ok {
			return d, nil
		}
		return assay.Digest{}, fmt.Errorf("%s has no container image for %s", wl.Name, install.Platform)
	}
}

// modules are the variants of a workload's Wasm module that are tried before
// its command: for a runtime with features of the first version alone, and for
// a shim, which calls a reactor.
func modules(mvp, shim bool) []assay.Variant {
	switch {
	case mvp && shim:
		return []assay.Variant{assay.ReactorMVP, assay.MVP, assay.Reactor}
	case mvp:
		return []assay.Variant{assay.MVP}
	case shim:
		return []assay.Variant{assay.Reactor}
	}
	return nil
}

// isReactor reports whether d is a module of wl that exports run.
func isReactor(wl assay.Workload, d assay.Digest) bool {
	return slices.ContainsFunc([]assay.Variant{assay.Reactor, assay.ReactorMVP}, func(v assay.Variant) bool { return wl.Variants[v] == d })
}

// putImage puts the blobs of an image beside its manifest, where package bundle
// finds them.
func (w *Workspace) putImage(ctx context.Context, manifest assay.Digest) error {
	blobs, err := oci.Children(ctx, w.Store, manifest)
	if err != nil {
		return err
	}
	for _, d := range blobs {
		if _, err := w.Local.Put(ctx, d, false, w.Store); err != nil {
			return err
		}
	}
	return nil
}

// somewhere begins the path of a program that is not there.
const somewhere = "/path/to/"

// RuntimePlan returns the plan that a runtime makes for a workload on this
// host: what would be executed, word for word. With phases it is that of its
// shim. Of a runtime that is absent, which is why the trial is Unsupported, it
// has placeholders for the program and its script.
func (w *Workspace) RuntimePlan(ctx context.Context, name, ref string, phases bool) (assay.Trial, error) {
	tools, err := w.locate(ctx, []string{name}, phases)
	if err != nil {
		return assay.Trial{}, err
	}
	wl, err := w.Workload(ctx, ref)
	if err != nil {
		return assay.Trial{}, err
	}
	absent := tools[0].Found.Absent
	if program := tools[0].Program().Tool(); absent != "" && program.Bin != "" {
		found := assay.RuntimeVersion{Name: tools[0].Found.Name, Path: somewhere + program.Bin}
		if program.Script != nil {
			found.Files = append(found.Files, assay.File{Path: somewhere + program.Script.Name})
		}
		if program.Module != "" {
			found.Files = append(found.Files, assay.File{Path: somewhere + program.Module})
		}
		tools[0].Found = found
	}
	t, err := w.planner(runners.Ask{}, runtime.NumCPU()).trial(ctx, tools[0], wl)
	t.Unsupported = cmp.Or(absent, t.Unsupported)
	t.Workload, t.Manifest, t.Runtime, t.Expect = wl.Name, wl.Manifest, name, wl.Expect
	return t, err
}
