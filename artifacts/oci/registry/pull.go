package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/underway"
)

// PullOptions are those of a pull.
type PullOptions struct {
	Options
	// Alone leaves out what is about what is pulled.
	Alone bool
	// Skip, if there is one, says that a manifest that an index names is not
	// wanted. Such an index is not put either: the store would lack what it names.
	Skip func(oci.Descriptor) bool `json:"-"`
	// Keep, if there is one, is called when everything is in the store, and sets
	// references. What a collection took before these were set is then fetched
	// again.
	Keep func(Pulled) error `json:"-"`
	// Progress, if there is one, is called by one goroutine at a time.
	Progress func(Progress) `json:"-"`
}

// Pulled is what a pull put into the store.
type Pulled struct {
	Root oci.Descriptor
	// Manifests holds the root and all other manifests, each before those it
	// led to.
	Manifests []oci.Descriptor
	// Skipped holds what is about the root, directly or not, and that the
	// registry has not whole or not as it should be.
	Skipped []Skipped
}

// A Skipped is a manifest that was not pulled.
type Skipped struct {
	Digest assay.Digest
	Err    error // of it, or of what it names
}

// What one pull may fetch, in number and in memory.
const (
	maxBlobs         = 1 << 20
	maxManifestBytes = 256 << 20
)

// Pull puts into the store what ref names and all that it names in turn, and,
// unless Alone, the artifacts that are about it: whose subject it is. What is
// about those comes along, as does what is about a manifest that one of them
// names by annotation; not what else is about their, or the root's, own subject.
// Blobs that the store has are skipped, so that a pull done again
// goes on; manifests are put last, those that are named before those that name
// them. Nothing refers to any of it: Keep sets references.
//
// Anyone who may push can say that something is about the root: what is wrong
// with such a thing is no error, it is skipped.
func Pull(ctx context.Context, store *artifacts.Store, ref Reference, opts PullOptions) (Pulled, error) {
	p, err := pull(ctx, store, ref, opts)
	if err != nil {
		return Pulled{}, fmt.Errorf("pull %v: %w", ref, err)
	}
	return p, nil
}

func pull(ctx context.Context, store *artifacts.Store, ref Reference, opts PullOptions) (Pulled, error) {
	c, err := dial(ctx, ref, "pull", opts.Options)
	if err != nil {
		return Pulled{}, err
	}
	defer c.close()
	p := puller{
		c: c, store: store, opts: opts, seen: map[assay.Digest]bool{},
		manifests: map[assay.Digest][]byte{}, partial: map[assay.Digest]bool{}, failed: map[assay.Digest]failure{},
	}
	root, b, err := c.root(ctx, ref)
	if err != nil {
		return Pulled{}, err
	}
	p.seen[root.Digest] = true
	level, err := p.follow(ctx, b, wanted{about: !opts.Alone})
	if err != nil {
		return Pulled{}, err
	}
	for len(level) > 0 {
		if level, err = p.fetch(ctx, level); err != nil {
			return Pulled{}, err
		}
		if len(level) == 0 {
			level = p.needed(root.Digest)
		}
	}
	sound, broken := p.sound()
	pulled := Pulled{Root: root}
	for _, d := range p.order {
		if err := broken[d.Digest]; err != nil {
			pulled.Skipped = append(pulled.Skipped, Skipped{d.Digest, err})
		} else {
			pulled.Manifests = append(pulled.Manifests, d)
		}
	}
	for d, f := range p.failed {
		if f.found {
			pulled.Skipped = append(pulled.Skipped, Skipped{d, f.err})
		}
	}
	slices.SortFunc(pulled.Skipped, func(a, b Skipped) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
	if err := p.keep(ctx, sound); err != nil {
		return Pulled{}, err
	}
	if opts.Keep == nil {
		return pulled, nil
	}
	if err := p.mend(ctx, sound); err != nil { // it may have been long
		return Pulled{}, err
	}
	if err := opts.Keep(pulled); err != nil {
		return Pulled{}, err
	}
	return pulled, p.mend(ctx, sound)
}

// A wanted is something to fetch.
type wanted struct {
	oci.Link
	about bool // what is about it is wanted as well
	found bool // it is about something else that was wanted
	apart bool // it, or what led to it, is found: the root does without
}

// A failure is why something was not fetched.
type failure struct {
	wanted
	err error
}

type puller struct {
	c     *client
	store *artifacts.Store
	opts  PullOptions

	mu        sync.Mutex
	seen      map[assay.Digest]bool
	manifests map[assay.Digest][]byte // kept back until all that they name is there
	order     []oci.Descriptor        // of these, each before those it led to
	held      int                     // bytes of these
	partial   map[assay.Digest]bool   // those that name what Skip says
	failed    map[assay.Digest]failure
	total     Progress
}

// fetch fetches everything in one level and returns what that leads to.
func (p *puller) fetch(ctx context.Context, level []wanted) ([]wanted, error) {
	work := make(chan wanted)
	var next []wanted
	small := p.store.Group() // of blobs that are held in memory
	g, group := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		for _, w := range level {
			select {
			case work <- w:
			case <-group.Done():
				return nil // whoever failed says why
			}
		}
		return nil
	})
	for range min(p.c.opts.Jobs, len(level)) {
		g.Go(func() error {
			var buffer bytes.Buffer
			for w := range work {
				more, err := p.one(group, w, &buffer, small)
				p.mu.Lock()
				switch {
				case err == nil:
					next = append(next, more...)
				case w.apart && wrong(err):
					p.failed[w.Digest] = failure{w, err}
					err = nil
				}
				p.mu.Unlock()
				if err != nil {
					return fmt.Errorf("%v: %w", w.Digest, err)
				}
			}
			return nil
		})
	}
	// What came before an error is kept: the next pull need not fetch it again.
	if err := errors.Join(g.Wait(), small.Commit(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	return next, context.Cause(ctx)
}

// wrong reports whether an error is of what a registry has, not of asking it.
func wrong(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, oci.ErrInvalid) || errors.Is(err, artifacts.ErrCorrupt)
}

