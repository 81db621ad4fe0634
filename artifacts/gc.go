package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
)

// DefaultMinAge is the MinAge of GC where none is given.
const DefaultMinAge = 24 * time.Hour

// GCOptions say what GC keeps.
type GCOptions struct {
	// Roots are kept, with all they reach, as if a reference named each. One
	// that the store does not hold is reported, not an error.
	Roots []assay.Digest

	// Children says what a blob reaches. Without it only the blobs that
	// references and Roots name are kept, and those that are young.
	Children Children `json:"-"`

	// MinAge keeps blobs put, or put again, less than so long ago, and all they
	// reach: a writer puts blobs before it refers to them. It must be longer
	// than the time between the two. 0 is DefaultMinAge. Unfinished writes are
	// kept for an hour at least.
	MinAge time.Duration

	// DryRun reports what would be removed, removes nothing and takes no lock.
	DryRun bool

	// Jobs is how many blobs are looked into at once. 0 is DefaultJobs.
	Jobs int

	// Now is the clock, time.Now if nil. It is compared with the backend's.
	Now func() time.Time `json:"-"`
}

// writing is how long an unfinished write is taken for that of a writer at work,
// whatever MinAge is.
const writing = time.Hour

// A GCReport is what GC did, or would do.
type GCReport struct {
	Kept         int            `json:"kept"` // blobs
	KeptBytes    int64          `json:"kept_bytes"`
	Young        int            `json:"young"` // of those kept, the ones that only their age keeps
	Removed      []assay.Digest `json:"removed"`
	RemovedBytes int64          `json:"removed_bytes"`
	Leftovers    int            `json:"leftovers"`      // temporary files of dead writers that were removed
	Missing      []assay.Digest `json:"missing_roots"`  // of GCOptions.Roots
	Malformed    []string       `json:"malformed_refs"` // names; all that each can mean is kept
	DryRun       bool           `json:"dry_run"`
}

// GC removes the blobs that neither a reference nor a root reaches and that are
// older than MinAge, and what writers left unfinished longer ago than that.
//
// It may run beside writers. It looks for what to keep beside them, then takes
// the backend's lock exclusively, looks again at what came meanwhile, and
// removes. Store.Put and SetRef hold that lock shared while they make a blob or
// a reference visible, and a put makes a blob new again, so that an
// acknowledged blob is not removed before MinAge has passed.
//
// A file below refs/ that is no reference, by its content, keeps what it can have
// been one to: every blob whose digest begins as it does, or all of them if it is
// empty, or as long as a reference. Nothing else is kept for it.
//
// When a reference or a blob that is reached names a missing one, GC removes
// nothing and fails: what the missing blob reached cannot be known. Check says
// what to do then. Otherwise an error comes with a report of what was removed
// before it.
func (s *Store) GC(ctx context.Context, opts GCOptions) (GCReport, error) {
	locker, ok := s.b.(Locker)
	switch {
	case !ok && !opts.DryRun:
		return GCReport{}, fmt.Errorf("gc: the backend cannot exclude writers: %w", errors.ErrUnsupported)
	case opts.MinAge < 0:
		return GCReport{}, fmt.Errorf("gc: minimal age %v is negative", opts.MinAge)
	case opts.MinAge == 0:
		opts.MinAge = DefaultMinAge
	}
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	c := collector{s: s, opts: opts, cutoff: opts.Now().Add(-opts.MinAge), kept: map[assay.Digest]bool{}}
	c.report = GCReport{DryRun: opts.DryRun, Removed: []assay.Digest{}, Missing: []assay.Digest{}, Malformed: []string{}}
	if err := c.collect(ctx, locker); err != nil {
		return c.report, fmt.Errorf("gc: %w", err)
	}
	return c.report, nil
}

type collector struct {
	s      *Store
	opts   GCOptions
	cutoff time.Time
	report GCReport

	mu   sync.Mutex
	kept map[assay.Digest]bool
}

