package artifacts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/underway"
)

// DefaultJobs is how many blobs Copy, Repair and Check work on at once where
// nothing else is said.
const DefaultJobs = 8

// DefaultMaxBytes is how long a blob may be that is copied, in bytes, where
// nothing else is said: longer than any trace or disk image that is archived,
// and short enough for whoever serves it endlessly to fill no disk.
const DefaultMaxBytes = 64 << 30

// CopyOptions say what Copy copies.
type CopyOptions struct {
	// Roots are copied with all they reach.
	Roots []assay.Digest `json:"roots"`

	// Refs are set in the store that is copied to, each when its digest and
	// all it reaches is there; their digests are roots, too. A reference that
	// has that value already is not written again.
	Refs []Ref `json:"refs"`

	// Children says what a blob reaches, reading the store that is copied from.
	// Without it only Roots and what Refs name are copied.
	Children Children `json:"-"`

	// MaxBytes is how long a blob may be. 0 is DefaultMaxBytes. A longer one is
	// a problem of what reaches it, and no more of it than this is stored, not
	// even for a while.
	MaxBytes int64 `json:"max_bytes"`

	// Size, if set, returns the length in bytes which is given where a blob is
	// named, -1 where none is: a longer one is the same problem. It is asked
	// after Children was for what names the blob, by several goroutines.
	Size func(assay.Digest) int64 `json:"-"`

	// Jobs is how many blobs are worked on at once. 0 is DefaultJobs.
	Jobs int `json:"jobs"`

	// Progress, if set, is told how far the copy is, never by two goroutines
	// at once.
	Progress func(CopyProgress) `json:"-"`
}

// CopyProgress is how far a copy is.
type CopyProgress struct {
	Blobs      int   `json:"blobs"` // done: copied, or held already
	TotalBlobs int   `json:"total_blobs"`
	Bytes      int64 `json:"bytes"` // copied, and of what is being copied
}

// A CopyReport is what Copy did.
type CopyReport struct {
	Blobs    int           `json:"blobs"` // that are in the store now
	Copied   int           `json:"copied"`
	Bytes    int64         `json:"bytes"` // of those copied
	Refs     int           `json:"refs"`  // that have their value now
	Problems []CopyProblem `json:"problems"`
}

// A CopyProblem is a root that was not copied.
type CopyProblem struct {
	Root assay.Digest `json:"root"`
	Blob assay.Digest `json:"blob"` // that it reaches, or is, and that cannot be read
	Why  string       `json:"why"`
	err  error
}

// Error returns one line.
func (p CopyProblem) Error() string {
	if p.Root == p.Blob {
		return fmt.Sprintf("%v is not copied: %s", p.Root, p.Why)
	}
	return fmt.Sprintf("%v is not copied, since it reaches %v: %s", p.Root, p.Blob, p.Why)
}

// Unwrap returns why the blob cannot be read.
func (p CopyProblem) Unwrap() error { return p.err }

// Copy makes the store `to` hold every root and all it reaches, and refer to it
// by opts.Refs. What `to` holds already is not copied again, even if it is
// damaged: that is Repair's business. What is copied is verified; a blob is put
// after all that it names, so that a copy that is killed leaves `to` without a
// manifest of missing blobs; the next copy goes on where it ended.
//
// A root that reaches a blob which `from` lacks, or holds damaged, or which is
// too long (ErrTooLarge), is left out, with its references, and is a problem in
// the report; the others are copied. Then the error joins the problems. Any
// other error ends the copy; that of one which collections overtook time and
// again matches ErrConflict.
//
// Copies and other writers may be at work in `to`, and a GC: at the end, under
// one shared hold of its lock, Copy looks once more for everything, copies
// again what a GC took, and sets the references. Without references, what it
// copied is kept by its age alone, and what `to` held already by nothing.
//
// When `from` is remote, blobs are not held in memory, except small ones.
func Copy(ctx context.Context, to, from *Store, opts CopyOptions) (CopyReport, error) {
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = DefaultMaxBytes
	}
	for _, ref := range opts.Refs {
		if err := CheckRefName(ref.Name); err != nil {
			return CopyReport{}, fmt.Errorf("copy: %w", err)
		}
	}
	c := &copier{to: to, from: from, opts: opts, group: to.Group()}
	for range copyRounds {
		done, err := c.round(ctx)
		if err != nil {
			return c.report, fmt.Errorf("copy: %w", err)
		}
		if done {
			return c.report, c.problems()
		}
	}
	return c.report, fmt.Errorf("copy: %d times a collection took away what was copied: %w; try again when it has ended", copyRounds, ErrConflict)
}

// copyRounds is how often Copy begins again since a GC took something.
const copyRounds = 5

type copier struct {
	to, from *Store
	opts     CopyOptions

	progress CopyProgress
	report   CopyReport

	mu    sync.Mutex // guards what follows, progress and report
	graph *graph
	group *Group
}

// round copies what is missing. It reports whether everything was there at the
// end.
func (c *copier) round(ctx context.Context) (bool, error) {
	roots := c.roots()
	w := newWalk(c.to, c.from)
	c.graph = newGraph()
	if err := c.graph.walk(ctx, roots, c.opts.Jobs, func(ctx context.Context, n *node) ([]assay.Digest, error) {
		return w.look(ctx, n, c.opts.Children)
	}); err != nil {
		return false, err
	}
	held, err := c.to.held(ctx, c.graph.digests(), c.opts.Jobs)
	if err != nil {
		return false, err
	}
	c.progress.Blobs, c.progress.TotalBlobs = 0, len(c.graph.nodes)
	c.graph.reset(func(n *node) bool { return held[n.digest] })
	c.advance(len(held), 0)
	err = c.graph.each(ctx, c.opts.Jobs, func(ctx context.Context, n *node) error { return c.copy(ctx, n) })
	if err != nil {
		return false, errors.Join(err, c.group.Discard())
	}
	if err := c.group.Commit(ctx); err != nil {
		return false, err
	}
	return c.finish(ctx)
}

