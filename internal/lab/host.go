package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// A tool is a runtime and what this host has of it.
type tool struct {
	runtime runners.Runtime
	found   assay.RuntimeVersion
}

// Runtimes says what this host has of the named runtimes; of all that assay
// knows, for none named. The first call builds those that are built here.
func (w *Workspace) Runtimes(ctx context.Context, names ...string) ([]assay.RuntimeVersion, error) {
	tools, err := w.locate(ctx, names)
	if err != nil {
		return nil, err
	}
	var versions []assay.RuntimeVersion
	for _, t := range tools {
		versions = append(versions, t.found)
	}
	return versions, nil
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
			return Usagef("no host %q: there is %s", name, listed(there))
		}
	}
	return nil
}

// locate finds the named runtimes, in that order; all, for none named.
func (w *Workspace) locate(ctx context.Context, names []string) ([]tool, error) {
	var tools []tool
	if len(names) == 0 {
		for _, r := range runtimes.All {
			tools = append(tools, tool{runtime: r})
		}
	}
	for _, name := range names {
		r, err := runtimes.Find(name)
		if err != nil {
			return nil, Usagef("%w", err)
		}
		tools = append(tools, tool{runtime: r})
	}
	opts := toolbox.Options{Cache: w.Config.Cache, Packages: map[string]string{}}
	notInstalled := make([]error, len(tools))
	sharing := map[string][]int{} // a program: tools
	for i, t := range tools {
		if pkg := t.runtime.Tool().Module; pkg != "" {
			// Without npm, or without the network the first time, the runtimes
			// that need the package are absent; the others are not concerned.
			dir, err := nodewasi.Dir(ctx, w.Config.Cache)
			if err == nil {
				opts.Packages[pkg] = filepath.Join(dir, nodewasi.Shim)
			}
			notInstalled[i] = err
		}
		bin := t.runtime.Tool().Bin
		sharing[bin] = append(sharing[bin], i)
	}
	// Each program is asked its version: side by side, but one that is built is
	// built once.
	var all sync.WaitGroup
	failed := make([]error, len(tools))
	for _, group := range sharing {
		all.Go(func() {
			for _, i := range group {
				tools[i].found, failed[i] = toolbox.Locate(ctx, tools[i].runtime, opts)
			}
		})
	}
	all.Wait()
	for i, err := range failed {
		if err != nil {
			return nil, err
		}
		if found := &tools[i].found; found.Absent != "" && notInstalled[i] != nil && !errors.Is(notInstalled[i], nodewasi.ErrNoNPM) {
			found.Absent += fmt.Sprintf(" (%v)", notInstalled[i])
		}
	}
	return tools, nil
}

// trial makes the commands of one trial and puts the files that they name on
// the host.
func (w *Workspace) trial(ctx context.Context, t tool, wl assay.Workload) (assay.Trial, error) {
	if t.found.Absent != "" {
		return assay.Trial{Unsupported: t.found.Absent}, nil
	}
	form := t.runtime.Accepts()
	d, err := blob(wl, form)
	if err != nil {
		return assay.Trial{Unsupported: err.Error()}, nil
	}
	inv := runners.Invocation{Tool: t.found, Args: wl.Args, Env: wl.Env}
	if inv.Module, err = w.Local.Put(ctx, d, form == assay.Native, w.Store); err != nil {
		return assay.Trial{}, err
	}
	if !wl.Stdin.IsZero() {
		if inv.Stdin, err = w.Local.Put(ctx, wl.Stdin, false, w.Store); err != nil {
			return assay.Trial{}, err
		}
	}
	plan, err := t.runtime.Plan(inv)
	if errors.Is(err, runners.ErrUnsupported) {
		return assay.Trial{Unsupported: err.Error()}, nil
	}
	if err != nil {
		return assay.Trial{}, err
	}
	return assay.Trial{Command: plan.Command, Prepare: plan.Prepare, Signs: plan.Signs}, nil
}

// blob returns what a workload is executed from in a form, on this host's
// platform. The error is the reason why there is no such thing.
func blob(wl assay.Workload, form assay.Form) (assay.Digest, error) {
	platform := goruntime.GOOS + "/" + goruntime.GOARCH
	switch form {
	case assay.Wasm:
		if wl.Module.IsZero() {
			return assay.Digest{}, fmt.Errorf("%s has no Wasm module: it is a container image", wl.Name)
		}
		return wl.Module, nil
	case assay.Native:
		if d, ok := wl.Native[platform]; ok {
			return d, nil
		}
		return assay.Digest{}, fmt.Errorf("%s was not built natively for %s", wl.Name, platform)
	default:
		return assay.Digest{}, fmt.Errorf("%s: no way to run the form %s on this host", wl.Name, form)
	}
}

// RuntimePlan returns the plan that a runtime makes for a workload on this
// host: what would be executed, word for word.
func (w *Workspace) RuntimePlan(ctx context.Context, name, ref string) (assay.Trial, error) {
	tools, err := w.locate(ctx, []string{name})
	if err != nil {
		return assay.Trial{}, err
	}
	wl, err := w.Workload(ctx, ref)
	if err != nil {
		return assay.Trial{}, err
	}
	t, err := w.trial(ctx, tools[0], wl)
	t.Workload, t.Manifest, t.Runtime, t.Expect = wl.Name, wl.Manifest, name, wl.Expect
	return t, err
}
