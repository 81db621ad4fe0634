package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
)

// A Listed is what a list says of a run.
type Listed struct {
	ID         string                `json:"id"`
	Name       string                `json:"name"` // the experiment's
	State      assay.RunState        `json:"state"`
	Experiment assay.Digest          `json:"experiment"`
	Manifest   assay.Digest          `json:"manifest,omitzero"` // zero: not archived
	Trace      assay.Digest          `json:"trace,omitzero"`
	Workloads  []string              `json:"workloads"`
	Runtimes   []string              `json:"runtimes"`
	Started    time.Time             `json:"started"`
	Finished   time.Time             `json:"finished,omitzero"`
	Segments   int                   `json:"segments"`
	Ended      bool                  `json:"ended,omitempty"` // all is measured, though no process archived it: who resumes the run does
	Outcomes   map[assay.Outcome]int `json:"outcomes"`
	Store      string                `json:"store,omitempty"` // the store in use, if it has the run, too
	Waits      bool                  `json:"waits,omitempty"` // it waits to be archived there
}

// newListed says of a run what a list does.
func newListed(run assay.Run, exp assay.Experiment) Listed {
	l := Listed{
		ID: run.ID, Name: run.Name, State: run.State, Experiment: run.Experiment, Trace: run.Trace,
		Started: run.Started, Finished: run.Finished, Segments: run.Segments, Outcomes: run.Outcomes, Runtimes: exp.Runtimes,
	}
	for _, wl := range exp.Workloads {
		l.Workloads = append(l.Workloads, wl.Name)
	}
	return l
}

// A RunFilter says which runs to list. The zero RunFilter is for all. Name,
// Workload and Runtime are names or patterns as path.Match has them.
type RunFilter struct {
	Name     string         `json:"name,omitempty"` // of the experiment
	Workload string         `json:"workload,omitempty"`
	Runtime  string         `json:"runtime,omitempty"`
	State    assay.RunState `json:"state,omitempty"`
	Since    time.Time      `json:"since,omitzero"`   // begun then or later
	Until    time.Time      `json:"until,omitzero"`   // begun before
	Waits    bool           `json:"waits,omitempty"`  // the store in use lacks it
	Newest   int            `json:"newest,omitempty"` // at most so many, the latest; 0: all
}

// check reports a filter that cannot be used.
func (f RunFilter) check() error {
	for _, pattern := range []string{f.Name, f.Workload, f.Runtime} {
		if _, err := path.Match(pattern, ""); err != nil {
			return failure.Usagef("pattern %q: %w", pattern, err)
		}
	}
	if !slices.Contains([]assay.RunState{"", assay.Running, assay.Complete, assay.Interrupted}, f.State) {
		return failure.Usagef("state %q: want %s, %s or %s", f.State, assay.Running, assay.Complete, assay.Interrupted)
	}
	if f.Newest < 0 {
		return failure.Usagef("at most %d runs: want a positive number", f.Newest)
	}
	return nil
}

// wants reports whether l passes the filter, but for Waits and Newest.
func (f RunFilter) wants(l Listed) bool {
	return (f.State == "" || l.State == f.State) &&
		(f.Since.IsZero() || !l.Started.Before(f.Since)) &&
		(f.Until.IsZero() || l.Started.Before(f.Until)) &&
		matches(f.Name, l.Name) && matches(f.Workload, l.Workloads...) && matches(f.Runtime, l.Runtimes...)
}

// matches reports whether one of names matches a pattern that is "" or correct.
func matches(pattern string, names ...string) bool {
	return pattern == "" || slices.ContainsFunc(names, func(name string) bool {
		ok, _ := path.Match(pattern, name)
		return ok || name == pattern
	})
}

// Runs lists the runs that pass a filter, archived and in progress, oldest
// first. Those that cannot be read are left out and are the error.
func (w *Workspace) Runs(ctx context.Context, filter RunFilter) ([]Listed, error) {
	if err := filter.check(); err != nil {
		return nil, err
	}
	if filter.Waits && w.Stores.InUse() == "" {
		return nil, failure.Usagef(`no store is in use, so no run waits to be archived in one: "assay store use NAME" says which is`)
	}
	waiting, _, waitErr := w.Stores.Unarchived(ctx)
	runs, err := w.runs(ctx, func(l Listed) bool { return filter.wants(l) && (!filter.Waits || waiting[l.ID]) })
	if filter.Newest > 0 {
		runs = runs[max(0, len(runs)-filter.Newest):]
	}
	for i := range runs {
		l := &runs[i]
		l.Waits = waiting[l.ID]
		if waitErr == nil && !l.Waits && !l.Manifest.IsZero() {
			l.Store = w.Stores.InUse()
		}
	}
	return runs, errors.Join(err, waitErr)
}

