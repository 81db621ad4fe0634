package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/runners/executors"
)

// ErrLeft is the cause of a context that ends because whoever watched has left,
// and not because the work shall stop: a run then goes on by itself.
var ErrLeft = errors.New("the watcher has left")

// Attach watches a run to its end, and archives it then. When ctx ends the run
// goes on. It, Resume and Cancel take a run's ID or its experiment's name.
func (w *Workspace) Attach(ctx context.Context, ref string, watcher Watcher) (assay.Run, error) {
	run, err := w.findLive(ctx, ref)
	if err != nil {
		return run, err
	}
	if run.State != assay.Running {
		why := ""
		if last := w.lastWords(ctx, run.ID); last != "" {
			why = " (it stopped: " + last + ")"
		}
		return run, fmt.Errorf(`run %s has no agent%s: "assay resume %s" starts one: %w`, run.ID, why, run.ID, failure.ErrIncomplete)
	}
	return w.watch(ctx, run.ID, false, run.Ready, watcher)
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
	return w.watch(ctx, id, started, hosts.Unready(f.host), watcher)
}

// start starts an agent for a run that has none and is not measured to its end,
// and says whether it did.
func (w *Workspace) start(ctx context.Context, id string, f frozen) (started bool, err error) {
	release, err := mutex.Exclude(ctx, w.runMutex(id))
	if err != nil {
		return false, fmt.Errorf("run %s: %w", id, disk.Explain(w.Root, err))
	}
	defer release()
	run, err := w.liveRun(ctx, id)
	if err != nil || run.State == assay.Running {
		return false, err // another process was quicker
	}
	left, changes, err := w.left(run, f)
	switch {
	case err != nil:
		return false, err
	case len(changes) > 0:
		return false, refused(run, changes)
	case left == 0:
		if _, err := w.Local.Status(ctx, w.runDir(id)); err == nil {
			return false, nil
		} // else the agent writes its record again
	}
	return true, w.startAgent(ctx, id)
}

// startAgent starts an agent for a run. If one is at work that has not
// announced itself, because whoever started it was killed just then, it waits
// until that one has, or has ended. The end of ctx does not cut a start off,
// which would kill an agent that has just announced itself: whether it shall
// stop or be left at work is for watch to decide.
func (w *Workspace) startAgent(ctx context.Context, id string) error {
	const patience = 10 * time.Second
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	release, err := w.Stores.Quiet(patient)
	if err != nil {
		return fmt.Errorf("run %s: %w", id, err)
	}
	defer release()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := w.Local.Start(patient, w.runDir(id))
		if err == nil {
			return nil
		}
		if !errors.Is(err, executors.ErrBusy) {
			return fmt.Errorf("run %s: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("run %s: %w", id, ctx.Err())
		case <-patient.Done():
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

// heartbeat is how often a watcher is called while nothing comes to an end.
const heartbeat = time.Second

// watch follows the journal until the agent ends, and archives the run. When
// ctx ends, it stops the agent if it is ours and its cause is not ErrLeft, and
// leaves it at work if not. ready is shown as Progress.Unready.
func (w *Workspace) watch(ctx context.Context, id string, ours bool, ready []string, watcher Watcher) (assay.Run, error) {
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
	total := len(plan.Order) * len(plan.Trials)
	v := &view{watcher: watcher, progress: Progress{Run: id, Total: total, Unready: ready}, follow: follower{path: filepath.Join(w.runDir(id), journalFile)}, began: time.Now()}
	defer v.close()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		alive, err := w.alive(ctx, id)
		if err != nil {
			return assay.Run{}, err
		}
		if err := v.look(); err != nil {
			return assay.Run{}, err
		}
		if !alive {
			run, err := w.settle(ctx, id)
			if !errors.Is(err, errAtWork) {
				return run, err
			}
		}
		select {
		case <-ctx.Done():
			if !ours || errors.Is(context.Cause(ctx), ErrLeft) {
				return run, fmt.Errorf(`run %s goes on: "assay attach %[1]s" watches it, "assay cancel %[1]s" stops it: %w`, id, failure.ErrIncomplete)
			}
			// The agent ends after it has made sure of what it has.
			if err := w.Local.Cancel(context.WithoutCancel(ctx), w.runDir(id)); err != nil {
				return assay.Run{}, fmt.Errorf("cancel %s: %w", id, err)
			}
			if err := v.look(); err != nil {
				return assay.Run{}, err
			}
			return w.settle(context.WithoutCancel(ctx), id)
		case <-tick.C:
		}
	}
}

// A view is a journal as its watcher is shown it.
type view struct {
	watcher  Watcher
	progress Progress
	follow   follower
	began    time.Time
	shown    time.Time // when the watcher was called last
}

func (v *view) close() { v.follow.close() }

// look reads what has come into the journal, and shows it.
func (v *view) look() error {
	rows, err := v.follow.next()
	if err != nil {
		return fmt.Errorf("run %s: %w", v.progress.Run, err)
	}
	p := &v.progress
	for _, inv := range rows {
		p.Done++
		if !v.shown.IsZero() {
			p.Fresh++
		}
		s := inv[0]
		p.Current = s.Workload + " on " + s.Runtime
		if s.Outcome != assay.OK {
			p.Current += ": " + string(s.Outcome)
		}
	}
	now := time.Now()
	p.Elapsed = now.Sub(v.began)
	if len(rows) == 0 && now.Sub(v.shown) < heartbeat {
		return nil
	}
	v.shown = now
	if v.watcher != nil {
		v.watcher(*p)
	}
	return nil
}
