package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
)

// Children returns the digests that the blob d names and that must be in the
// store with it; none for a blob that names no other. It is called for blobs of
// every kind, so it looks before it parses. An error says that the blob could
// not be read, not that it is of an unknown kind.
type Children func(ctx context.Context, d assay.Digest) ([]assay.Digest, error)

// CheckOptions say how deep Check looks.
type CheckOptions struct {
	ReadData bool     // read and verify every byte
	Children Children `json:"-"` // nil: blobs are not looked into
	Jobs     int      // how many blobs are read at once; 0 is DefaultJobs
}

// A Report is what Check found.
type Report struct {
	Blobs    int       `json:"blobs"`
	Bytes    int64     `json:"bytes"` // of all blobs
	Refs     int       `json:"refs"`
	Read     bool      `json:"read"`     // every byte was verified
	Problems []Problem `json:"problems"` // sorted by kind and subject
}

// Damaged reports whether something that was kept is lost or wrong: whether
// there is a problem other than strays and leftovers.
func (r Report) Damaged() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Kind != Stray && p.Kind != Temporary })
}

// A Problem is one thing Check found wrong.
type Problem struct {
	Kind    ProblemKind  `json:"kind"`
	Subject string       `json:"subject"`       // a key, or a file
	Blob    assay.Digest `json:"blob,omitzero"` // the blob that is damaged or missing, where one is
	Detail  string       `json:"detail"`
	Remedy  string       `json:"remedy"`
}

// String returns one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s; %s", p.Kind, p.Subject, p.Detail, p.Remedy)
}

// A ProblemKind says what is wrong.
type ProblemKind string

// The kinds of problems. Strays and temporaries are harmless.
const (
	Corrupt    ProblemKind = "corrupt"    // a blob's bytes are not those of its digest
	Unreadable ProblemKind = "unreadable" // the storage gave an error
	Dangling   ProblemKind = "dangling"   // a reference to a blob that is missing
	Orphaned   ProblemKind = "orphaned"   // a blob reached by a reference names one that is missing
	Malformed  ProblemKind = "malformed"  // a reference that is not a digest
	Stray      ProblemKind = "stray"      // a file that the store did not write
	Temporary  ProblemKind = "temporary"  // an unfinished write
)

const (
	restore  = "restore it from another store (assay store check [NAME] --repair), or put the same bytes again (pin, or copy the file)"
	restored = "restore it from another store (assay store check [NAME] --repair), put the missing bytes again, or delete or set the reference"
)

// Check looks at everything in the store and reports all that is wrong. It
// changes nothing and may run beside writers. Its error is that it could not
// look, not that it found something.
func (s *Store) Check(ctx context.Context, opts CheckOptions) (Report, error) {
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	c := checker{s: s, opts: opts, blobs: map[assay.Digest]bool{}}
	c.report = Report{Read: opts.ReadData, Problems: []Problem{}}
	ctx, c.giveUp = context.WithCancelCause(alone(ctx))
	defer c.giveUp(nil)
	// References first: a writer puts the blob before its reference.
	c.checkRefs(ctx)
	c.checkBlobs(ctx)
	c.checkReach(ctx)
	c.checkLeftovers(ctx)
	if ctx.Err() != nil {
		return Report{}, fmt.Errorf("check: %w", context.Cause(ctx))
	}
	slices.SortFunc(c.report.Problems, func(a, b Problem) int {
		return strings.Compare(string(a.Kind)+"\x00"+a.Subject+"\x00"+a.Detail, string(b.Kind)+"\x00"+b.Subject+"\x00"+b.Detail)
	})
	return c.report, nil
}

type checker struct {
	s      *Store
	opts   CheckOptions
	giveUp context.CancelCauseFunc
	refs   []Ref

	mu     sync.Mutex // guards what follows
	report Report
	blobs  map[assay.Digest]bool // present: true if it can be read, as far as known
}

func (c *checker) found(p Problem) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Problems = append(c.report.Problems, p)
}

// unreadable is what an error says of one subject, unless it is one of the
// whole storage.
func (c *checker) unreadable(subject string, d assay.Digest, err error, remedy string) {
	if errors.Is(err, ErrUnavailable) {
		c.giveUp(err)
		return
	}
	c.found(Problem{Kind: Unreadable, Subject: subject, Blob: d, Detail: err.Error(), Remedy: remedy})
}

const health = "look at the permissions and at the disk's health"

