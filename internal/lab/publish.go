package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/stores"
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
	Name   string       `json:"name"`             // "runs/ID", "imports/NAME", "figures/NAME", "workloads/NAME"
	Digest assay.Digest `json:"digest"`           // of its manifest
	Ref    string       `json:"ref"`              // in the store
	With   []string     `json:"with"`             // names of what is about it
	Blobs  int          `json:"blobs"`            // with all that these reach
	Bytes  int64        `json:"bytes"`            // of them
	Until  time.Time    `json:"until"`            // when the server may delete the first of them, as it says
	Mode   string       `json:"mode"`             // of that retention
	Unread []string     `json:"unread,omitempty"` // of the archive; it may be about it
}

// Publish archives what refs name, each as in Show, in a store, and has the
// server refuse to delete it before a date, with its whole graph as in Push, and
// the references that name it. Of the lock it takes what that names. All of it is
// read back from the store before, and sent again if it is damaged there. Doing
// it again can only make the date later. It fails, and sends nothing, if the
// bucket cannot retain anything.
func (w *Workspace) Publish(ctx context.Context, refs []string, opts PublishOptions, progress func(stores.Transfer)) ([]Published, error) {
	now := time.Now()
	if opts.Until.IsZero() {
		opts.Until = now.Add(publishFor)
	}
	// A date is to the end of its day, which is the begin of the next.
	if day := opts.Until.Add(-time.Nanosecond).UTC().Format(time.DateOnly); !opts.Until.After(now) {
		return nil, failure.Usagef("publish: %s is past: name a day to come", day)
	} else if opts.Until.UTC().Year() > 9999 { // RFC 3339 has no later one
		return nil, failure.Usagef("publish: %s is too far off: name a day before 9999-12-31", day)
	}
	if opts.Mode == "" {
		opts.Mode = string(minio.Governance)
	}
	if _, err := minio.ParseMode(opts.Mode); err != nil {
		return nil, failure.Usagef("publish: %w", err)
	}
	p, err := w.Stores.Named(opts.Store)
	if err != nil {
		return nil, err
	}
	var all []publishing
	if opts.Lock {
		lock, err := w.Lock()
		if err != nil {
			return nil, err
		}
		for _, root := range references(lock) {
			parts, err := w.parts(ctx, root)
			if err != nil {
				return nil, fmt.Errorf("publish %s: %w", root.Name, err)
			}
			all = append(all, publishing{parts: parts})
		}
	}
	for _, ref := range refs {
		root, err := w.reference(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
		parts, unread, err := w.graphParts(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("publish %s: %w", root.Name, err)
		}
		all = append(all, publishing{parts, unread})
	}
	if len(all) == 0 {
		return nil, failure.Usagef("publish: %s names nothing: pin, run or draw something first", pins.File)
	}
	backend, err := p.Open(ctx, w.Root)
	if err != nil {
		return nil, err
	}
	if err := backend.CanRetain(ctx); err != nil {
		return nil, fmt.Errorf("publish: store %s: %w", p.Name, err)
	}
	var published []Published
	copies := []artifacts.Named{{Name: p.Name, Store: artifacts.New(backend)}}
	if using := w.Stores.Using(); using != nil && using.Key != p.Key {
		copies = append(copies, w.Stores.Copy(using))
	}
	archive := w.Archive.Behind(copies...)
	for i, what := range all {
		if progress != nil {
			progress(stores.Transfer{Done: i, Total: len(all), Unit: "references"})
		}
		done, err := w.publish(ctx, backend, archive, what, opts)
		if err != nil {
			return published, fmt.Errorf("publish %s in store %s: %w", done.Name, p.Name, err)
		}
		published = append(published, done)
	}
	return published, nil
}

// A publishing is something to publish.
type publishing struct {
	parts  []stores.Value // it, and what goes with it
	unread []string
}

func (w *Workspace) publish(ctx context.Context, backend *minio.Backend, archive *artifacts.Store, what publishing, opts PublishOptions) (Published, error) {
	root := what.parts[0]
	p := Published{
		Name: root.Name, Digest: root.Digest, Ref: publication(root).Name, With: []string{}, Unread: what.unread,
	}
	store := artifacts.New(backend)
	copied := artifacts.CopyOptions{Children: stores.Children(archive)}
	var roots []assay.Digest
	for i, part := range what.parts {
		copied.Refs = append(copied.Refs, artifacts.Ref{Name: part.Remote(), Digest: part.Digest})
		roots = append(roots, part.Digest)
		if i > 0 {
			p.With = append(p.With, part.Name)
		}
	}
	// What is here already, or there, may have rotted or be lost: it is not to be
	// retained like that.
	if _, err := readThrough(ctx, archive, roots); err != nil {
		return p, err
	}
	if _, err := artifacts.Copy(ctx, store, archive, copied); err != nil {
		return p, err
	}
	sizes, err := readThrough(ctx, store.Behind(artifacts.Named{Name: "archive", Store: archive}), roots)
	if err != nil {
		return p, err
	}
	var keys []string
	for d, size := range sizes {
		keys = append(keys, artifacts.BlobKey(d))
		p.Blobs++
		p.Bytes += size
	}
	for _, part := range what.parts {
		ref := publication(part)
		keys = append(keys, artifacts.RefKey(ref.Name))
		if d, err := store.Ref(ctx, ref.Name); err == nil && d == ref.Digest {
			continue // setting it again would make a new version, which nothing retains
		}
		if err := store.SetRef(ctx, ref.Name, ref.Digest); err != nil {
			return p, err
		}
	}
	if err := backend.Retain(ctx, keys, opts.Until, minio.Mode(opts.Mode)); err != nil {
		return p, err
	}
	first, err := firstToEnd(ctx, backend, keys)
	p.Until, p.Mode = first.Until, string(first.Mode)
	return p, err
}

// firstToEnd asks the server for the retentions of keys, and returns the one
// that ends first.
func firstToEnd(ctx context.Context, backend *minio.Backend, keys []string) (minio.Retention, error) {
	all := make([]minio.Retention, len(keys))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(artifacts.DefaultJobs)
	for i, key := range keys {
		asking.Go(func() (err error) {
			all[i], err = backend.Retention(ctx, key)
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return minio.Retention{}, err
	}
	return slices.MinFunc(all, func(a, b minio.Retention) int { return a.Until.Compare(b.Until) }), nil
}

// publication is the reference that keeps a published value from being
// collected, also when it is retained no longer.
func publication(v stores.Value) artifacts.Ref {
	return artifacts.Ref{Name: "publications/" + v.Remote(), Digest: v.Digest}
}

// parts returns root and, if it is a run, the links to its other workloads,
// which name it and not the other way round.
func (w *Workspace) parts(ctx context.Context, root stores.Value) ([]stores.Value, error) {
	parts := []stores.Value{root}
	kind, id, _ := strings.Cut(root.Name, "/")
	if kind != "runs" {
		return parts, nil
	}
	for ref, err := range w.Archive.Refs(ctx, "links/"+id) {
		if err != nil {
			return nil, err
		}
		parts = append(parts, stores.Value{Name: ref.Name, Digest: ref.Digest})
	}
	return parts, nil
}

// graphParts returns root and what goes with it when it is pushed, and what of
// the archive cannot be read. What has no reference is named as a pull names it.
func (w *Workspace) graphParts(ctx context.Context, root stores.Value) (parts []stores.Value, unread []string, err error) {
	digests, unread, err := w.graphRoots(ctx, root)
	if err != nil {
		return nil, nil, err
	}
	names := map[assay.Digest]string{}
	for _, d := range digests {
		names[d] = attached + d.Hex()
	}
	for _, kind := range stores.Kinds {
		for ref, err := range w.Archive.Refs(ctx, kind) {
			if err != nil {
				return nil, nil, err
			}
			if _, ours := names[ref.Digest]; ours {
				names[ref.Digest] = ref.Name
			}
		}
	}
	names[root.Digest] = root.Name
	for _, d := range digests {
		parts = append(parts, stores.Value{Name: names[d], Digest: d})
	}
	return parts, unread, nil
}

// reference finds the archived thing that ref names, as in Show, and the
// reference to it.
func (w *Workspace) reference(ctx context.Context, ref string) (stores.Value, error) {
	shown, err := w.Show(ctx, ref)
	if err != nil {
		return stores.Value{}, err
	}
	switch v := shown.Value.(type) {
	case assay.Run:
		if v.State != assay.Complete {
			return stores.Value{}, fmt.Errorf("run %s is not archived yet (%s): %w", v.ID, v.State, failure.ErrIncomplete)
		}
		d, err := w.Archive.Ref(ctx, "runs/"+v.ID)
		return stores.Value{Name: "runs/" + v.ID, Digest: d}, err
	case Imported:
		return stores.Value{Name: "imports/" + assay.Filename(v.Name), Digest: v.Manifest}, nil
	case Drawn:
		return stores.Value{Name: "figures/" + assay.Filename(v.Figure.Name), Digest: v.Manifest}, nil
	case Judged:
		name, err := w.judgementName(ctx, v)
		return stores.Value{Name: "claims/" + assay.Filename(name), Digest: v.Manifest}, err
	case assay.Workload:
		return stores.Value{Name: "workloads/" + assay.Filename(v.Name), Digest: v.Manifest}, nil
	}
	return stores.Value{}, failure.Usagef("%q is a %s: name a run, an import, a figure, a judgement or a workload", ref, shown.Kind)
}

// references returns what the lock names, as references of the archive.
func references(l pins.Lock) []stores.Value {
	var all []stores.Value
	for _, name := range slices.Sorted(maps.Keys(l.Workloads)) {
		all = append(all, stores.Value{Name: "workloads/" + assay.Filename(name), Digest: l.Workloads[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Pinned)) {
		all = append(all, stores.Value{Name: pinnedRef(name, l.Pinned[name]), Digest: l.Pinned[name]})
	}
	for _, e := range l.Experiments {
		all = append(all, stores.Value{Name: "runs/" + assay.Filename(e.Run), Digest: e.Manifest})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Imports)) {
		all = append(all, stores.Value{Name: "imports/" + assay.Filename(name), Digest: l.Imports[name].Manifest})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Figures)) {
		all = append(all, stores.Value{Name: "figures/" + assay.Filename(name), Digest: l.Figures[name].Manifest})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Claims)) {
		all = append(all, stores.Value{Name: "claims/" + assay.Filename(name), Digest: l.Claims[name].Manifest})
	}
	slices.SortFunc(all, func(a, b stores.Value) int { return strings.Compare(a.Name, b.Name) })
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

// Links makes a link for each file of what ref names, or for the one of that
// name. The store must have them.
func (w *Workspace) Links(ctx context.Context, store, ref, file string, expires time.Duration) ([]StoreLink, error) {
	if expires < time.Second || expires > minio.MaxLink {
		return nil, failure.Usagef("link: valid for %v: want one second to %v", expires, minio.MaxLink)
	}
	p, err := w.Stores.Named(store)
	if err != nil {
		return nil, err
	}
	root, err := w.reference(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	a, err := oci.ReadArtifact(ctx, w.Store, root.Digest)
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", ref, err)
	}
	backend, err := p.Open(ctx, w.Root)
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
			return nil, fmt.Errorf(`link %s: store %s lacks %s: %w; "assay store sync %s" first`, ref, p.Name, l.Title, err, p.Name)
		} else if err != nil {
			return nil, fmt.Errorf("link %s: store %s: %w", ref, p.Name, err)
		}
		link := StoreLink{File: l.Title, Digest: l.Digest, Size: l.Size, Expires: time.Now().Add(expires).UTC().Truncate(time.Second)}
		if link.URL, err = backend.Link(ctx, key, baseName(l.Title), expires); err != nil {
			return nil, fmt.Errorf("link %s: store %s: %w", ref, p.Name, err)
		}
		links = append(links, link)
	}
	if len(links) == 0 {
		return nil, failure.Usagef("link: %s has no file %q; it has %s", ref, file, failure.Listed(names))
	}
	return links, nil
}

// baseName is what a browser calls a downloaded file: "tables/0" has no folder.
func baseName(title string) string { return strings.ReplaceAll(title, "/", "-") }
