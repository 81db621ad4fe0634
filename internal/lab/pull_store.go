package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/stores"
)

// OpenClone opens the workspace that dir is in. If there is none, but an
// assay.lock in dir or above, as in a fresh clone from version control, it makes
// that folder the workspace.
func OpenClone(ctx context.Context, dir string) (*Workspace, error) {
	root, err := Find(dir)
	if err == nil {
		w, err := Open(ctx, root)
		if errors.Is(err, fs.ErrNotExist) { // whoever made the workspace was killed before it had an archive
			return Init(ctx, root)
		}
		return w, err
	}
	abs, absErr := filepath.Abs(dir)
	if absErr != nil {
		return nil, absErr
	}
	for d := abs; ; d = filepath.Dir(d) {
		if _, statErr := os.Stat(filepath.Join(d, pins.File)); statErr == nil {
			return Init(ctx, d)
		}
		if d == filepath.Dir(d) {
			return nil, fmt.Errorf("%w, or pull in a clone that has %s", err, pins.File)
		}
	}
}

// A Pulled is what came from a store.
type Pulled struct {
	Store    string   `json:"store"`
	Refs     []string `json:"refs"`           // in the archive, now
	Kept     []string `json:"kept,omitempty"` // names that mean something else here, which they still do
	Blobs    int      `json:"blobs"`          // they are and reach
	Copied   int      `json:"copied"`         // those that were lacking
	Bytes    int64    `json:"bytes"`          // of them
	Repaired int      `json:"repaired"`       // those that were here, and damaged
}

// PullLock gets from a store, "" for the one in use or else the only one that
// assay.yaml defines, exactly the blobs that assay.lock names and those reach,
// and makes the references of the archive. After it, every figure can be
// replayed without the store. What the archive has already is read and verified;
// it is fetched only if it is damaged.
func (w *Workspace) PullLock(ctx context.Context, store string, progress func(stores.Transfer)) (Pulled, error) {
	lock, err := w.Lock()
	if err != nil {
		return Pulled{}, err
	}
	named := lock.Pins()
	if len(named) == 0 {
		return Pulled{}, failure.Usagef("pull: %s names nothing", filepath.Join(w.Root, pins.File))
	}
	var roots []assay.Digest
	for _, p := range named {
		roots = append(roots, p.Digest)
	}
	p, err := w.puller(ctx, store, progress)
	if err != nil {
		return Pulled{}, err
	}
	if err := p.blobs(ctx, roots); err != nil {
		return p.pulled, err
	}
	err = p.refer(ctx, references(lock))
	return p.pulled, err
}

// PullFromStore gets one thing with all that it reaches from a store, named as
// in PullLock: a run by its ID, an import, workload or figure by its name, any
// of them by its digest, or the newest run that assay.lock has of an experiment. Of
// several values that workspaces gave one name, it takes the one that was
// archived last. A name of a workload or figure that is something else here
// stays that; the error of a run that is matches artifacts.ErrConflict.
func (w *Workspace) PullFromStore(ctx context.Context, store, ref string, progress func(stores.Transfer)) (Pulled, error) {
	p, err := w.puller(ctx, store, progress)
	if err != nil {
		return Pulled{}, err
	}
	if d, err := assay.ParseDigest(ref); err == nil {
		err = p.digest(ctx, d)
		return p.pulled, err
	}
	for _, kind := range []string{"runs", "imports", "workloads", "figures", "claims"} {
		found, err := latest(ctx, p.remote, kind+"/"+assay.Filename(ref))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = p.one(ctx, found)
		}
		if err != nil {
			return p.pulled, fmt.Errorf("%s: %w", ref, err)
		}
		return p.pulled, nil
	}
	lock, err := w.Lock()
	if err != nil {
		return Pulled{}, err
	}
	newest := lock.Newest(func(e pins.Experiment) bool { return e.Name == ref })
	if newest.Run == "" {
		return Pulled{}, failure.Usagef("pull: store %s has no run, import, workload, figure or verdict %q, and %s no experiment", p.pulled.Store, ref, pins.File)
	}
	err = p.one(ctx, stores.Value{Name: "runs/" + assay.Filename(newest.Run), Digest: newest.Manifest})
	return p.pulled, err
}

// digest gets what d is the manifest of. Its name is known only when it is here.
func (p *puller) digest(ctx context.Context, d assay.Digest) error {
	if _, err := p.remote.Stat(ctx, d); errors.Is(err, fs.ErrNotExist) {
		return failure.Usagef("pull: store %s does not have %v", p.pulled.Store, d)
	} else if err != nil {
		return fmt.Errorf("pull from store %s: %w", p.pulled.Store, err)
	}
	if err := p.blobs(ctx, []assay.Digest{d}); err != nil {
		return err
	}
	is, err := oci.Describe(ctx, p.w.Archive, d)
	in := intake{w: p.w}
	if err == nil {
		err = in.sort(ctx, is)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", p.pulled.Store, err)
	}
	if len(in.found) != 1 {
		return failure.Usagef("pull: %v is no run, import, workload or figure", d)
	}
	return p.one(ctx, in.found[0].Value)
}

// latest returns the value of a reference that was archived last. Whoever writes
// to a store can give anything any name there.
func latest(ctx context.Context, remote *artifacts.Store, name string) (stores.Value, error) {
	v := stores.Value{Name: name}
	var last time.Time
	for ref, err := range remote.Refs(ctx, name) {
		if err != nil {
			return v, err
		}
		if ref.Name == (stores.Value{Name: name, Digest: ref.Digest}).Remote() && (v.Digest.IsZero() || ref.ModTime.After(last)) {
			v.Digest, last = ref.Digest, ref.ModTime
		}
	}
	if v.Digest.IsZero() {
		return v, fs.ErrNotExist
	}
	return v, nil
}

