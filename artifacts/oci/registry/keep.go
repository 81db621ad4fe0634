package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// sound returns the manifests of which everything was fetched, each after those
// that it names, and why others are not among them.
func (p *puller) sound() (sound []assay.Digest, broken map[assay.Digest]error) {
	broken = map[assay.Digest]error{}
	for d, f := range p.failed {
		broken[d] = f.err
	}
	done := map[assay.Digest]bool{} // false: begun
	var stack []assay.Digest
	for _, root := range p.order {
		stack = append(stack, root.Digest)
		for len(stack) > 0 {
			d := stack[len(stack)-1]
			manifest, held := p.manifests[d]
			named := len(stack)
			links := oci.Links(manifest)
			if _, begun := done[d]; held && !begun {
				done[d] = false
				for _, l := range links {
					if _, begun := done[l.Digest]; !begun {
						stack = append(stack, l.Digest)
					}
				}
			}
			if len(stack) > named {
				continue
			}
			stack = stack[:len(stack)-1]
			if !held || done[d] || p.partial[d] {
				continue
			}
			done[d] = true
			for _, l := range links {
				if err := broken[l.Digest]; err != nil {
					broken[d] = fmt.Errorf("it names %v: %w", l.Digest, err)
				}
			}
			if broken[d] == nil {
				sound = append(sound, d)
			}
		}
	}
	return sound, broken
}

// keep puts manifests in that order.
func (p *puller) keep(ctx context.Context, sound []assay.Digest) error {
	small := batch{store: p.store}
	for _, d := range sound {
		if err := small.put(ctx, d, p.manifests[d]); err != nil {
			return errors.Join(err, small.commit(context.WithoutCancel(ctx)))
		}
	}
	return small.commit(ctx)
}

// mend fetches again what the store lost of manifests and what they name.
func (p *puller) mend(ctx context.Context, sound []assay.Digest) error {
	var lost []wanted
	again := false
	seen := map[assay.Digest]bool{}
	gone := func(d assay.Digest) (bool, error) {
		if seen[d] {
			return false, nil
		}
		seen[d] = true
		_, err := p.store.Stat(ctx, d)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	}
	for _, d := range sound {
		is, err := gone(d)
		if err != nil {
			return err
		}
		again = again || is
		for _, l := range oci.Links(p.manifests[d]) {
			if _, held := p.manifests[l.Digest]; held {
				continue
			}
			is, err := gone(l.Digest)
			if err != nil {
				return err
			}
			if is {
				lost = append(lost, wanted{Link: l})
			}
		}
	}
	if !again && len(lost) == 0 {
		return nil
	}
	if _, err := p.fetch(ctx, lost); err != nil {
		return err
	}
	return p.keep(ctx, sound)
}

// A batch puts small blobs, some at once. Each worker has its own: while one
// waits for the disk, others fetch.
type batch struct {
	store *artifacts.Store
	open  *artifacts.Batch
	blobs int
	bytes int
}

// What a batch holds at most before it is committed.
const (
	batchBlobs = 64
	batchBytes = 8 << 20
)

// put puts the bytes of d; others are artifacts.ErrCorrupt. They are durable
// after commit.
func (b *batch) put(ctx context.Context, d assay.Digest, data []byte) error {
	if b.open == nil {
		b.open = b.store.Batch()
	}
	if err := b.open.PutBytes(ctx, d, data); err != nil {
		return err
	}
	b.blobs, b.bytes = b.blobs+1, b.bytes+len(data)
	if b.blobs < batchBlobs && b.bytes < batchBytes {
		return nil
	}
	return b.commit(ctx)
}

// commit makes durable what was put.
func (b *batch) commit(ctx context.Context) error {
	open := b.open
	b.open, b.blobs, b.bytes = nil, 0, 0
	if open == nil {
		return nil
	}
	return open.Commit(ctx)
}