func (c *collector) collect(ctx context.Context, locker Locker) (err error) {
	ctx = alone(ctx) // damage must be seen, and healing takes the lock
	roots, err := c.roots(ctx)
	if err != nil {
		return err
	}
	old, err := c.mark(ctx, roots)
	if err != nil {
		return err
	}
	if c.opts.DryRun {
		return errors.Join(c.sweep(ctx, old), c.clean(ctx))
	}
	unlock, err := locker.Lock(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	old, err = c.mark(ctx, nil) // again: what came since
	if err != nil {
		return err
	}
	return errors.Join(c.sweep(ctx, old), c.clean(ctx))
}

// roots returns those of the options that are there.
func (c *collector) roots(ctx context.Context) ([]Ref, error) {
	var roots []Ref
	for _, d := range c.opts.Roots {
		has, err := c.s.has(ctx, d)
		switch {
		case err != nil:
			return nil, err
		case has:
			roots = append(roots, Ref{Name: "a root", Digest: d})
		default:
			c.report.Missing = append(c.report.Missing, d)
		}
	}
	return roots, nil
}

// mark keeps what roots, references and young blobs reach, and returns the
// other entries. Called again, it adds what came since.
func (c *collector) mark(ctx context.Context, roots []Ref) ([]Entry, error) {
	var guesses []string
	c.report.Malformed = []string{}
	for ref, err := range c.s.Refs(ctx, "") {
		switch {
		case err == nil:
			roots = append(roots, Ref{Name: "reference " + ref.Name, Digest: ref.Digest})
		case CheckRefName(ref.Name) != nil: // a stray file
		case errors.Is(err, ErrMalformed):
			more, err := c.s.guess(ctx, ref.Name)
			if err != nil {
				return nil, err
			}
			guesses = append(guesses, more...)
			c.report.Malformed = append(c.report.Malformed, ref.Name)
		default:
			return nil, err
		}
	}
	var blobs []Entry
	there := map[assay.Digest]bool{}
	for e, err := range c.s.b.List(ctx, strings.TrimSuffix(blobPrefix, "/")) {
		if err != nil {
			return nil, err
		}
		if d, ok := parseBlobKey(e.Key); ok {
			blobs = append(blobs, e)
			there[d] = true
		}
	}
	if err := c.keep(ctx, roots, there, true); err != nil {
		return nil, err
	}
	var meant []Ref
	for d := range there {
		if slices.ContainsFunc(guesses, func(g string) bool { return strings.HasPrefix(d.Hex(), g) }) {
			meant = append(meant, Ref{Name: "a malformed reference", Digest: d})
		}
	}
	if err := c.keep(ctx, meant, there, false); err != nil {
		return nil, err
	}
	var young []Ref
	for _, e := range blobs {
		if d, _ := parseBlobKey(e.Key); !c.kept[d] && !e.ModTime.Before(c.cutoff) {
			young = append(young, Ref{Name: "its age", Digest: d})
		}
	}
	c.report.Young += len(young)
	if err := c.keep(ctx, young, there, false); err != nil {
		return nil, err
	}
	c.report.Kept, c.report.KeptBytes = 0, 0
	var old []Entry
	for _, e := range blobs {
		if d, _ := parseBlobKey(e.Key); !c.kept[d] {
			old = append(old, e)
			continue
		}
		c.report.Kept++
		c.report.KeptBytes += e.Size
	}
	return old, nil
}

// keep marks the roots and all they reach. If strict, all of that must be
// there; if not, what is missing may be still to come.
func (c *collector) keep(ctx context.Context, roots []Ref, there map[assay.Digest]bool, strict bool) error {
	return newGraph().walk(ctx, roots, c.opts.Jobs, func(ctx context.Context, n *node) ([]assay.Digest, error) {
		c.mu.Lock()
		kept := c.kept[n.digest]
		c.mu.Unlock()
		if kept {
			return nil, nil
		}
		if !there[n.digest] { // came since it was listed, or is missing
			has, err := c.s.has(ctx, n.digest)
			if err == nil && !has {
				if !strict {
					return nil, nil
				}
				err = fs.ErrNotExist
			}
			if err != nil {
				return nil, fmt.Errorf("%s names %v, which cannot be found, so nothing is removed: %w; run a check", n.via, n.digest, err)
			}
		}
		c.mu.Lock()
		c.kept[n.digest] = true
		c.mu.Unlock()
		if c.opts.Children == nil {
			return nil, nil
		}
		children, err := c.opts.Children(ctx, n.digest)
		if err != nil {
			return nil, fmt.Errorf("%v, kept by %s, cannot be read, so nothing is removed: %w; run a check", n.digest, n.via, err)
		}
		return children, nil
	})
}

// sweep removes the entries.
func (c *collector) sweep(ctx context.Context, old []Entry) error {
	var errs []error
	for some := range slices.Chunk(old, removeAtOnce) {
		gone := some
		if !c.opts.DryRun {
			var err error
			if gone, err = c.remove(ctx, some); err != nil {
				errs = append(errs, err)
			}
		}
		for _, e := range gone {
			d, _ := parseBlobKey(e.Key)
			c.report.Removed = append(c.report.Removed, d)
			c.report.RemovedBytes += e.Size
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// removeAtOnce is how many blobs are removed between two looks at the context.
const removeAtOnce = 256

// remove returns the entries that it removed.
func (c *collector) remove(ctx context.Context, some []Entry) (gone []Entry, err error) {
	if remover, ok := c.s.b.(Remover); ok {
		var keys []string
		for _, e := range some {
			keys = append(keys, e.Key)
		}
		if err = remover.Remove(ctx, keys); err == nil {
			return some, nil
		}
		for _, e := range some {
			if _, statErr := c.s.b.Stat(ctx, e.Key); errors.Is(statErr, fs.ErrNotExist) {
				gone = append(gone, e)
			}
		}
		return gone, err
	}
	var mu sync.Mutex
	var errs []error
	var g errgroup.Group
	g.SetLimit(c.opts.Jobs)
	for _, e := range some {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		g.Go(func() error {
			err := c.s.b.Delete(ctx, e.Key)
			mu.Lock()
			defer mu.Unlock()
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				gone = append(gone, e)
			} else {
				errs = append(errs, err)
			}
			return nil
		})
	}
	return gone, errors.Join(append(errs, g.Wait())...)
}

func (c *collector) clean(ctx context.Context) error {
	cleaner, ok := c.s.b.(Cleaner)
	if !ok {
		return nil
	}
	cutoff := c.opts.Now().Add(-max(c.opts.MinAge, writing))
	var errs []error
	for l, err := range cleaner.Leftovers(ctx) {
		if err == nil && (!l.Temporary || !l.ModTime.Before(cutoff)) {
			continue
		}
		if err == nil && !c.opts.DryRun {
			err = cleaner.Clean(ctx, l)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.report.Leftovers++
	}
	return errors.Join(errs...)
}