// roots returns all that is to be copied with what it reaches.
func (c *copier) roots() []Ref {
	roots := slices.Clone(c.opts.Refs)
	for _, d := range c.opts.Roots {
		roots = append(roots, Ref{Digest: d})
	}
	return roots
}

// advance counts blobs that are done.
func (c *copier) advance(blobs int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.Blobs += blobs
	c.progress.Bytes += bytes
	if c.opts.Progress != nil {
		c.opts.Progress(c.progress)
	}
}

// finish looks for everything under one hold of the lock, and sets the
// references.
func (c *copier) finish(ctx context.Context) (done bool, err error) {
	unlock, err := c.to.lock(ctx, false)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	var want []assay.Digest
	for d, n := range c.graph.nodes {
		if n.err == nil {
			want = append(want, d)
		}
	}
	held, err := c.to.held(ctx, want, c.opts.Jobs)
	if err != nil || len(held) < len(want) {
		return false, err
	}
	c.report.Blobs = len(held)
	return true, c.setRefs(ctx)
}

// setRefs sets what is not set already, under the lock that finish holds.
func (c *copier) setRefs(ctx context.Context) error {
	var refs []Ref
	for _, ref := range c.opts.Refs {
		if c.graph.nodes[ref.Digest].err == nil {
			refs = append(refs, ref)
		}
	}
	c.report.Refs = len(refs)
	set, err := c.areSet(ctx, refs)
	if err != nil {
		return err
	}
	stager := c.to.stager()
	var placements []Placement
	defer func() {
		for _, p := range placements {
			p.Staged.Discard()
		}
	}()
	for i, ref := range refs {
		if set[i] {
			continue
		}
		staged, err := stager.Stage(ctx, strings.NewReader(formatRef(ref.Digest)))
		if err != nil {
			return fmt.Errorf("reference %s: %w", ref.Name, err)
		}
		placements = append(placements, Placement{Key: refPrefix + ref.Name, Staged: staged})
	}
	if len(placements) == 0 {
		return nil
	}
	return stager.Commit(ctx, placements)
}

// areSet says of each reference whether it has its value already. One that
// cannot be read has not.
func (c *copier) areSet(ctx context.Context, refs []Ref) ([]bool, error) {
	set := make([]bool, len(refs))
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Jobs)
	for i, ref := range refs {
		g.Go(func() error {
			is, err := c.to.Ref(group, ref.Name)
			set[i] = err == nil && is == ref.Digest
			if errors.Is(err, ErrUnavailable) {
				return err
			}
			return nil
		})
	}
	return set, errors.Join(g.Wait(), context.Cause(ctx))
}

// problems is the error of roots that were left out.
func (c *copier) problems() error {
	var errs []error
	seen := map[assay.Digest]bool{}
	c.report.Problems = []CopyProblem{}
	for _, root := range c.roots() {
		d := root.Digest
		if n := c.graph.nodes[d]; n.err != nil && !seen[d] {
			seen[d] = true
			p := CopyProblem{Root: d, Blob: n.because, Why: n.err.Error(), err: n.err}
			c.report.Problems = append(c.report.Problems, p)
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// copy copies one blob that `to` lacks. An error of the source is the node's.
func (c *copier) copy(ctx context.Context, n *node) error {
	var size int64
	var readErr, writeErr error
	way := underway.Blob{Tell: func(bytes int64) { c.advance(0, bytes) }}
	if up, ok := c.to.b.(Uploader); ok {
		size, readErr, writeErr = c.upload(ctx, up, n, &way)
	} else {
		size, readErr, writeErr = c.stage(ctx, n, &way)
	}
	n.bytes = nil
	if readErr != nil || writeErr != nil {
		way.Undo()
	}
	switch {
	case writeErr != nil:
		return fmt.Errorf("%v: %w", n.digest, writeErr)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(readErr, ErrUnavailable):
		return readErr
	case readErr != nil:
		n.fail(n.digest, readErr)
		return nil
	}
	c.mu.Lock()
	c.report.Copied++
	c.report.Bytes += size
	c.mu.Unlock()
	c.advance(1, size-way.Told())
	return nil
}

// stage adds a blob to the group that is committed together.
func (c *copier) stage(ctx context.Context, n *node, way *underway.Blob) (size int64, readErr, writeErr error) {
	r, err := c.open(ctx, n)
	if err != nil {
		return 0, err, nil
	}
	src := &source{r: contextReader{ctx, r}}
	count := counter{r: src}
	staged, err := c.to.stager().Stage(ctx, way.Reader(&count))
	err = errors.Join(err, r.Close())
	switch {
	case src.err != nil:
		return 0, src.err, nil
	case err != nil:
		return 0, nil, err
	}
	return count.n, nil, c.group.add(ctx, Placement{Key: blobKey(n.digest), Staged: staged}, count.n)
}

// upload gives a blob to a storage that reads it in pieces.
func (c *copier) upload(ctx context.Context, up Uploader, n *node, way *underway.Blob) (size int64, readErr, writeErr error) {
	r, size, closeFile, err := c.pieces(ctx, n)
	if err != nil {
		return 0, err, nil
	}
	src := &sourceAt{r: r, way: way}
	err = up.Upload(ctx, blobKey(n.digest), src, size, n.digest)
	readErr = errors.Join(src.error(), closeFile())
	switch {
	case errors.Is(err, ErrCorrupt):
		return 0, err, nil
	case err == nil || readErr == nil:
		return size, readErr, err
	}
	return 0, readErr, nil
}