// needed returns what failed, and the root names after all, as that does: it is
// to be fetched, or to be an error, whatever others said of it.
func (p *puller) needed(root assay.Digest) []wanted {
	var again []wanted
	seen := map[assay.Digest]bool{root: true}
	for queue := []assay.Digest{root}; len(queue) > 0 && len(p.failed) > 0; queue = queue[1:] {
		for _, l := range oci.Links(p.manifests[queue[0]]) {
			if seen[l.Digest] {
				continue
			}
			seen[l.Digest] = true
			queue = append(queue, l.Digest)
			if _, failed := p.failed[l.Digest]; failed {
				delete(p.failed, l.Digest)
				again = append(again, wanted{Link: l})
			}
		}
	}
	return again
}

// one fetches one thing and returns what it leads to.
func (p *puller) one(ctx context.Context, w wanted, buffer *bytes.Buffer, small *artifacts.Group) ([]wanted, error) {
	if w.Kind == oci.Member || w.Kind == oci.Subject {
		return p.manifest(ctx, w)
	}
	if size, err := p.store.Stat(ctx, w.Digest); err == nil {
		if w.Kind == oci.Blob && size != w.Size {
			return nil, fmt.Errorf("%d bytes, the manifest says %d: %w", size, w.Size, oci.ErrInvalid)
		}
		if w.Kind == oci.Blob || size > oci.ManifestLimit {
			return nil, p.moved(0, max(w.Size, 0), true)
		}
		if b, err := p.store.ReadAll(ctx, w.Digest, oci.ManifestLimit); err == nil && len(oci.Links(b)) == 0 {
			return nil, p.moved(0, 0, true)
		}
	}
	rc, err := p.c.download(ctx, w.Digest, w.Size)
	if err != nil {
		if w.Kind == oci.Anything && errors.Is(err, fs.ErrNotExist) {
			return p.manifest(ctx, w)
		}
		return nil, err
	}
	defer rc.Close()
	if err := p.moved(rc.size-max(w.Size, 0), 0, false); err != nil {
		return nil, err
	}
	if rc.size > oci.ManifestLimit {
		way := underway.Blob{Tell: func(bytes int64) { p.moved(0, bytes, false) }}
		if err := p.large(ctx, way.Reader(rc), w.Digest); err != nil {
			return nil, err
		}
		return nil, p.moved(0, rc.size-way.Told(), true)
	}
	buffer.Reset()
	buffer.Grow(int(rc.size) + bytes.MinRead)
	if _, err := buffer.ReadFrom(rc); err != nil {
		return nil, err
	}
	b := buffer.Bytes()
	if len(oci.Links(b)) > 0 { // the store takes it for a manifest, whatever it was called
		if got := assay.DigestOf(b); got != w.Digest {
			return nil, sentAnother(got.String())
		}
		if err := p.moved(0, rc.size, true); err != nil {
			return nil, err
		}
		return p.follow(ctx, bytes.Clone(b), w)
	}
	if err := small.PutBytes(ctx, w.Digest, b); errors.Is(err, artifacts.ErrCorrupt) {
		return nil, sentAnother(assay.DigestOf(b).String())
	} else if err != nil {
		return nil, err
	}
	return nil, p.moved(0, rc.size, true)
}

