package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/plans"
)

// RunOptions say how to come by a run.
type RunOptions struct {
	Rerun  bool          // take new samples though the archive has some
	Detach bool          // return when the agent has started
	Ready  time.Duration // wait so long at most until the host has little else to do, and begin no run if it has not; 0: begin at once
}

// Progress says how far a run is.
type Progress struct {
	Run         string
	Done, Total int           // planned invocations, warm-up included
	Elapsed     time.Duration // since this process began to watch
	Fresh       int           // of Done, those finished since then
	Current     string        // the trial last finished, and how
	Unready     []string      // what of the host is not as one wants it, now that it begins or goes on
	Waits       bool          // for the first of Unready to pass: nothing is begun yet
}

// A Watcher is shown how far a run is, from one goroutine.
type Watcher func(Progress)

// A Result is a run and whether the archive had it already.
type Result struct {
	Run      assay.Run
	Archived bool
}

// Run returns the archived run that the lock has for exp. Failing that it goes
// on with a run of exp that was begun and not finished, or makes one. A rerun
// goes on only with one that was begun since the archived one, and can be gone on
// with here: so it, too, is not begun again where it was interrupted.
//
// When ctx ends, an agent that this call has started is stopped: what was
// measured is kept, and the error is an *IncompleteError. One that another
// process has started is left at work; so is every one if the context's cause
// is ErrLeft.
func (w *Workspace) Run(ctx context.Context, exp assay.Experiment, opts RunOptions, watcher Watcher) (Result, error) {
	if err := checkReady(opts.Ready); err != nil {
		return Result{}, err
	}
	id, err := plans.Identity(exp)
	if err != nil {
		return Result{}, err
	}
	if !opts.Rerun {
		if run, ok, err := w.answer(ctx, exp.Name, id); ok || err != nil {
			return Result{run, true}, err
		}
	}
	if w.Config.Measure == "no" && opts.Rerun {
		return Result{}, fmt.Errorf("%s: a rerun takes new samples, and measuring is switched off by the setting measure (ASSAY_MEASURE): ask for a run, or switch it on", exp.Name)
	}
	if w.Config.Measure == "no" {
		return Result{}, fmt.Errorf("%s: assay.lock names no run of it, and nothing may be measured now (setting measure, ASSAY_MEASURE)", exp.Name)
	}
	frozen, err := w.freezeHere(ctx, exp)
	if err != nil {
		return Result{}, err
	}
	if opts.Ready > 0 && !w.measuring(ctx, id) {
		if frozen.host, err = awaitReady(ctx, w.Local.Host, exp.Name, opts.Ready, watcher); err != nil {
			return Result{}, err
		}
	}
	run, archived, err := w.beginOnce(ctx, frozen, id, opts.Rerun)
	if err != nil || archived {
		return Result{run, archived}, disk.Explain(w.Root, err)
	}
	run, err = w.carryOn(ctx, run.ID, frozen, opts.Detach, watcher)
	return Result{Run: run}, err
}

// answer returns the run that the lock has for an experiment, if it has one.
func (w *Workspace) answer(ctx context.Context, name string, experiment assay.Digest) (run assay.Run, ok bool, err error) {
	lock, err := w.Lock()
	if err != nil {
		return run, false, err
	}
	locked, ok := lock.Experiments[experiment]
	if !ok {
		return run, false, nil
	}
	run, err = w.archivedRun(ctx, locked.Manifest)
	if err == nil && run.Experiment != experiment {
		err = fmt.Errorf("it is of another experiment, %v: assay.lock is damaged; restore it from version control", run.Experiment)
	}
	if err != nil {
		err = fmt.Errorf(`%s: the run that assay.lock names (%s): %w; "assay run --rerun" takes new samples`, name, locked.Run, err)
	}
	return run, true, err
}

// beganSince reports whether the run with this ID began after the other one, or
// in the same second.
func beganSince(id, other string) bool {
	second, _, _ := strings.Cut(id, "-")
	otherSecond, _, _ := strings.Cut(other, "-")
	return id != other && second >= otherSecond
}

// beginOnce returns the run of the experiment that was begun and is not
// archived, or begins one: of several processes that ask at once, one does.
// While this one waited for another, that one's run may have been archived.
func (w *Workspace) beginOnce(ctx context.Context, frozen frozen, id assay.Digest, another bool) (run assay.Run, archived bool, err error) {
	name := frozen.experiment.Name
	release, err := mutex.Exclude(ctx, w.path(runsDir, ".begin"))
	if err != nil {
		return run, false, fmt.Errorf("run %s: %w", name, err)
	}
	defer release()
	lock, err := w.Lock()
	if err != nil {
		return run, false, err
	}
	live, err := w.live(ctx)
	if err != nil {
		return run, false, err
	}
	for _, run := range slices.Backward(live) {
		if run.Experiment != id || another && !beganSince(run.ID, lock.Experiments[id].Run) {
			continue
		}
		if another && run.State != assay.Running {
			_, changes, err := w.left(run, frozen)
			if err != nil {
				return run, false, err
			}
			if len(changes) > 0 {
				continue // it stays as it is, to be resumed where it can
			}
		}
		return run, false, nil
	}
	if !another {
		if run, ok, err := w.answer(ctx, name, id); ok || err != nil {
			return run, true, err
		}
	}
	run, err = w.begin(ctx, frozen, id)
	return run, false, err
}
