package hosts

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

// Here says of tools how each executes code, and what this host has of it.
func Here(tools []Tool) []RuntimeHere {
	var all []RuntimeHere
	for _, t := range tools {
		all = append(all, contract.Of(t.Runtime, t.Found))
	}
	return all
}

// CheckRuntimes holds those tools that this host has to the contract of
// runtimes. It reports each case as it was run. The error matches
// failure.ErrMismatch if one fails; the Conformance is then whole.
func CheckRuntimes(ctx context.Context, tools []Tool, report func(RuntimeResult) error) (Conformance, error) {
	done := Conformance{Runtimes: Here(tools)}
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
		if t.Found.Absent != "" {
			continue
		}
		for _, c := range contract.Cases {
			r, err := host.Check(ctx, t.Runtime, t.Found, c)
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