// large puts a blob that is not held in memory. If it is another one than was
// asked for, it is given up.
func (p *puller) large(ctx context.Context, r io.Reader, want assay.Digest) error {
	b := p.store.Batch()
	got, _, err := b.Put(ctx, r)
	if err == nil && got != want {
		err = sentAnother(got.String())
	}
	if err != nil {
		return errors.Join(err, b.Discard())
	}
	return b.Commit(ctx)
}

func (p *puller) manifest(ctx context.Context, w wanted) ([]wanted, error) {
	b, err := p.c.manifest(ctx, w.Digest.String())
	if w.Kind == oci.Anything && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf(`%w; it belongs to what is pulled, and whoever copied that here left it out: copy the workloads of that here as well, each with "oras cp -r", or pull from where it was pushed`, err)
	}
	if err != nil {
		return nil, err
	}
	if w.Size > 0 && w.Size != int64(len(b)) {
		return nil, fmt.Errorf("%d bytes, what names it says %d: %w", len(b), w.Size, oci.ErrInvalid)
	}
	if err := p.moved(0, 0, true); err != nil {
		return nil, err
	}
	return p.follow(ctx, b, w)
}

// follow keeps a manifest that was wanted and returns what it leads to.
func (p *puller) follow(ctx context.Context, b []byte, w wanted) ([]wanted, error) {
	d, err := oci.DescribeBytes(b)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.manifests[d.Digest], p.order, p.held = b, append(p.order, d), p.held+len(b)
	tooMuch := p.held > maxManifestBytes
	p.mu.Unlock()
	if tooMuch {
		return nil, fmt.Errorf("more than %d bytes of manifests: %w", maxManifestBytes, ErrLimit)
	}
	var next []wanted
	for _, l := range oci.Links(b) {
		if l.Kind == oci.Member && p.opts.Skip != nil && p.opts.Skip(l.Descriptor) {
			p.mu.Lock()
			p.partial[d.Digest] = true
			p.mu.Unlock()
			continue
		}
		next = append(next, wanted{Link: l, about: w.found && l.Kind == oci.Anything, apart: w.apart})
	}
	if w.about {
		found, err := p.c.referrers(ctx, d.Digest)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if !oci.IsPart(r.ArtifactType) {
				next = append(next, wanted{Link: oci.Link{Descriptor: r, Kind: oci.Member}, about: true, found: true, apart: true})
			}
		}
	}
	return p.unseen(next)
}

// unseen leaves out what is fetched already, and counts the rest.
func (p *puller) unseen(all []wanted) ([]wanted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all = slices.DeleteFunc(all, func(w wanted) bool {
		seen := p.seen[w.Digest]
		p.seen[w.Digest] = true
		return seen
	})
	if len(p.seen) > maxBlobs {
		return nil, fmt.Errorf("more than %d blobs: %w", maxBlobs, ErrLimit)
	}
	for _, w := range all {
		p.total.OfBlobs++
		if w.Kind == oci.Blob {
			if w.Size < 0 || w.Size > p.c.opts.MaxBytes-p.total.OfBytes {
				return nil, tooLarge(p.c.opts.MaxBytes)
			}
			p.total.OfBytes += w.Size
		}
	}
	return all, nil
}

func tooLarge(limit int64) error {
	return fmt.Errorf("more than %d bytes in all: %w; a higher limit can be set", limit, ErrLimit)
}

// moved notes what became known and what was fetched.
func (p *puller) moved(more, bytes int64, done bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if more > p.c.opts.MaxBytes-p.total.OfBytes {
		return tooLarge(p.c.opts.MaxBytes)
	}
	p.total.OfBytes += more
	p.total.Bytes += bytes
	if done {
		p.total.Blobs++
	}
	if p.opts.Progress != nil {
		p.opts.Progress(p.total)
	}
	return nil
}
