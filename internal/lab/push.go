package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/stores"
)

// PushOptions are those of a push.
type PushOptions struct {
	PlainHTTP bool // as in registry.Options

	Progress func(stores.Transfer) `json:"-"`
}

// A Pushed is what a registry has now.
type Pushed struct {
	Reference string       `json:"reference"` // REGISTRY/REPOSITORY:TAG@sha256:…
	Name      string       `json:"name"`      // "runs/ID", "imports/NAME", "figures/NAME", "workloads/NAME"
	Digest    assay.Digest `json:"digest"`
	Manifests int          `json:"manifests"` // of it and all that goes with it
	Blobs     int          `json:"blobs"`
	Bytes     int64        `json:"bytes"` // of these, what was there already included

	// Unread says which runs, figures and links of the archive cannot be read:
	// if they are about what was pushed, they did not go with it.
	Unread []string `json:"unread,omitempty"`
}

// Push makes a registry hold what ref names, as in Show, with its whole graph:
// all that it is made of and is about, and all that the archive has that is about
// it, such as a workload's runs and their figures. Without a tag it gets the one
// that ExportOCI gives. Done again, it sends what is new.
func (w *Workspace) Push(ctx context.Context, ref, to string, opts PushOptions) (Pushed, error) {
	target, err := registry.ParseReference(to)
	if err != nil {
		return Pushed{}, failure.Usagef("push: %w", err)
	}
	if !target.Digest.IsZero() {
		return Pushed{}, failure.Usagef("push: %s: a push gives a tag; its digest is what is pushed", to)
	}
	named, err := w.reference(ctx, ref)
	if err != nil {
		return Pushed{}, fmt.Errorf("push: %w", err)
	}
	if target.Tag == "" {
		target.Tag = tag(named.Name)
		if _, err := registry.ParseReference(target.String()); err != nil {
			return Pushed{}, failure.Usagef("push: %s is no tag: name one, as in %v:TAG", target.Tag, to)
		}
	}
	roots, unread, err := w.graphRoots(ctx, named)
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s: %w", ref, err)
	}
	content, err := oci.Closure(ctx, w.Store, roots)
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s: %w", ref, err)
	}
	err = registry.Push(ctx, w.Store, content, named.Digest, target, registry.PushOptions{
		Options: registry.Options{PlainHTTP: opts.PlainHTTP}, Progress: asTransfer(opts.Progress),
	})
	if err != nil {
		return Pushed{}, err
	}
	p := Pushed{Name: named.Name, Digest: named.Digest, Blobs: len(content.Blobs), Unread: unread}
	for _, level := range content.Manifests {
		p.Manifests += len(level)
	}
	for _, b := range content.Blobs {
		p.Bytes += b.Size
	}
	target.Digest = named.Digest
	p.Reference = target.String()
	return p, nil
}

// graphRoots returns root and every manifest of the archive that is about it,
// directly or not, and what cannot be read. What these name is not among them.
func (w *Workspace) graphRoots(ctx context.Context, root stores.Value) (all []assay.Digest, unread []string, err error) {
	r := relations{w: w, about: map[assay.Digest][]assay.Digest{}, names: map[assay.Digest][]assay.Digest{}, read: map[assay.Digest]bool{}}
	if r.runs, err = w.catalogue(ctx); r.runs == nil {
		return nil, nil, err
	}
	problems := []error{err}
	for _, prefix := range []string{"figures", "noise", "claims", strings.TrimSuffix(attached, "/")} {
		for ref, err := range w.Archive.Refs(ctx, prefix) {
			if err == nil {
				err = r.note(ctx, ref.Digest)
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", ref.Name, err))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		unread = strings.Split(err.Error(), "\n")
	}
	parts, err := w.parts(ctx, root)
	if err != nil {
		return nil, nil, err
	}
	seen := map[assay.Digest]bool{}
	for queue := []assay.Digest{root.Digest}; len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		if seen[d] {
			continue
		}
		seen[d], all = true, append(all, d)
		about, err := r.of(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		queue = append(queue, about...)
		if d == root.Digest {
			continue
		}
		for _, n := range r.names[d] {
			about, err := r.of(ctx, n)
			if err != nil {
				return nil, nil, err
			}
			if len(about) > 0 {
				queue = append(queue, n)
			}
		}
	}
	for _, p := range parts { // the links of a run are about its workloads
		if !seen[p.Digest] {
			all = append(all, p.Digest)
		}
	}
	return all, unread, nil
}

// relations say which manifest of the archive is about which. Of its many runs,
// those that the catalogue has of a workload are read when that is asked about.
type relations struct {
	w     *Workspace
	runs  *catalogue
	about map[assay.Digest][]assay.Digest // by subject
	names map[assay.Digest][]assay.Digest // what one names by annotation
	read  map[assay.Digest]bool
}

// note reads what a manifest is about and what it names.
func (r *relations) note(ctx context.Context, d assay.Digest) error {
	if r.read[d] {
		return nil
	}
	r.read[d] = true
	b, err := r.w.Store.ReadAll(ctx, d, oci.ManifestLimit)
	if err != nil {
		return err
	}
	for _, l := range oci.Links(b) {
		switch l.Kind {
		case oci.Subject:
			r.about[l.Digest] = append(r.about[l.Digest], d)
		case oci.Anything:
			r.names[d] = append(r.names[d], l.Digest)
		}
	}
	return nil
}

// of returns what is about d.
func (r *relations) of(ctx context.Context, d assay.Digest) ([]assay.Digest, error) {
	wl, err := oci.Workload(ctx, r.w.Store, d)
	if err != nil { // whatever it is, or lacks: the closure says so
		return r.about[d], nil
	}
	for i, id := range r.runs.Runs {
		if !slices.Contains(r.runs.Workloads.at(i), wl.Name) {
			continue
		}
		if err := r.note(ctx, digestAt(r.runs.Manifests, i)); err != nil {
			return nil, fmt.Errorf("runs/%s: %w", id, err)
		}
		link, err := r.w.Archive.Ref(ctx, fmt.Sprintf("links/%s/%s", id, d.Hex()))
		if err == nil {
			err = r.note(ctx, link)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("links/%s: %w", id, err)
		}
	}
	return r.about[d], nil
}
