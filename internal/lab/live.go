package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/agent"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/runners"
)

// The files of a run directory. The agent reads plan.json and writes journal;
// run.json is our part of the record, written before the agent starts.
const (
	planFile       = runners.PlanFile
	journalFile    = agent.JournalFile
	recordFile     = "run.json"
	experimentFile = "experiment.json"
)

func (w *Workspace) runDir(id string) string { return w.path(runsDir, id) }

// runMutex is the file of the mutex of whoever starts an agent for a run or
// settles it.
func (w *Workspace) runMutex(id string) string { return w.path(runsDir, "."+id+".mutex") }

// live returns the runs that are not archived yet, oldest first. Those that
// cannot be read are left out and are the error.
func (w *Workspace) live(ctx context.Context) ([]assay.Run, error) {
	entries, err := os.ReadDir(w.path(runsDir))
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	var runs []assay.Run
	var problems []error
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		run, err := w.liveRun(ctx, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // archived meanwhile
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		runs = append(runs, run)
	}
	return runs, errors.Join(problems...)
}

// An Unfinished is a run that is not archived yet, and how far it is.
type Unfinished struct {
	Run         assay.Run
	Done, Total int // planned invocations
}

// Unfinished lists the runs that are not archived yet, oldest first. Those that
// cannot be read are left out and are the error.
func (w *Workspace) Unfinished(ctx context.Context) ([]Unfinished, error) {
	live, err := w.live(ctx)
	problems := []error{err}
	var all []Unfinished
	for _, run := range live {
		plan, err := w.livePlan(run)
		if errors.Is(err, fs.ErrNotExist) {
			continue // archived meanwhile
		}
		book, bookErr := journal.Read(filepath.Join(w.runDir(run.ID), journalFile))
		if bookErr != nil && !errors.Is(bookErr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("run %s: %w", run.ID, bookErr))
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		run.Segments, run.Outcomes = len(book.Segments), count(book.Samples)
		all = append(all, Unfinished{run, invocations(book.Samples), len(plan.Order) * len(plan.Trials)})
	}
	return all, errors.Join(problems...)
}

// liveRun reads the record of a run that is not archived yet.
func (w *Workspace) liveRun(ctx context.Context, id string) (assay.Run, error) {
	var run assay.Run
	b, err := os.ReadFile(filepath.Join(w.runDir(id), recordFile))
	if err != nil {
		return run, fmt.Errorf("run %s: %w", id, err)
	}
	if err := json.Unmarshal(b, &run); err != nil {
		return run, fmt.Errorf("run %s: %s: %w", id, recordFile, err)
	}
	if run.ID != id {
		return run, fmt.Errorf("run %s: %s is of another run, %q", id, recordFile, run.ID)
	}
	alive, err := w.alive(ctx, id)
	if err != nil {
		return run, err
	}
	if !alive {
		run.State = assay.Interrupted
	}
	return run, nil
}

// alive reports whether an agent is at work on a run.
func (w *Workspace) alive(ctx context.Context, id string) (bool, error) {
	status, err := w.Local.Status(ctx, w.runDir(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("run %s: %w", id, err)
	}
	return status.Alive, nil
}

// findLive finds a run that is not archived yet, by its ID or, the latest, by
// its experiment's name.
func (w *Workspace) findLive(ctx context.Context, ref string) (assay.Run, error) {
	live, unreadable := w.live(ctx)
	for _, run := range slices.Backward(live) {
		if run.ID == ref || run.Name == ref {
			return run, nil
		}
	}
	if run, err := w.FindRun(ctx, ref); err == nil {
		return run, failure.Usagef(`run %s is complete and archived: "assay show %s" shows it`, run.ID, run.ID)
	}
	if unreadable != nil {
		return assay.Run{}, unreadable
	}
	return assay.Run{}, failure.Usagef(`no run %q: "assay runs" lists them`, ref)
}

// livePlan reads the plan of a run that is not archived yet, and checks that
// it is the one that the run was begun with.
func (w *Workspace) livePlan(run assay.Run) (assay.Plan, error) {
	var plan assay.Plan
	b, err := os.ReadFile(filepath.Join(w.runDir(run.ID), planFile))
	if err != nil {
		return plan, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if d := assay.DigestOf(b); d != run.Plan {
		return plan, fmt.Errorf("run %s: %s is %v, the run was begun with %v: %w", run.ID, planFile, d, run.Plan, artifacts.ErrCorrupt)
	}
	if err := json.Unmarshal(b, &plan); err != nil {
		return plan, fmt.Errorf("run %s: %s: %w", run.ID, planFile, err)
	}
	return plan, nil
}

// liveExperiment reads the experiment of a run that is not archived yet.
func (w *Workspace) liveExperiment(run assay.Run) (assay.Experiment, error) {
	var exp assay.Experiment
	b, err := os.ReadFile(filepath.Join(w.runDir(run.ID), experimentFile))
	if err != nil {
		return exp, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if d := assay.DigestOf(b); d != run.Experiment {
		return exp, fmt.Errorf("run %s: %s is %v, the run is of %v: %w", run.ID, experimentFile, d, run.Experiment, artifacts.ErrCorrupt)
	}
	if err := json.Unmarshal(b, &exp); err != nil {
		return exp, fmt.Errorf("run %s: %s: %w", run.ID, experimentFile, err)
	}
	return exp, nil
}

// Cancel stops the agent of a run. What was measured is kept.
func (w *Workspace) Cancel(ctx context.Context, ref string) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	if err := w.Local.Cancel(ctx, w.runDir(run.ID)); err != nil {
		return run, fmt.Errorf("cancel %s: %w", run.ID, err)
	}
	return w.liveRun(ctx, run.ID)
}

// idle reports whether no agent of the workspace is at work, as far as can be
// told: of a run that cannot be read nothing is known, ever.
func (w *Workspace) idle(ctx context.Context) bool {
	live, _ := w.live(ctx)
	return !slices.ContainsFunc(live, func(r assay.Run) bool { return r.State == assay.Running })
}