// A puller gets blobs from a store.
type puller struct {
	w        *Workspace
	remote   *artifacts.Store
	progress func(stores.Transfer)
	pulled   Pulled

	mu    sync.Mutex
	sizes map[assay.Digest]int64 // the largest that a manifest gives, for what it names
}

func (w *Workspace) puller(ctx context.Context, store string, progress func(stores.Transfer)) (*puller, error) {
	p, err := w.Stores.Named(store)
	if err != nil {
		return nil, err
	}
	remote, err := w.openStore(ctx, p)
	if err != nil {
		return nil, err
	}
	return &puller{w: w, remote: remote, progress: progress, pulled: Pulled{Store: p.Name}, sizes: map[assay.Digest]int64{}}, nil
}

// one gets one value, and the links to the other workloads of a run.
func (p *puller) one(ctx context.Context, v stores.Value) error {
	roots := []assay.Digest{v.Digest}
	var links []stores.Value
	if kind, id, _ := strings.Cut(v.Name, "/"); kind == "runs" {
		for ref, err := range p.remote.Refs(ctx, "links/"+id) {
			if err != nil {
				return fmt.Errorf("store %s: %w", p.pulled.Store, err)
			}
			if name, ok := strings.CutSuffix(ref.Name, "/"+ref.Digest.Hex()); ok {
				roots, links = append(roots, ref.Digest), append(links, stores.Value{Name: name, Digest: ref.Digest})
			}
		}
	}
	if err := p.blobs(ctx, roots); err != nil {
		return err
	}
	is, err := oci.Describe(ctx, p.w.Archive, v.Digest)
	if err != nil {
		return err
	}
	in := intake{w: p.w}
	if err := in.sort(ctx, is); err != nil {
		return fmt.Errorf("store %s: %s: %w", p.pulled.Store, v.Name, err)
	}
	if len(in.found) != 1 || in.found[0].Name != v.Name {
		return fmt.Errorf("store %s: what it has as %s is something else: %w", p.pulled.Store, v.Name, oci.ErrInvalid)
	}
	name, err := in.free(ctx, in.found[0], false)
	if err != nil {
		return err
	}
	if name != v.Name {
		p.pulled.Kept = append(p.pulled.Kept, v.Name)
	}
	refs := []stores.Value{{Name: name, Digest: v.Digest}}
	for _, l := range links {
		if a, err := oci.ReadArtifact(ctx, p.w.Archive, l.Digest); err == nil && a.Type == runLinkType && a.Blobs["run"] == v.Digest {
			refs = append(refs, l)
		}
	}
	return p.refer(ctx, refs)
}

// blobs makes the archive hold the roots and all they reach, undamaged.
func (p *puller) blobs(ctx context.Context, roots []assay.Digest) error {
	opts := p.options()
	opts.Roots = roots
	if p.progress != nil {
		opts.Progress = func(c artifacts.CopyProgress) {
			p.progress(stores.Transfer{Done: c.Blobs, Total: c.TotalBlobs, Unit: "blobs", Bytes: c.Bytes})
		}
	}
	report, err := artifacts.Copy(ctx, p.w.Archive, p.remote, opts)
	p.pulled.Blobs = report.Blobs
	p.pulled.Copied += report.Copied
	p.pulled.Bytes += report.Bytes
	if err != nil {
		return fmt.Errorf("pull from store %s: %w", p.pulled.Store, err)
	}
	if report.Copied == report.Blobs {
		return nil // each was verified as it came
	}
	healed := func(_ assay.Digest, err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil {
			p.pulled.Repaired++
		}
	}
	archive := p.w.Archive.Behind(artifacts.Named{Name: p.pulled.Store, Store: p.remote, Healed: healed})
	if _, err := readThrough(ctx, archive, roots); err != nil {
		return fmt.Errorf("pull: verify what was here: %w", err)
	}
	return nil
}

// refer makes references to what came. Values were noted only now: what is, and
// has no blobs, is taken for dead by the upload to another store that is in use.
func (p *puller) refer(ctx context.Context, refs []stores.Value) error {
	opts := p.options()
	for _, r := range refs {
		opts.Refs = append(opts.Refs, artifacts.Ref{Name: r.Name, Digest: r.Digest})
		p.pulled.Refs = append(p.pulled.Refs, r.Name)
	}
	err := p.w.Stores.Noted(ctx, refs, func() error {
		_, err := artifacts.Copy(ctx, p.w.Archive, p.remote, opts)
		return err
	})
	if err != nil {
		return fmt.Errorf("pull from store %s: %w", p.pulled.Store, err)
	}
	return nil
}

// options bound what a store may send for a blob by what names it.
func (p *puller) options() artifacts.CopyOptions {
	return artifacts.CopyOptions{
		Children: func(ctx context.Context, d assay.Digest) ([]assay.Digest, error) {
			links, err := oci.ReadLinks(ctx, p.remote, d)
			p.mu.Lock()
			defer p.mu.Unlock()
			var children []assay.Digest
			for _, l := range links {
				children = append(children, l.Digest)
				if l.Size >= 0 {
					p.sizes[l.Digest] = max(p.sizes[l.Digest], l.Size)
				}
			}
			return children, err
		},
		Size: func(d assay.Digest) int64 {
			p.mu.Lock()
			defer p.mu.Unlock()
			if size, ok := p.sizes[d]; ok {
				return size
			}
			return -1
		},
	}
}

// openStore opens a store for reading and writing.
func (w *Workspace) openStore(ctx context.Context, p *stores.Place) (*artifacts.Store, error) {
	b, err := p.Open(ctx, w.Root)
	if err != nil {
		return nil, err
	}
	return artifacts.New(b), nil
}
