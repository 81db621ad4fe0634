package artifacts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
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
	Bytes      int64 `json:"bytes"` // copied
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
// by opts.Refs. What `to` holds already is not copied again. What is copied is
// verified; a blob is put after all that it names, so that a copy that is
// killed leaves `to` without a manifest of missing blobs; the next copy goes on
// where it ended.
//
// A root that reaches a blob which `from` lacks, or holds damaged, or which is
// too long (ErrTooLarge), is left out,
// with its references, and is a problem in the report; the others are copied.
// Then the error joins the problems. Any other error ends the copy; that of one
// which collections overtook time and again matches ErrConflict.
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
	c := &copier{to: to, from: from, opts: opts}
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
	group group
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
	if flushErr := c.group.end(ctx, c.to, err == nil); err == nil {
		err = flushErr
	}
	if err != nil {
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
	stager := c.to.stager()
	var placements []Placement
	defer func() {
		for _, p := range placements {
			p.Staged.Discard()
		}
	}()
	c.report.Refs = 0
	for _, ref := range c.opts.Refs {
		if c.graph.nodes[ref.Digest].err != nil {
			continue
		}
		c.report.Refs++
		if is, err := c.to.Ref(ctx, ref.Name); err == nil && is == ref.Digest {
			continue
		} else if errors.Is(err, ErrUnavailable) {
			return err
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
	if up, ok := c.to.b.(Uploader); ok {
		size, readErr, writeErr = c.upload(ctx, up, n)
	} else {
		size, readErr, writeErr = c.stage(ctx, n)
	}
	n.bytes = nil
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
	c.advance(1, size)
	return nil
}

// limit returns how long a blob may be.
func (c *copier) limit(d assay.Digest) int64 {
	if c.opts.Size != nil {
		if size := c.opts.Size(d); size >= 0 {
			return min(size, c.opts.MaxBytes)
		}
	}
	return c.opts.MaxBytes
}

// open opens a blob of the source, which fails with ErrTooLarge when it is
// longer than it may be; where its length is known, at once.
func (c *copier) open(ctx context.Context, n *node) (io.ReadCloser, error) {
	limit := c.limit(n.digest)
	if n.bytes != nil {
		return io.NopCloser(bytes.NewReader(n.bytes)), tooLarge(n.digest, int64(len(n.bytes)), limit)
	}
	var rc io.ReadCloser
	var info Info
	var err error
	if len(c.from.copies) > 0 {
		rc, err = c.from.Open(ctx, n.digest)
	} else if rc, info, err = c.from.open(ctx, n.digest); err == nil {
		if err = tooLarge(n.digest, info.Size, limit); err != nil {
			err = errors.Join(err, rc.Close())
		}
	}
	if err != nil {
		return nil, err
	}
	return &limited{ReadCloser: rc, digest: n.digest, limit: limit}, nil
}

// stage adds a blob to the group that is committed together.
func (c *copier) stage(ctx context.Context, n *node) (size int64, readErr, writeErr error) {
	r, err := c.open(ctx, n)
	if err != nil {
		return 0, err, nil
	}
	src := &source{r: contextReader{ctx, r}}
	count := counter{r: src}
	staged, err := c.to.stager().Stage(ctx, &count)
	err = errors.Join(err, r.Close())
	switch {
	case src.err != nil:
		return 0, src.err, nil
	case err != nil:
		return 0, nil, err
	}
	return count.n, nil, c.group.add(ctx, c.to, Placement{Key: blobKey(n.digest), Staged: staged}, count.n)
}

// upload gives a blob to a storage that reads it in pieces.
func (c *copier) upload(ctx context.Context, up Uploader, n *node) (size int64, readErr, writeErr error) {
	r, size, closeFile, err := c.pieces(ctx, n)
	if err != nil {
		return 0, err, nil
	}
	src := &sourceAt{r: r}
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

// pieces returns the bytes of a blob for random access: those in memory, the
// file of a local store, or a copy in the system's temporary directory. Of a
// local file they are not verified: Upload does that.
func (c *copier) pieces(ctx context.Context, n *node) (r io.ReaderAt, size int64, closeFile func() error, err error) {
	limit := c.limit(n.digest)
	if n.bytes != nil {
		size = int64(len(n.bytes))
		return bytes.NewReader(n.bytes), size, func() error { return nil }, tooLarge(n.digest, size, limit)
	}
	if rc, info, err := c.from.b.Get(ctx, blobKey(n.digest)); err == nil {
		if r, ok := rc.(io.ReaderAt); ok && info.Size <= limit {
			return r, info.Size, rc.Close, nil
		}
		if err := rc.Close(); err != nil {
			return nil, 0, nil, err
		}
	}
	rc, err := c.open(ctx, n)
	if err != nil {
		return nil, 0, nil, err
	}
	f, err := os.CreateTemp("", "assay-copy-")
	if err != nil {
		return nil, 0, nil, errors.Join(err, rc.Close())
	}
	closeFile = (*spooled)(f).Discard
	size, err = io.Copy(f, contextReader{ctx, rc})
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, 0, nil, errors.Join(err, closeFile())
	}
	return f, size, closeFile, nil
}

// A sourceAt remembers why it could not be read. It is safe for concurrent use.
type sourceAt struct {
	r   io.ReaderAt
	mu  sync.Mutex
	err error
}

func (s *sourceAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *sourceAt) error() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// A group is staged blobs that become durable together, in order.
type group struct {
	mu         sync.Mutex // guards what follows
	placements []Placement
	bytes      int64

	commits sync.Mutex // held while a group is committed, so that groups stay in order
}

// What a group holds at most: enough for the price of a sync to vanish, and
// little enough for a copy that is killed to lose little.
const (
	groupBlobs = 256
	groupBytes = 64 << 20
)

// add appends a staged blob, and commits the group when it is full.
func (g *group) add(ctx context.Context, to *Store, p Placement, size int64) error {
	g.mu.Lock()
	g.placements = append(g.placements, p)
	g.bytes += size
	full := len(g.placements) >= groupBlobs || g.bytes >= groupBytes
	g.mu.Unlock()
	if !full {
		return nil
	}
	return g.commit(ctx, to)
}

func (g *group) commit(ctx context.Context, to *Store) error {
	g.commits.Lock()
	defer g.commits.Unlock()
	g.mu.Lock()
	placements := g.placements
	g.placements, g.bytes = nil, 0
	g.mu.Unlock()
	if len(placements) == 0 {
		return nil
	}
	errs := []error{to.commit(ctx, placements)}
	for _, p := range placements {
		errs = append(errs, p.Staged.Discard())
	}
	return errors.Join(errs...)
}

// end commits what is left, or gives it up.
func (g *group) end(ctx context.Context, to *Store, keep bool) error {
	if keep {
		return g.commit(ctx, to)
	}
	var errs []error
	for _, p := range g.placements {
		errs = append(errs, p.Staged.Discard())
	}
	g.placements, g.bytes = nil, 0
	return errors.Join(errs...)
}

// held returns which of the digests s holds. It lists the store when that is
// cheaper than to ask for each, and stops when the store proves to be large.
func (s *Store) held(ctx context.Context, ds []assay.Digest, jobs int) (map[assay.Digest]bool, error) {
	held := map[assay.Digest]bool{}
	if len(ds) >= listFrom {
		want := make(map[assay.Digest]bool, len(ds))
		for _, d := range ds {
			want[d] = true
		}
		seen := 0
		for e, err := range s.b.List(ctx, strings.TrimSuffix(blobPrefix, "/")) {
			if err != nil {
				return nil, err
			}
			if d, ok := parseBlobKey(e.Key); ok && want[d] {
				held[d] = true
			}
			if seen++; seen > listAtMost*len(ds) {
				break
			}
		}
		if seen <= listAtMost*len(ds) {
			return held, nil
		}
	}
	var mu sync.Mutex
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, d := range ds {
		mu.Lock()
		known := held[d]
		mu.Unlock()
		if known {
			continue
		}
		if group.Err() != nil {
			break
		}
		g.Go(func() error {
			ok, err := s.has(group, d)
			if ok {
				mu.Lock()
				held[d] = true
				mu.Unlock()
			}
			return err
		})
	}
	return held, errors.Join(g.Wait(), context.Cause(ctx))
}

// A listing of S3 gives 1000 keys for little more than a look at one.
const (
	listFrom   = 32 // digests
	listAtMost = 16 // keys a digest
)
