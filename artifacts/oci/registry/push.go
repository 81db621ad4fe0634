package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// PushOptions are those of a push.
type PushOptions struct {
	Options
	// Progress, if there is one, is called by one goroutine at a time.
	Progress func(Progress) `json:"-"`
}

// Push makes the repository of ref hold content, which is found in r, and gives
// root the tag of ref, if it has one. It skips blobs that are there; done again,
// it goes on. The tag is set last: before, nobody sees it point to a part.
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
	p := pusher{c: c, r: r, content: content, about: map[assay.Digest][]oci.Descriptor{}, progress: opts.Progress}
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
	for subject, about := range p.about {
		if err := p.list(ctx, subject, about); err != nil {
			return fmt.Errorf("what is about %v: %w", subject, err)
		}
	}
	if ref.Tag == "" {
		return nil
	}
	b, err := p.read(ctx, root)
	if err != nil {
		return err
	}
	d, err := oci.DescribeBytes(b)
	if err != nil {
		return err
	}
	_, err = c.putManifest(ctx, ref.Tag, d.MediaType, b)
	return err
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

	mu       sync.Mutex
	about    map[assay.Digest][]oci.Descriptor // by subject
	minds    bool                              // the registry lists by itself what is about what
	total    Progress
	progress func(Progress)
}

func (p *pusher) blob(ctx context.Context, d oci.Descriptor) error {
	there, err := p.c.has(ctx, d.Digest)
	if err == nil && !there {
		err = p.c.upload(ctx, d, func() (io.ReadCloser, error) { return p.content.Open(ctx, p.r, d.Digest) })
	}
	if err != nil {
		return fmt.Errorf("blob %v: %w", d.Digest, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total.Blobs++
	p.total.Bytes += d.Size
	if p.progress != nil {
		p.progress(p.total)
	}
	return nil
}

func (p *pusher) manifest(ctx context.Context, d oci.Descriptor) error {
	b, err := p.read(ctx, d.Digest)
	if err != nil {
		return err
	}
	minds, err := p.c.putManifest(ctx, d.Digest.String(), d.MediaType, b)
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
			b, err := p.read(ctx, d.Digest)
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

func (p *pusher) read(ctx context.Context, d assay.Digest) ([]byte, error) {
	rc, err := p.content.Open(ctx, p.r, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(io.LimitReader(rc, oci.ManifestLimit+1))
}
