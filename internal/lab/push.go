package lab

import (
	"context"
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

// PushOptions are those of a push.
type PushOptions struct {
	PlainHTTP bool // as in registry.Options

	Progress func(Transfer) `json:"-"`
}

// A Pushed is what a registry has now.
type Pushed struct {
	Reference string       `json:"reference"` // REGISTRY/REPOSITORY:TAG@sha256:…
	Name      string       `json:"name"`      // "runs/ID", "figures/NAME", "workloads/NAME"
	Digest    assay.Digest `json:"digest"`
	Manifests int          `json:"manifests"` // of it and all that goes with it
	Blobs     int          `json:"blobs"`
	Bytes     int64        `json:"bytes"` // of these, what was there already included
}

// Push makes a registry hold what ref names, as in Show, with its whole graph:
// all that it is made of and is about, and all that the archive has that is about
// it, such as a workload's runs and their figures. Without a tag it gets the one
// that ExportOCI gives. Done again, it sends what is new.
func (w *Workspace) Push(ctx context.Context, ref, to string, opts PushOptions) (Pushed, error) {
	target, err := registry.ParseReference(to)
	if err != nil {
		return Pushed{}, Usagef("push: %w", err)
	}
	if !target.Digest.IsZero() {
		return Pushed{}, Usagef("push: %s: a push gives a tag; its digest is what is pushed", to)
	}
	named, err := w.reference(ctx, ref)
	if err != nil {
		return Pushed{}, fmt.Errorf("push: %w", err)
	}
	if target.Tag == "" {
		target.Tag = tag(named.name)
		if _, err := registry.ParseReference(target.String()); err != nil {
			return Pushed{}, Usagef("push: %s is no tag: name one, as in %v:TAG", target.Tag, to)
		}
	}
	roots, err := w.graphRoots(ctx, named)
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s: %w", ref, err)
	}
	content, err := oci.Closure(ctx, w.Store, roots)
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s: %w", ref, err)
	}
	err = registry.Push(ctx, w.Store, content, named.digest, target, registry.PushOptions{
		Options: registry.Options{PlainHTTP: opts.PlainHTTP}, Progress: asTransfer(opts.Progress),
	})
	if err != nil {
		return Pushed{}, err
	}
	p := Pushed{Name: named.name, Digest: named.digest, Blobs: len(content.Blobs)}
	for _, level := range content.Manifests {
		p.Manifests += len(level)
	}
	for _, b := range content.Blobs {
		p.Bytes += b.Size
	}
	target.Digest = named.digest
	p.Reference = target.String()
	return p, nil
}

// graphRoots returns root and every manifest of the archive that is about it,
// directly or not. What these name is not among them.
func (w *Workspace) graphRoots(ctx context.Context, root waiting) ([]assay.Digest, error) {
	about := map[assay.Digest][]assay.Digest{} // by subject
	names := map[assay.Digest][]assay.Digest{} // runs that one names by annotation
	for _, prefix := range []string{"runs", "figures", "links"} {
		for ref, err := range w.Archive.Refs(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			b, err := w.Store.ReadAll(ctx, ref.Digest, oci.ManifestLimit)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ref.Name, err)
			}
			for _, l := range oci.Links(b) {
				switch l.Kind {
				case oci.Subject:
					about[l.Digest] = append(about[l.Digest], ref.Digest)
				case oci.Anything:
					names[ref.Digest] = append(names[ref.Digest], l.Digest)
				}
			}
		}
	}
	parts, err := w.parts(ctx, root)
	if err != nil {
		return nil, err
	}
	var all []assay.Digest
	seen := map[assay.Digest]bool{}
	for queue := []assay.Digest{root.digest}; len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		if seen[d] {
			continue
		}
		seen[d], all = true, append(all, d)
		queue = append(queue, about[d]...)
		if d == root.digest {
			continue
		}
		for _, n := range names[d] {
			if _, has := about[n]; has {
				queue = append(queue, n)
			}
		}
	}
	for _, p := range parts { // the links of a run are about its workloads
		if !seen[p.digest] {
			all = append(all, p.digest)
		}
	}
	return all, nil
}
