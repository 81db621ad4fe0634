package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/underway"
)

// PushOptions are those of a push.
type PushOptions struct {
	Options
	// Progress, if there is one, is called by one goroutine at a time.
	Progress func(Progress) `json:"-"`
}

// Push makes the repository of ref hold content, which is found in r, and gives
// root, one of its manifests, the tag of ref, if it has one. It skips blobs that
// are there; done again, it goes on. The tag is set after everything else is
// there, but for lists of what is about what, where clients keep those.
func Push(ctx context.Context, r oci.Reader, content oci.Content, root assay.Digest, ref Reference, opts PushOptions) error {
	if err := push(ctx, r, content, root, ref, opts); err != nil {
		return fmt.Errorf("push %v: %w", ref, err)
	}
	return nil
}

func push(ctx context.Context, r oci.Reader, content oci.Content, root assay.Digest, ref Reference, opts PushOptions) error {
	c, err := dial(ctx, ref, "push,pull", opts.Options)
	if err != nil {
		return err
	}
	defer c.close()
	p := pusher{c: c, r: r, content: content, root: root, tag: ref.Tag, about: map[assay.Digest][]oci.Descriptor{}, progress: opts.Progress}
	p.total.OfBlobs = len(content.Blobs)
	for _, d := range content.Blobs {
		p.total.OfBytes += d.Size
	}
	if err := each(ctx, c.opts.Jobs, content.Blobs, p.blob); err != nil {
		return err
	}
	for _, level := range content.Manifests {
		if err := each(ctx, c.opts.Jobs, level, p.manifest); err != nil {
			return err
		}
	}
	if p.tagged.Digest == root {
		if err := p.put(ctx, p.tagged, ref.Tag); err != nil {
			return err
		}
	}
	for subject, about := range p.about {
		if err := p.list(ctx, subject, about); err != nil {
			return fmt.Errorf("what is about %v: %w", subject, err)
		}
	}
	return nil
}

// each calls f for all of vs, jobs at a time, until one fails.
func each[T any](ctx context.Context, jobs int, vs []T, f func(context.Context, T) error) error {
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, v := range vs {
		if group.Err() != nil {
			break
		}
		g.Go(func() error { return f(group, v) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

type pusher struct {
	c       *client
	r       oci.Reader
	content oci.Content
	root    assay.Digest
	tag     string         // of the root; "": none
	tagged  oci.Descriptor // the root, once it was come by

	mu       sync.Mutex
	absent   int                               // blobs in a row that the registry was found to lack
	about    map[assay.Digest][]oci.Descriptor // by subject
	minds    bool                              // the registry lists by itself what is about what
	total    Progress
	progress func(Progress)
}

func (p *pusher) blob(ctx context.Context, d oci.Descriptor) error {
	way := underway.Blob{Tell: func(bytes int64) { p.moved(0, bytes) }}
	there, err := p.has(ctx, d)
	if err == nil && !there {
		err = p.send(ctx, d, &way)
	}
	if err != nil {
		return fmt.Errorf("blob %v: %w", d.Digest, err)
	}
	p.moved(1, d.Size-way.Told())
	return nil
}

// moved notes what was sent, or is there.
func (p *pusher) moved(blobs int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total.Blobs += blobs
	p.total.Bytes += bytes
	if p.progress != nil {
		p.progress(p.total)
	}
}

// enough is how many blobs in a row a registry must lack before it is asked no
// more for each.
const enough = 16

// has reports whether the registry has a blob. For small ones that takes as long
// as sending them: where many in a row were lacking, only some are asked for. A
// push that goes on where an earlier one stopped finds what was sent before all
// that was not.
func (p *pusher) has(ctx context.Context, d oci.Descriptor) (bool, error) {
	p.mu.Lock()
	guess := p.absent >= enough && d.Size <= oneRequest && p.absent%enough != 0
	if guess {
		p.absent++
	}
	p.mu.Unlock()
	if guess && !p.c.sessions.Load() {
		return false, nil
	}
	there, err := p.c.has(ctx, d.Digest)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.absent++; there {
		p.absent = 0
	}
	return there, err
}

// manifest puts a manifest, but leaves the one that gets the tag for the end.
func (p *pusher) manifest(ctx context.Context, d oci.Descriptor) error {
	if d.Digest == p.root && p.tag != "" {
		p.tagged = d
		return nil
	}
	return p.put(ctx, d, d.Digest.String())
}

func (p *pusher) put(ctx context.Context, d oci.Descriptor, version string) error {
	b, err := p.read(ctx, d.Digest, d.Size)
	if err != nil {
		return err
	}
	minds, err := p.c.putManifest(ctx, version, d.MediaType, b)
	if err != nil {
		return fmt.Errorf("manifest %v: %w", d.Digest, err)
	}
	for _, l := range oci.Links(b) {
		if l.Kind == oci.Subject {
			p.mu.Lock()
			p.about[l.Digest], p.minds = append(p.about[l.Digest], d), minds
			p.mu.Unlock()
		}
	}
	return nil
}

// list sees to it that the registry lists manifests as about their subject.
// One that does so by itself can lose some of those that came at once (olareg
// does), and where clients keep the list, another one can overwrite it: so it is
// read, and what it lacks is put again.
func (p *pusher) list(ctx context.Context, subject assay.Digest, about []oci.Descriptor) error {
	for try := range p.c.opts.Retries + 1 {
		listed, err := p.c.referrers(ctx, subject)
		if err != nil {
			return err
		}
		missing := slices.DeleteFunc(slices.Clone(about), func(a oci.Descriptor) bool {
			return slices.ContainsFunc(listed, func(m oci.Descriptor) bool { return m.Digest == a.Digest })
		})
		if len(missing) == 0 {
			return nil
		}
		if try > 1 { // the first list of a client is not yet a conflict
			if err := p.c.pause(ctx, try, nil); err != nil {
				return err
			}
		}
		if !p.minds {
			if err := p.c.putFallback(ctx, subject, append(listed, missing...)); err != nil {
				return err
			}
			continue
		}
		for _, d := range missing {
			b, err := p.read(ctx, d.Digest, d.Size)
			if err != nil {
				return err
			}
			if _, err := p.c.putManifest(ctx, d.Digest.String(), d.MediaType, b); err != nil {
				return err
			}
		}
	}
	return errors.New("the registry does not list all that was pushed; push again")
}

// read returns the bytes of d, which are about as many as expected.
func (p *pusher) read(ctx context.Context, d assay.Digest, expected int64) ([]byte, error) {
	rc, err := p.content.Open(ctx, p.r, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var b bytes.Buffer
	b.Grow(int(expected) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(rc, oci.ManifestLimit+1))
	return b.Bytes(), err
}
