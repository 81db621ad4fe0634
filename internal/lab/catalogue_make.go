package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
)

const catalogueFile = "catalogue"

// settled is how old a reference must be for its time to tell it from another
// value of it: longer than the steps of any file system's clock.
const settled = 3 * time.Second

// catalogue returns the catalogue of the archived runs as they are now. Those
// that cannot be read are left out and are the error.
func (w *Workspace) catalogue(ctx context.Context) (*catalogue, error) {
	old, kept := new(catalogue), false
	if b, err := os.ReadFile(w.path(catalogueFile)); err == nil {
		if c, ok := decodeCatalogue(b); ok {
			old, kept = c, true
		}
	}
	mark, err := w.Store.RefsMark(ctx, "runs") // before the references are looked at
	if err != nil {
		return nil, err
	}
	if mark != "" && mark == old.Mark {
		return old, nil
	}
	next, changed, err := w.revise(ctx, old)
	if err == nil {
		next.Mark = mark
	}
	if changed || !kept || next.Mark != "" {
		w.keepCatalogue(next)
	}
	return next, err
}

// A cited is the reference of a run, and what became of reading it.
type cited struct {
	id    string
	noted int64 // as in a catalogue
	row   int   // in the old catalogue, which has it; -1: none
	read  Listed
	err   error
}

// revise returns a catalogue, without a mark, that has of the old one what is
// still so, and whether it is another.
func (w *Workspace) revise(ctx context.Context, old *catalogue) (next *catalogue, changed bool, err error) {
	rows := make(map[string]int, len(old.Runs))
	for i, id := range old.Runs {
		rows[id] = i
	}
	var all, unread []*cited
	var problems []error
	for ref, err := range w.Store.RefNames(ctx, "runs") {
		if err != nil {
			problems = append(problems, err)
			continue
		}
		c := &cited{id: strings.TrimPrefix(ref.Name, "runs/"), row: -1}
		all = append(all, c)
		if time.Since(ref.ModTime) > settled {
			c.noted = ref.ModTime.UnixNano()
		}
		if row, ok := rows[c.id]; ok && c.noted != 0 && c.noted == old.Noted[row] {
			c.row = row
			continue
		}
		unread = append(unread, c)
	}
	w.readCited(ctx, unread)
	slices.SortFunc(all, func(a, b *cited) int { return strings.Compare(a.id, b.id) })
	next = old.like()
	for _, c := range all {
		switch {
		case c.row >= 0:
			next.copy(old, c.row)
		case c.err == nil:
			next.add(c.read, c.noted)
			changed = true
		case !errors.Is(c.err, errGone):
			problems = append(problems, c.err)
		}
	}
	return next, changed || len(next.Runs) != len(old.Runs), errors.Join(problems...)
}

// readCited reads what a list says of these runs.
func (w *Workspace) readCited(ctx context.Context, unread []*cited) {
	var mu sync.Mutex // guards done
	done := 0
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range unread {
		readers.Go(func() error {
			c.read, c.err = w.readListed(ctx, "runs/"+c.id)
			if w.Reading != nil {
				mu.Lock()
				defer mu.Unlock()
				done++
				w.Reading(done, len(unread))
			}
			return nil
		})
	}
	readers.Wait() // fails never: each has its own error
}

// errGone is that a reference was deleted since it was listed.
var errGone = errors.New("the reference is gone")

// readListed reads from the archive what a list says of the run that a
// reference names.
func (w *Workspace) readListed(ctx context.Context, ref string) (Listed, error) {
	manifest, err := w.Store.Ref(ctx, ref)
	if errors.Is(err, fs.ErrNotExist) {
		return Listed{}, errGone
	}
	if err != nil {
		return Listed{}, err
	}
	run, a, err := w.archivedArtifact(ctx, manifest)
	var exp assay.Experiment
	if err == nil {
		err = w.readLayer(ctx, a, experimentType, &exp)
	}
	if err == nil && ref != "runs/"+run.ID {
		err = fmt.Errorf("it is of run %s: delete the reference, or set it to the right manifest", run.ID)
	}
	if err != nil {
		return Listed{}, fmt.Errorf("%s: %w", ref, lacking(err))
	}
	l := newListed(run, exp)
	l.Manifest = manifest
	return l, nil
}

// keepCatalogue writes c to its file, whole or not at all. Where that cannot
// be done, on a full disk or without the right to write, the next list is slow.
func (w *Workspace) keepCatalogue(c *catalogue) {
	b, err := c.encode()
	if err != nil {
		return
	}
	name := w.path(runsDir, newPrefix+"catalogue-"+rand.Text()) // tidy removes what is left there
	tmp, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(name, w.path(catalogueFile))
	}
	if err != nil {
		os.Remove(name)
	}
}
