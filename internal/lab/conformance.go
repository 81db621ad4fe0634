package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"time"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/runners/executors"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
)

// A Conformance is how runtimes met their contract.
type Conformance = contract.Report

// A RuntimeResult is how a runtime met one case of its contract.
type RuntimeResult = contract.Result

// A RuntimeHere is a runtime, how it executes code, and what this host has of
// it.
type RuntimeHere = contract.Runtime

// RuntimesHere is Runtimes, of all, with how each executes code.
func (w *Workspace) RuntimesHere(ctx context.Context) ([]RuntimeHere, error) {
	tools, err := w.locate(ctx, nil, false)
	if err != nil {
		return nil, err
	}
	var all []RuntimeHere
	for _, t := range tools {
		all = append(all, contract.Of(t.runtime, t.found))
	}
	return all, nil
}

// CheckRuntimes holds the named runtimes to their contract; all that this host
// has, for none named. It reports each case as it was run. The error matches
// failure.ErrMismatch if one fails; the Conformance is then whole.
func (w *Workspace) CheckRuntimes(ctx context.Context, names []string, report func(RuntimeResult) error) (Conformance, error) {
	tools, err := w.locate(ctx, names, false)
	if err != nil {
		return Conformance{}, err
	}
	var done Conformance
	for _, t := range tools {
		done.Runtimes = append(done.Runtimes, contract.Of(t.runtime, t.found))
		if t.found.Absent != "" && len(names) > 0 {
			return Conformance{}, errors.New(t.found.Absent)
		}
	}
	dir, err := os.MkdirTemp("", "assay-check-")
	if err != nil {
		return Conformance{}, err
	}
	defer os.RemoveAll(dir)
	launcher, err := startLauncher(dir)
	if err != nil {
		return Conformance{}, err
	}
	defer launcher.Close()
	host := contract.Host{Launcher: launcher, Dir: filepath.Join(dir, "work"), Image: contract.ShellImage(filepath.Join(dir, "images"))}
	failed := 0
	for _, t := range tools {
		if t.found.Absent != "" {
			continue
		}
		for _, c := range contract.Cases {
			r, err := host.Check(ctx, t.runtime, t.found, c)
			if err != nil {
				return Conformance{}, err
			}
			if r.Verdict == contract.Fails {
				failed++
			}
			done.Results = append(done.Results, r)
			if err := report(r); err != nil {
				return Conformance{}, err
			}
		}
	}
	if failed > 0 {
		return done, failure.Classed(failure.ErrMismatch, fmt.Errorf("%d of %d cases fail", failed, len(done.Results)))
	}
	return done, nil
}

// startLauncher starts a launcher of this assay's agent, which works in dir/work.
func startLauncher(dir string) (*measure.Launcher, error) {
	agent, err := executors.AgentBinary(goruntime.GOOS, goruntime.GOARCH)
	if err != nil {
		return nil, err
	}
	exe, work := filepath.Join(dir, "assay-agent"), filepath.Join(dir, "work")
	if err := errors.Join(os.WriteFile(exe, agent, 0o755), os.Mkdir(work, 0o755)); err != nil {
		return nil, err
	}
	return measure.Start(exe, work)
}

// WriteConformance puts c, of all runtimes, into file: docs/runtimes.md.
func WriteConformance(file string, c Conformance, now time.Time) error {
	return c.Write(file, contract.Everything, now)
}
