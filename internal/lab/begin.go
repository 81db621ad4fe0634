package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/plans"
	"github.com/assay-notebooks/assay/runners/executors"
	"github.com/assay-notebooks/assay/runners/measure"
)

// A frozen is an experiment and its plan for this host.
type frozen struct {
	experiment assay.Experiment
	tools      []hosts.Tool // by runtime of the experiment
	host       assay.Host
	plan       []byte // canonical JSON
}

// freezeHere freezes exp for this host, and puts the files that the plan names
// in their place.
func (w *Workspace) freezeHere(ctx context.Context, exp assay.Experiment) (frozen, error) {
	f := frozen{experiment: exp}
	how := plans.ShapeOf(exp.Protocol)
	if cpus := exp.Protocol.CPUs; cpus != "" {
		if err := measure.CheckCPUs(cpus); err != nil { // the agent would refuse, and leave a run behind
			return f, failure.Usagef("%s: %w", exp.Name, err)
		}
	}
	var err error
	if f.tools, err = w.locate(ctx, exp.Runtimes, how.Shim); err != nil {
		return f, err
	}
	if how.Ask.Count {
		if err := w.counting(ctx, f.tools); err != nil {
			return f, err
		}
	}
	if f.host, err = w.Local.Host(ctx); err != nil {
		return f, fmt.Errorf("fingerprint of this host: %w", err)
	}
	processors := runtime.NumCPU() // that this process may run on, and so its agent
	if list, err := assay.ParseCPUs(exp.Protocol.CPUs); err == nil {
		processors = len(list)
	}
	planner := w.planner(how.Ask, processors)
	plan, err := plans.Freeze(exp, f.host.Name, func(i int, wl assay.Workload) (assay.Trial, error) {
		return planner.trial(ctx, f.tools[i], wl)
	})
	if err != nil {
		return f, err
	}
	f.plan, err = canonical.JSON(plan)
	return f, err
}

// begin writes the run directory of a frozen experiment.
func (w *Workspace) begin(ctx context.Context, f frozen, id assay.Digest) (assay.Run, error) {
	agentBinary, err := executors.AgentBinary(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return assay.Run{}, err
	}
	run := assay.Run{
		Format:     assay.RunFormat,
		ID:         newRunID(time.Now()),
		Name:       f.experiment.Name,
		Experiment: id,
		Plan:       assay.DigestOf(f.plan),
		State:      assay.Running,
		Host:       f.host,
		Agent:      assay.DigestOf(agentBinary),
		Version:    Version,
		Env:        w.allowedEnv(),
		Ready:      hosts.Unready(f.host),
		Started:    time.Now().UTC().Truncate(time.Millisecond),
	}
	for _, t := range f.tools {
		run.Runtimes = append(run.Runtimes, t.Found)
	}
	// The directory appears whole, under its final name, or not at all.
	tmp, err := os.MkdirTemp(w.path(runsDir), newPrefix)
	if err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	defer os.RemoveAll(tmp)
	expJSON, err := canonical.JSON(f.experiment)
	if err != nil {
		return run, err
	}
	runJSON, err := canonical.JSON(run)
	if err != nil {
		return run, err
	}
	for name, b := range map[string][]byte{planFile: f.plan, recordFile: runJSON, experimentFile: expJSON} {
		if err := durable.Write(filepath.Join(tmp, name), b); err != nil {
			return run, fmt.Errorf("run %s: %w", run.ID, err)
		}
	}
	if err := os.Rename(tmp, w.runDir(run.ID)); err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if err := durable.SyncDir(w.path(runsDir)); err != nil {
		return run, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return run, nil
}

// newRunID names a run by when it began, with something to tell apart two that
// began in one second.
func newRunID(now time.Time) string {
	var b [3]byte
	rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

// allowedEnv returns the variables of this process that a run record keeps.
func (w *Workspace) allowedEnv() []string {
	var env []string
	for _, k := range w.Config.Env {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}