// runs is Runs for those that are wanted.
func (w *Workspace) runs(ctx context.Context, wanted func(Listed) bool) ([]Listed, error) {
	runs, unreadable := w.liveListed(ctx)
	archived, err := w.catalogue(ctx) // after the live ones: those that are archived meanwhile are seen
	if archived == nil {
		return nil, errors.Join(unreadable, err)
	}
	runs = slices.DeleteFunc(runs, func(l Listed) bool {
		_, ok := archived.find(l.ID) // but for its directory, which will be removed
		return ok || !wanted(l)
	})
	for i := range archived.Runs {
		if l := archived.row(i); wanted(l) {
			runs = append(runs, l)
		}
	}
	slices.SortFunc(runs, func(a, b Listed) int { return strings.Compare(a.ID, b.ID) })
	return runs, errors.Join(unreadable, err)
}

// liveListed lists the runs that are not archived yet.
func (w *Workspace) liveListed(ctx context.Context) ([]Listed, error) {
	unfinished, err := w.Unfinished(ctx)
	problems := []error{err}
	var runs []Listed
	for _, u := range unfinished {
		exp, err := w.liveExperiment(u.Run)
		if errors.Is(err, fs.ErrNotExist) {
			continue // archived meanwhile
		}
		problems = append(problems, err)
		l := newListed(u.Run, exp)
		l.Ended = l.State == assay.Interrupted && u.Done == u.Total
		runs = append(runs, l)
	}
	return runs, errors.Join(problems...)
}

// FindRun finds an archived run by its ID, by the digest of its manifest or
// trace, or by the name of its experiment: then the latest. Of an ID or digest
// the beginning will do, four characters or more, if there is no other.
func (w *Workspace) FindRun(ctx context.Context, ref string) (assay.Run, error) {
	if ref == "" {
		return assay.Run{}, failure.Usagef(`no run is named: name an experiment, or a run by its ID; "assay runs" lists them`)
	}
	if d, err := w.Store.Ref(ctx, "runs/"+assay.Filename(ref)); err == nil {
		return w.archivedRun(ctx, d)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return assay.Run{}, err
	}
	lock, err := w.Lock()
	if err != nil {
		return assay.Run{}, err
	}
	latest := lock.Newest(func(e pins.Experiment) bool { return e.Name == ref || e.Manifest.String() == ref || e.Run == ref })
	if latest.Run != "" {
		return w.archivedRun(ctx, latest.Manifest)
	}
	digest, _ := assay.ParseDigest(ref)
	is := func(l Listed) bool {
		return l.ID == ref || l.State == assay.Complete && (l.Name == ref || !digest.IsZero() && (l.Trace == digest || l.Manifest == digest))
	}
	begun, unreadable := w.runs(ctx, func(l Listed) bool { return is(l) || l.begins(ref) })
	for _, l := range slices.Backward(begun) {
		if is(l) {
			return w.foundRun(ctx, l)
		}
	}
	switch {
	case len(begun) == 1:
		return w.foundRun(ctx, begun[0])
	case len(begun) > 1:
		return assay.Run{}, failure.Usagef(`%q is the beginning of %d runs, the first of which are %s and %s: write more of it`, ref, len(begun), begun[0].ID, begun[1].ID)
	case unreadable != nil:
		return assay.Run{}, unreadable
	}
	return assay.Run{}, failure.Classed(errNoRun, failure.Usagef(`no run %q: "assay runs" lists them`, ref))
}

// errNoRun is that nothing is called so.
var errNoRun = errors.New("no run")

// begins reports whether ref is the beginning of the ID, or of the digest of
// the manifest or trace.
func (l Listed) begins(ref string) bool {
	const least = 4
	if len(ref) >= least && strings.HasPrefix(l.ID, ref) {
		return true
	}
	hex := strings.TrimPrefix(ref, "sha256:")
	return len(hex) >= least && strings.Trim(hex, "0123456789abcdef") == "" &&
		(strings.HasPrefix(l.Manifest.Hex(), hex) || strings.HasPrefix(l.Trace.Hex(), hex))
}

// foundRun reads the record of a run of a list. One in progress comes with an
// error that matches failure.ErrIncomplete.
func (w *Workspace) foundRun(ctx context.Context, l Listed) (assay.Run, error) {
	if !l.Manifest.IsZero() {
		return w.archivedRun(ctx, l.Manifest)
	}
	run, err := w.liveRun(ctx, l.ID)
	if err != nil {
		return run, err
	}
	run.Segments, run.Outcomes = l.Segments, l.Outcomes
	return run, fmt.Errorf(`run %s is not archived yet (%s): "assay attach %[1]s" watches it, "assay resume %[1]s" goes on: %[3]w`, run.ID, run.State, failure.ErrIncomplete)
}
