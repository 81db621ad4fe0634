package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/executors"
)

// Attach watches a run to its end, and archives it then. When ctx ends the run
// goes on. It, Resume and Cancel take a run's ID or its experiment's name.
func (w *Workspace) Attach(ctx context.Context, ref string, watcher Watcher) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	if run.State != assay.Running {
		return run, fmt.Errorf(`run %s has no agent: "assay resume %s" starts one: %w`, run.ID, run.ID, ErrIncomplete)
	}
	return w.watch(ctx, run.ID, false, watcher)
}

// Resume goes on with a run that was interrupted.
func (w *Workspace) Resume(ctx context.Context, ref string, watcher Watcher) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	exp, err := w.liveExperiment(run)
	if err != nil {
		return run, err
	}
	frozen, err := w.freezeHere(ctx, exp)
	if err != nil {
		return run, err
	}
	return w.carryOn(ctx, run.ID, frozen, false, watcher)
}

// carryOn sees to it that a run has an agent, and watches it.
func (w *Workspace) carryOn(ctx context.Context, id string, f frozen, detach bool, watcher Watcher) (assay.Run, error) {
	started, err := w.start(ctx, id, f)
	if errors.Is(err, fs.ErrNotExist) {
		return w.FindRun(ctx, id) // archived meanwhile
	}
	if err != nil {
		return assay.Run{}, err
	}
	if detach {
		return w.liveRun(ctx, id)
	}
	return w.watch(ctx, id, started, watcher)
}

// start starts an agent for a run that has none, and says whether it did. It
// refuses to go on with a run by another plan than it was begun with: if a
// program has changed since, half of the samples would be of something else.
func (w *Workspace) start(ctx context.Context, id string, f frozen) (started bool, err error) {
	release, err := exclude(ctx, w.runMutex(id))
	if err != nil {
		return false, fmt.Errorf("run %s: %w", id, err)
	}
	defer release()
	run, err := w.liveRun(ctx, id)
	if err != nil || run.State == assay.Running {
		return false, err // another process was quicker
	}
	if _, err := w.livePlan(run); err != nil {
		return false, err
	}
	if assay.DigestOf(f.plan) != run.Plan {
		return false, fmt.Errorf(`run %s: the programs and paths on this host are not those it began with; "assay run --rerun" makes a new run`, id)
	}
	return true, w.startAgent(ctx, id)
}

// startAgent starts an agent for a run. If one is at work that has not
// announced itself, because whoever started it was killed just then, it waits
// until that one has, or has ended.
func (w *Workspace) startAgent(ctx context.Context, id string) error {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := w.Local.Start(ctx, w.runDir(id))
		if err == nil {
			return nil
		}
		if !errors.Is(err, executors.ErrBusy) {
			return fmt.Errorf("run %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("run %s: %w; what it says is in %s there", id, err, executors.LogFile)
		case <-tick.C:
		}
		if alive, err := w.alive(ctx, id); err != nil || alive {
			return err
		}
	}
}

// pollInterval is how often a journal is looked at for new rows: ten pictures a
// second, and little enough work not to disturb what is being measured.
const pollInterval = 100 * time.Millisecond

// watch follows the journal until the agent ends, and archives the run. When
// ctx ends, it stops the agent if it is ours, and leaves it at work if not.
func (w *Workspace) watch(ctx context.Context, id string, ours bool, watcher Watcher) (assay.Run, error) {
	dir := w.runDir(id)
	run, err := w.liveRun(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return w.FindRun(ctx, id) // archived meanwhile
	}
	if err != nil {
		return run, err
	}
	plan, err := w.livePlan(run)
	if err != nil {
		return run, err
	}
	began := time.Now()
	p := Progress{Run: id, Total: len(plan.Order) * len(plan.Trials)}
	follow := follower{path: filepath.Join(dir, journalFile)}
	defer follow.close()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	first := true
	for {
		alive, err := w.alive(ctx, id)
		if err != nil {
			return assay.Run{}, err
		}
		rows, err := follow.next()
		if err != nil {
			return assay.Run{}, fmt.Errorf("run %s: %w", id, err)
		}
		for _, inv := range rows {
			p.Done++
			if !first {
				p.Fresh++
			}
			s := inv[0]
			p.Current = s.Workload + " on " + s.Runtime
			if s.Outcome != assay.OK {
				p.Current += ": " + string(s.Outcome)
			}
		}
		p.Elapsed = time.Since(began)
		if watcher != nil && (len(rows) > 0 || first) {
			watcher(p)
		}
		first = false
		if !alive {
			run, err := w.settle(ctx, id)
			if !errors.Is(err, errAtWork) {
				return run, err
			}
		}
		select {
		case <-ctx.Done():
			if !ours {
				return run, fmt.Errorf(`run %s goes on: "assay attach %[1]s" watches it, "assay cancel %[1]s" stops it: %w`, id, ErrIncomplete)
			}
			// The agent ends after it has made sure of what it has.
			if err := w.Local.Cancel(context.WithoutCancel(ctx), dir); err != nil {
				return assay.Run{}, fmt.Errorf("cancel %s: %w", id, err)
			}
			return w.settle(context.WithoutCancel(ctx), id)
		case <-tick.C:
		}
	}
}
