package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// PublishOptions say what is published and for how long.
type PublishOptions struct {
	Store string    // as in Sync
	Lock  bool      // everything that assay.lock names, in place of references
	Until time.Time // zero: a year from now
	Mode  string    // "governance", the default, or "compliance"
}

// publishFor is how long something is retained where nothing else is said.
const publishFor = 365 * 24 * time.Hour

// A Published is what a store retains.
type Published struct {
	Name   string       `json:"name"`   // "runs/ID", "figures/NAME", "workloads/NAME"
	Digest assay.Digest `json:"digest"` // of its manifest
	Ref    string       `json:"ref"`    // in the store
	Blobs  int          `json:"blobs"`  // with all that it reaches
	Bytes  int64        `json:"bytes"`
	Until  time.Time    `json:"until"`
	Mode   string       `json:"mode"`
}

// Publish archives what refs name, each as in Show, in a store, and has the
// server refuse to delete it and all that it reaches, and the reference that
// names it, before a date. Doing it again can only make that later. It fails if
// the bucket cannot retain anything.
func (w *Workspace) Publish(ctx context.Context, refs []string, opts PublishOptions, progress func(Transfer)) ([]Published, error) {
	now := time.Now()
	if opts.Until.IsZero() {
		opts.Until = now.Add(publishFor)
	}
	if !opts.Until.After(now) {
		return nil, Usagef("publish: %s is past: name a day to come", opts.Until.Format(time.DateOnly))
	}
	if opts.Mode == "" {
		opts.Mode = string(minio.Governance)
	}
	if _, err := minio.ParseMode(opts.Mode); err != nil {
		return nil, Usagef("publish: %w", err)
	}
	p, err := w.named(opts.Store)
	if err != nil {
		return nil, err
	}
	var roots []waiting
	if opts.Lock {
		lock, err := w.Lock()
		if err != nil {
			return nil, err
		}
		roots = lock.references()
	}
	for _, ref := range refs {
		root, err := w.reference(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
		roots = append(roots, root)
	}
	if len(roots) == 0 {
		return nil, Usagef("publish: %s names nothing: pin, run or draw something first", LockFile)
	}
	backend, err := p.open(ctx, w.Root)
	if err != nil {
		return nil, err
	}
	var all []Published
	for i, root := range roots {
		if progress != nil {
			progress(Transfer{Done: i, Total: len(roots), Unit: "references"})
		}
		done, err := w.publish(ctx, backend, root, opts)
		if err != nil {
			return all, fmt.Errorf("publish %s in store %s: %w", root.name, p.name, err)
		}
		all = append(all, done)
	}
	return all, nil
}

func (w *Workspace) publish(ctx context.Context, backend *minio.Backend, root waiting, opts PublishOptions) (Published, error) {
	p := Published{Name: root.name, Digest: root.digest, Until: opts.Until.UTC().Truncate(time.Second), Mode: opts.Mode}
	p.Ref = publication(root).Name
	parts, err := w.parts(ctx, root)
	if err != nil {
		return p, err
	}
	reached, err := w.reach(ctx, parts)
	if err != nil {
		return p, err
	}
	copied := artifacts.CopyOptions{Children: childrenIn(w.Store)}
	for _, part := range parts {
		copied.Refs = append(copied.Refs, artifacts.Ref{Name: part.remote(), Digest: part.digest})
	}
	store := artifacts.New(backend)
	if _, err := artifacts.Copy(ctx, store, w.Store, copied); err != nil {
		return p, err
	}
	var keys []string
	for _, d := range reached {
		size, err := w.Archive.Stat(ctx, d)
		if err != nil {
			return p, err
		}
		keys = append(keys, artifacts.BlobKey(d))
		p.Blobs++
		p.Bytes += size
	}
	if _, err := backend.Retention(ctx, keys[0]); err != nil { // once: not for each that a bucket cannot retain
		return p, err
	}
	for _, part := range parts {
		ref := publication(part)
		keys = append(keys, artifacts.RefKey(ref.Name))
		if d, err := store.Ref(ctx, ref.Name); err == nil && d == ref.Digest {
			continue // setting it again would make a new version, which nothing retains
		}
		if err := store.SetRef(ctx, ref.Name, ref.Digest); err != nil {
			return p, err
		}
	}
	return p, backend.Retain(ctx, keys, p.Until, minio.Mode(p.Mode))
}

// publication is the reference that keeps a published value from being
// collected, also when it is retained no longer.
func publication(v waiting) artifacts.Ref {
	return artifacts.Ref{Name: "publications/" + v.remote(), Digest: v.digest}
}

// parts returns root and, if it is a run, the links to its other workloads,
// which name it and not the other way round.
func (w *Workspace) parts(ctx context.Context, root waiting) ([]waiting, error) {
	parts := []waiting{root}
	kind, id, _ := strings.Cut(root.name, "/")
	if kind != "runs" {
		return parts, nil
	}
	for ref, err := range w.Archive.Refs(ctx, "links/"+id) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, waiting{ref.Name, ref.Digest})
	}
	return parts, nil
}

