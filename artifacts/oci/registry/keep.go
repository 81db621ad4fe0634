package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-notebooks/assay"
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
	group := p.store.Group()
	for _, d := range sound {
		if err := group.PutBytes(ctx, d, p.manifests[d]); err != nil {
			return errors.Join(err, group.Commit(context.WithoutCancel(ctx)))
		}
	}
	return group.Commit(ctx)
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