func (c *checker) checkRefs(ctx context.Context) {
	for ref, err := range c.s.Refs(ctx, "") {
		key := refPrefix + ref.Name
		switch {
		case err == nil:
			c.report.Refs++
			c.refs = append(c.refs, ref)
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrMalformed):
			c.found(Problem{Kind: Malformed, Subject: key, Detail: errors.Unwrap(err).Error(),
				Remedy: "repair it from a copy that has the reference, or delete this key with the storage's own tools"})
		case CheckRefName(ref.Name) != nil:
			c.found(Problem{Kind: Stray, Subject: key, Detail: "not the name of a reference", Remedy: "remove the file"})
		default:
			c.unreadable(key, assay.Digest{}, err, health)
		}
	}
}

func (c *checker) checkBlobs(ctx context.Context) {
	var reading errgroup.Group
	reading.SetLimit(c.opts.Jobs)
	defer reading.Wait()
	for e, err := range c.s.b.List(ctx, "") {
		if ctx.Err() != nil {
			return
		}
		d, ok := parseBlobKey(e.Key)
		switch {
		case err != nil:
			c.unreadable(e.Key, d, err, health)
		case strings.HasPrefix(e.Key, refPrefix):
			// Seen by checkRefs.
		case !ok:
			c.found(Problem{Kind: Stray, Subject: e.Key, Detail: "neither a blob nor a reference", Remedy: "remove the file"})
		default:
			c.mu.Lock()
			c.report.Blobs++
			c.report.Bytes += e.Size
			c.blobs[d] = true
			c.mu.Unlock()
			if c.opts.ReadData {
				reading.Go(func() error { c.checkBlob(ctx, e, d); return nil })
			}
		}
	}
}

func (c *checker) checkBlob(ctx context.Context, e Entry, d assay.Digest) {
	n, err := c.s.verify(ctx, d)
	switch {
	case err == nil, ctx.Err() != nil:
		return
	case errors.Is(err, fs.ErrNotExist): // a GC took it
		c.mu.Lock()
		c.report.Blobs--
		c.report.Bytes -= e.Size
		delete(c.blobs, d)
		c.mu.Unlock()
		return
	case errors.Is(err, ErrCorrupt):
		c.found(Problem{Corrupt, e.Key, d, fmt.Sprintf("its %d bytes do not match its digest", n), restore})
	default:
		c.unreadable(e.Key, d, err, "look at the disk's health; "+restore)
	}
	c.mu.Lock()
	c.blobs[d] = false
	c.mu.Unlock()
}

// checkReach follows every reference.
func (c *checker) checkReach(ctx context.Context) {
	var roots []Ref
	for _, ref := range c.refs {
		if c.has(ctx, ref.Digest) {
			roots = append(roots, ref)
			continue
		}
		c.found(Problem{Dangling, refPrefix + ref.Name, ref.Digest, fmt.Sprintf("%v is not in the store", ref.Digest), restored})
	}
	if c.opts.Children == nil {
		return
	}
	// Its error is that of ctx: follow returns none.
	newGraph().walk(ctx, roots, c.opts.Jobs, c.follow)
}

// has asks again for a blob that came after the listing, or went.
func (c *checker) has(ctx context.Context, d assay.Digest) bool {
	c.mu.Lock()
	_, listed := c.blobs[d]
	c.mu.Unlock()
	if listed || ctx.Err() != nil {
		return true
	}
	has, err := c.s.has(ctx, d)
	return has || err != nil
}

// follow returns what n names and is there, and reports what is not.
func (c *checker) follow(ctx context.Context, n *node) ([]assay.Digest, error) {
	d := n.digest
	c.mu.Lock()
	good, listed := c.blobs[d]
	c.mu.Unlock()
	if listed && !good {
		return nil, nil
	}
	children, err := c.opts.Children(ctx, d)
	switch {
	case ctx.Err() != nil:
		return nil, nil
	case errors.Is(err, ErrCorrupt):
		c.found(Problem{Corrupt, blobKey(d), d, err.Error(), restore})
	case err != nil:
		c.unreadable(blobKey(d), d, err, restore)
	}
	var there []assay.Digest
	for _, child := range children {
		if c.has(ctx, child) {
			there = append(there, child)
			continue
		}
		c.found(Problem{Orphaned, blobKey(d), child, fmt.Sprintf("names %v, which is not in the store (reached by %s)", child, n.via), restored})
	}
	return there, nil
}

func (c *checker) checkLeftovers(ctx context.Context) {
	cleaner, ok := c.s.b.(Cleaner)
	if !ok {
		return
	}
	for l, err := range cleaner.Leftovers(ctx) {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			c.unreadable(l.Name, assay.Digest{}, err, health)
		case l.Temporary:
			c.found(Problem{Kind: Temporary, Subject: l.Name, Remedy: "gc removes it when it is old enough",
				Detail: fmt.Sprintf("%s, %d bytes, of a writer that is at work or died", l.What, l.Size)})
		default:
			c.found(Problem{Kind: Stray, Subject: l.Name, Detail: l.What + ", which the store does not read", Remedy: "remove it"})
		}
	}
}
