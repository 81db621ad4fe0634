package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/pins"
)

// errAtWork says that an agent is at work on a run that was to be settled.
var errAtWork = errors.New("an agent is at work on it")

// settle closes the books of a run whose agent has ended: a complete one goes
// into the archive, any other stays as it is, to be resumed, and the error
// matches failure.ErrIncomplete. It can be repeated wherever it was cut off.
func (w *Workspace) settle(ctx context.Context, id string) (assay.Run, error) {
	release, err := mutex.Exclude(ctx, w.runMutex(id))
	if err != nil {
		return assay.Run{}, fmt.Errorf("run %s: %w", id, err)
	}
	defer release()
	run, err := w.liveRun(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return w.FindRun(ctx, id) // another process was quicker
	}
	if err != nil {
		return run, err
	}
	if run.State == assay.Running {
		return run, fmt.Errorf("run %s: %w", id, errAtWork) // another process has started one
	}
	manifest, err := w.Store.Ref(ctx, "runs/"+id)
	if errors.Is(err, fs.ErrNotExist) {
		if run, manifest, err = w.close(ctx, run); err != nil {
			return run, err
		}
	} else if err != nil {
		return run, err
	}
	// From here on all of it is in the archive, by this process or by one that
	// was killed before it had done the rest.
	if run, err = w.archivedRun(ctx, manifest); err != nil {
		return run, err
	}
	return run, errors.Join(w.pinRun(ctx, run, manifest), w.discard(id))
}

// close archives a run for which everything planned has an outcome. For any
// other it returns how far it is, and an error that matches failure.ErrIncomplete.
func (w *Workspace) close(ctx context.Context, run assay.Run) (assay.Run, assay.Digest, error) {
	var none assay.Digest
	dir := w.runDir(run.ID)
	plan, err := w.livePlan(run)
	if err != nil {
		return run, none, err
	}
	book, err := journal.Read(filepath.Join(dir, journalFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return run, none, fmt.Errorf("run %s: %w", run.ID, err)
	}
	planned := len(plan.Order) * len(plan.Trials)
	run.Segments, run.Outcomes = len(book.Segments), count(book.Samples)
	if done := invocations(book.Samples); done < planned {
		return run, none, &IncompleteError{Run: run, Done: done, Planned: planned, LastWords: w.lastWords(ctx, run.ID)}
	}
	if book.Plan != run.Plan {
		return run, none, fmt.Errorf("run %s: its journal is of plan %v, not %v: %w", run.ID, book.Plan, run.Plan, journal.ErrCorrupt)
	}
	status, err := w.Local.Status(ctx, dir)
	if err != nil {
		return run, none, fmt.Errorf("run %s: %w", run.ID, err)
	}
	run.State, run.RSSFloor, run.Finished = assay.Complete, status.Floor, finished(book)
	run.Unmeasured, run.Launch, run.LaunchSegment = status.Unmeasured, status.Launch, status.LaunchSegment
	run.Ready, run.Changed = conditions(run, book.Segments), changedSince(run, book.Segments)
	manifest, err := w.archive(ctx, run, plan, book)
	if err != nil {
		return run, none, fmt.Errorf("archive run %s: %w; what was measured is kept, \"assay resume %[1]s\" tries again", run.ID, err)
	}
	return run, manifest, nil
}

// An IncompleteError is that a run has stopped before its end. It matches
// failure.ErrIncomplete.
type IncompleteError struct {
	Run           assay.Run
	Done, Planned int    // invocations
	LastWords     string // of an agent that nobody stopped
}

// Error says how much is kept, and how to go on.
func (e *IncompleteError) Error() string {
	why := ""
	if e.LastWords != "" {
		why = " (the agent stopped: " + e.LastWords + ")"
	}
	return fmt.Sprintf(`run %s: %d of %d invocations are done and kept%s; "assay resume %s" goes on: %v`,
		e.Run.ID, e.Done, e.Planned, why, e.Run.ID, failure.ErrIncomplete)
}

// Unwrap returns failure.ErrIncomplete.
func (e *IncompleteError) Unwrap() error { return failure.ErrIncomplete }

// finished is when the last invocation ended.
func finished(book journal.Journal) time.Time {
	var last time.Time
	for _, s := range book.Samples {
		if int(s.Segment) >= len(book.Segments) || s.StartNS == 0 {
			continue
		}
		end := book.Segments[s.Segment].Started.Add(time.Duration(s.StartNS))
		if s.WallNS != nil { // of the memory protocol nothing has
			end = end.Add(time.Duration(*s.WallNS))
		}
		if end.After(last) {
			last = end
		}
	}
	if last.IsZero() && len(book.Segments) > 0 { // nothing could be run
		last = book.Segments[len(book.Segments)-1].Started
	}
	return last.UTC().Truncate(time.Millisecond)
}

// pinRun makes the lock name a run as the answer to its experiment.
func (w *Workspace) pinRun(ctx context.Context, run assay.Run, manifest assay.Digest) error {
	return w.updateLock(ctx, func(l *pins.Lock) {
		if l.Experiments[run.Experiment].Run > run.ID {
			return // a later run was archived before this one was gone on with
		}
		l.Experiments[run.Experiment] = pins.Experiment{Name: run.Name, Run: run.ID, Manifest: manifest}
		for _, r := range run.Runtimes {
			l.Runtimes[r.Name] = r
		}
	})
}

// discard removes the directory of a run that is archived: first from where
// others look for it, so that none sees half of it.
func (w *Workspace) discard(id string) error {
	gone := w.path(runsDir, gonePrefix+id)
	if err := os.Rename(w.runDir(id), gone); err != nil {
		return fmt.Errorf("run %s is archived: %w", id, err)
	}
	if err := errors.Join(durable.SyncDir(w.path(runsDir)), os.RemoveAll(gone), os.Remove(w.runMutex(id))); err != nil {
		return fmt.Errorf("run %s is archived: %w", id, err)
	}
	return nil
}

// Prefixes of what a process that was killed leaves beside the runs.
const (
	newPrefix  = ".new-"
	gonePrefix = ".gone-"
)

// tidy removes what killed processes left beside the runs longer ago than age.
func (w *Workspace) tidy(age time.Duration) error {
	entries, err := os.ReadDir(w.path(runsDir))
	if err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), newPrefix) && !strings.HasPrefix(e.Name(), gonePrefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < age {
			continue // removed meanwhile, or at work
		}
		if err := os.RemoveAll(w.path(runsDir, e.Name())); err != nil {
			return fmt.Errorf("runs: %w", err)
		}
	}
	return nil
}

// lastWords says why an agent ended that nobody stopped.
func (w *Workspace) lastWords(ctx context.Context, id string) string {
	status, err := w.Local.Status(ctx, w.runDir(id))
	if err != nil || status.Error == "" {
		return ""
	}
	return status.Error
}