// reach returns the blobs that values are and reach.
func (w *Workspace) reach(ctx context.Context, values []waiting) ([]assay.Digest, error) {
	seen := map[assay.Digest]bool{}
	var reached []assay.Digest
	add := func(d assay.Digest) {
		if !seen[d] {
			seen[d] = true
			reached = append(reached, d)
		}
	}
	for _, v := range values {
		add(v.digest)
	}
	for i := 0; i < len(reached); i++ {
		children, err := oci.Children(ctx, w.Store, reached[i])
		if err != nil {
			return nil, err
		}
		for _, c := range children {
			add(c)
		}
	}
	return reached, nil
}

// reference finds the archived thing that ref names, as in Show, and the
// reference to it.
func (w *Workspace) reference(ctx context.Context, ref string) (waiting, error) {
	shown, err := w.Show(ctx, ref)
	if err != nil {
		return waiting{}, err
	}
	switch v := shown.Value.(type) {
	case assay.Run:
		if v.State != assay.Complete {
			return waiting{}, fmt.Errorf("run %s is not archived yet (%s): %w", v.ID, v.State, ErrIncomplete)
		}
		d, err := w.Archive.Ref(ctx, "runs/"+v.ID)
		return waiting{"runs/" + v.ID, d}, err
	case Drawn:
		return waiting{"figures/" + assay.Filename(v.Figure.Name), v.Manifest}, nil
	case assay.Workload:
		return waiting{"workloads/" + assay.Filename(v.Name), v.Manifest}, nil
	}
	return waiting{}, Usagef("%q is a %s: name a run, a figure or a workload", ref, shown.Kind)
}

// references returns what the lock names, as references of the archive.
func (l Lock) references() []waiting {
	var all []waiting
	for _, name := range sortedKeys(l.Workloads) {
		all = append(all, waiting{"workloads/" + assay.Filename(name), l.Workloads[name]})
	}
	for _, e := range l.Experiments {
		all = append(all, waiting{"runs/" + assay.Filename(e.Run), e.Manifest})
	}
	for _, name := range sortedKeys(l.Figures) {
		all = append(all, waiting{"figures/" + assay.Filename(name), l.Figures[name].Manifest})
	}
	slices.SortFunc(all, func(a, b waiting) int { return strings.Compare(a.name, b.name) })
	return all
}

// A StoreLink is an address that gives one file to whoever has it, for a while.
type StoreLink struct {
	File    string       `json:"file"`
	Digest  assay.Digest `json:"digest"`
	Size    int64        `json:"size"`
	Expires time.Time    `json:"expires"`
	URL     string       `json:"url"`
}

// MaxLink is how long a link can be valid: a limit of S3.
const MaxLink = 7 * 24 * time.Hour

// Links makes a link for each file of what ref names, or for the one of that
// name. The store must have them.
func (w *Workspace) Links(ctx context.Context, store, ref, file string, expires time.Duration) ([]StoreLink, error) {
	if expires < time.Second || expires > MaxLink {
		return nil, Usagef("link: valid for %v: want one second to %v", expires, MaxLink)
	}
	p, err := w.named(store)
	if err != nil {
		return nil, err
	}
	root, err := w.reference(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	a, err := oci.ReadArtifact(ctx, w.Store, root.digest)
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", ref, err)
	}
	backend, err := p.open(ctx, w.Root)
	if err != nil {
		return nil, err
	}
	var links []StoreLink
	var names []string
	for i, l := range a.Layers {
		if l.Title == "" {
			l.Title = fmt.Sprintf("layer-%d", i)
		}
		names = append(names, l.Title)
		if file != "" && file != l.Title {
			continue
		}
		key := artifacts.BlobKey(l.Digest)
		if _, err := backend.Stat(ctx, key); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf(`link %s: store %s lacks %s: %w; "assay store sync %s" first`, ref, p.name, l.Title, err, p.name)
		} else if err != nil {
			return nil, fmt.Errorf("link %s: store %s: %w", ref, p.name, err)
		}
		link := StoreLink{File: l.Title, Digest: l.Digest, Size: l.Size, Expires: time.Now().Add(expires).UTC().Truncate(time.Second)}
		if link.URL, err = backend.Link(ctx, key, baseName(l.Title), expires); err != nil {
			return nil, fmt.Errorf("link %s: store %s: %w", ref, p.name, err)
		}
		links = append(links, link)
	}
	if len(links) == 0 {
		return nil, Usagef("link: %s has no file %q; it has %s", ref, file, listed(names))
	}
	return links, nil
}

// baseName is what a browser calls a downloaded file: "tables/0" has no folder.
func baseName(title string) string { return strings.ReplaceAll(title, "/", "-") }
