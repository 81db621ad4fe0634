package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

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
	Kind    ProblemKind `json:"kind"`
	Subject string      `json:"subject"` // a key, or a file
	Detail  string      `json:"detail"`
	Remedy  string      `json:"remedy"`
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
	restore  = "put the same bytes again (pull, pin, or copy the file from another store)"
	restored = "put the missing bytes again, or delete or set the reference"
)

// Check looks at everything in the store and reports all that is wrong. It
// changes nothing and may run beside writers. Its error is that it could not
// look, not that it found something.
func (s *Store) Check(ctx context.Context, opts CheckOptions) (Report, error) {
	c := checker{s: s, opts: opts, blobs: map[assay.Digest]bool{}, looked: map[assay.Digest]bool{}}
	c.report = Report{Read: opts.ReadData, Problems: []Problem{}}
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
	report Report
	refs   []Ref
	blobs  map[assay.Digest]bool // present: true if it can be read, as far as known
	looked map[assay.Digest]bool // children were followed
}

func (c *checker) found(kind ProblemKind, subject, detail, remedy string) {
	c.report.Problems = append(c.report.Problems, Problem{kind, subject, detail, remedy})
}

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
			c.found(Malformed, key, err.Error(), "set the reference again, or delete it")
		case CheckRefName(ref.Name) != nil:
			c.found(Stray, key, "not the name of a reference", "remove the file")
		default:
			c.found(Unreadable, key, err.Error(), "look at the permissions and at the disk's health")
		}
	}
}

func (c *checker) checkBlobs(ctx context.Context) {
	for e, err := range c.s.b.List(ctx, "") {
		if ctx.Err() != nil {
			return
		}
		d, ok := parseBlobKey(e.Key)
		switch {
		case err != nil:
			c.found(Unreadable, e.Key, err.Error(), "look at the permissions and at the disk's health")
		case strings.HasPrefix(e.Key, refPrefix):
			// Seen by checkRefs.
		case !ok:
			c.found(Stray, e.Key, "neither a blob nor a reference", "remove the file")
		default:
			c.report.Blobs++
			c.report.Bytes += e.Size
			c.blobs[d] = c.checkBlob(ctx, e, d)
		}
	}
}

// checkBlob reports whether the blob is good, as far as the options ask.
func (c *checker) checkBlob(ctx context.Context, e Entry, d assay.Digest) bool {
	if !c.opts.ReadData {
		return true
	}
	n, err := c.s.verify(ctx, d)
	switch {
	case err == nil, ctx.Err() != nil:
		return true
	case errors.Is(err, fs.ErrNotExist): // a GC took it
		c.report.Blobs--
		c.report.Bytes -= e.Size
	case errors.Is(err, ErrCorrupt):
		c.found(Corrupt, e.Key, fmt.Sprintf("its %d bytes do not match its digest", n), restore)
	default:
		c.found(Unreadable, e.Key, err.Error(), "look at the disk's health; "+restore)
	}
	return false
}

// checkReach follows every reference.
func (c *checker) checkReach(ctx context.Context) {
	for _, ref := range c.refs {
		if _, ok := c.blobs[ref.Digest]; !ok && !c.has(ctx, ref.Digest) {
			c.found(Dangling, refPrefix+ref.Name, fmt.Sprintf("%v is not in the store", ref.Digest), restored)
			continue
		}
		c.follow(ctx, ref.Digest, ref.Name)
	}
}

// has asks again for a blob that came after the listing.
func (c *checker) has(ctx context.Context, d assay.Digest) bool {
	_, err := c.s.Stat(ctx, d)
	return !errors.Is(err, fs.ErrNotExist)
}

func (c *checker) follow(ctx context.Context, d assay.Digest, name string) {
	if good, listed := c.blobs[d]; c.opts.Children == nil || c.looked[d] || listed && !good || ctx.Err() != nil {
		return
	}
	c.looked[d] = true
	children, err := c.opts.Children(ctx, d)
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, ErrCorrupt):
		c.found(Corrupt, blobKey(d), err.Error(), restore)
	case err != nil:
		c.found(Unreadable, blobKey(d), err.Error(), restore)
	}
	for _, child := range children {
		if _, ok := c.blobs[child]; !ok && !c.has(ctx, child) {
			c.found(Orphaned, blobKey(d), fmt.Sprintf("names %v, which is not in the store (reached by %s)", child, name), restored)
			continue
		}
		c.follow(ctx, child, name)
	}
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
			c.found(Unreadable, l.Name, err.Error(), "look at the permissions and at the disk's health")
		case l.Temporary:
			c.found(Temporary, l.Name, fmt.Sprintf("%s, %d bytes, of a writer that is at work or died", l.What, l.Size),
				"gc removes it when it is old enough")
		default:
			c.found(Stray, l.Name, l.What+", which the store does not read", "remove it")
		}
	}
}
