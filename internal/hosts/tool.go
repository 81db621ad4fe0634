// Package hosts is about the machine that it runs on. It finds the programs of
// runtimes, installs what is missing, holds runtimes and shims to what they must
// do, and says what of the machine makes numbers noisy.
//
// It knows no archive and no plan. What it installs is below the cache, whose
// versions a workspace's runtimes.lock has; the user's own programs it runs, and
// changes none.
package hosts

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// A Tool is a runtime and what this host has of it, or of its shim.
type Tool struct {
	Runtime runners.Runtime
	Shim    *runners.Shim // nil: the runtime itself executes
	Found   assay.RuntimeVersion
}

// Program returns what is looked for on the host.
func (t Tool) Program() runners.Runtime {
	if t.Shim != nil {
		return runners.CLI{ID: t.Runtime.Name(), Program: t.Shim.Tool}
	}
	return t.Runtime
}

// shimSuffix ends the name of what executes a runtime's shim, in the record of a
// run.
const shimSuffix = " shim"

// Programs are those of this host: of its PATH, and what is installed.
type Programs struct {
	Root  string // of the workspace whose runtimes.lock says what is installed; "": what assay brings
	Cache string // where it is
}

// Locate finds the named runtimes, in that order; all that assay knows, for none
// named. With shims it finds their shims in place of them.
func (p Programs) Locate(ctx context.Context, names []string, shims bool) ([]Tool, error) {
	var tools []Tool
	if len(names) == 0 {
		for _, r := range runtimes.All {
			tools = append(tools, Tool{Runtime: r})
		}
	}
	for _, name := range names {
		r, err := runtimes.Find(name)
		if err != nil {
			return nil, failure.Usagef("%w", err)
		}
		tools = append(tools, Tool{Runtime: r})
	}
	if !shims {
		return tools, p.Find(ctx, tools)
	}
	var there []Tool
	for i := range tools {
		t := &tools[i]
		if t.Shim = t.Runtime.Shim(); t.Shim != nil {
			there = append(there, *t)
			continue
		}
		t.Found.Absent = fmt.Sprintf("%s has no shim, which this protocol takes: measure it by the protocol cold, or drop it from runtimes", t.Runtime.Name())
	}
	err := p.Find(ctx, there)
	for i := range tools {
		t := &tools[i]
		if t.Shim != nil {
			t.Found, there = there[0].Found, there[1:]
		}
		t.Found.Name = t.Runtime.Name() + shimSuffix
	}
	return tools, err
}

// Find finds the programs of tools. The first call builds those that are built
// here.
func (p Programs) Find(ctx context.Context, tools []Tool) error {
	lock, err := p.Installable()
	if err != nil {
		return err
	}
	opts := toolbox.Options{Cache: p.Cache, Packages: map[string]string{}, Lock: lock}
	notInstalled := make([]error, len(tools))
	sharing := map[string][]int{} // a program: tools
	for i, t := range tools {
		program := t.Program().Tool()
		if pkg := program.Module; pkg != "" {
			// Without npm, or without the network the first time, the runtimes
			// that need the package are absent; the others are not concerned.
			dir, err := nodewasi.Dir(ctx, p.Cache)
			if err == nil {
				opts.Packages[pkg] = filepath.Join(dir, nodewasi.Shim)
			}
			notInstalled[i] = err
		}
		sharing[program.Bin] = append(sharing[program.Bin], i)
	}
	// Each program is asked its version: side by side, but one that is built is
	// built once.
	var all errgroup.Group
	for _, group := range sharing {
		all.Go(func() error {
			var programs []runners.Runtime
			for _, i := range group {
				programs = append(programs, tools[i].Program())
			}
			found, err := toolbox.LocateAll(ctx, programs, opts)
			for k := range found {
				tools[group[k]].Found = found[k]
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for i, err := range notInstalled {
		if found := &tools[i].Found; found.Absent != "" && err != nil && !errors.Is(err, nodewasi.ErrNoNPM) {
			found.Absent += fmt.Sprintf(" (%v)", err)
		}
	}
	return nil
}
