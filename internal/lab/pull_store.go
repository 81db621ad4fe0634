package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// OpenClone opens the workspace that dir is in. If there is none, but an
// assay.lock in dir or above, as in a fresh clone from version control, it makes
// that folder the workspace.
func OpenClone(ctx context.Context, dir string) (*Workspace, error) {
	root, err := Find(dir)
	if err == nil {
		return Open(ctx, root)
	}
	abs, absErr := filepath.Abs(dir)
	if absErr != nil {
		return nil, absErr
	}
	for d := abs; ; d = filepath.Dir(d) {
		if _, statErr := os.Stat(filepath.Join(d, LockFile)); statErr == nil {
			return Init(ctx, d)
		}
		if d == filepath.Dir(d) {
			return nil, fmt.Errorf("%w, or pull in a clone that has %s", err, LockFile)
		}
	}
}

// A Pulled is what came from a store.
type Pulled struct {
	Store  string   `json:"store"`
	Refs   []string `json:"refs"`   // in the archive, now
	Blobs  int      `json:"blobs"`  // they are and reach
	Copied int      `json:"copied"` // those that were lacking
	Bytes  int64    `json:"bytes"`  // of them
}

// PullLock gets from a store, "" for the one in use or else the only one that
// assay.yaml defines, exactly the blobs that assay.lock names and those reach,
// and makes the references of the archive. After it, every figure can be
// replayed without the store. What the archive has already is not fetched.
func (w *Workspace) PullLock(ctx context.Context, store string, progress func(Transfer)) (Pulled, error) {
	lock, err := w.Lock()
	if err != nil {
		return Pulled{}, err
	}
	pins := lock.pins()
	if len(pins) == 0 {
		return Pulled{}, Usagef("pull: %s names nothing", filepath.Join(w.Root, LockFile))
	}
	var roots []assay.Digest
	for _, p := range pins {
		roots = append(roots, p.digest)
	}
	return w.pull(ctx, store, roots, lock.references(), progress)
}

// PullFromStore gets one thing with all that it reaches from a store, named as
// in PullLock: a run by its ID, or a workload or a figure by its name. Of
// several values that workspaces gave one name, it takes the one that was
// archived last.
func (w *Workspace) PullFromStore(ctx context.Context, store, ref string, progress func(Transfer)) (Pulled, error) {
	p, err := w.named(store)
	if err != nil {
		return Pulled{}, err
	}
	remote, err := w.openStore(ctx, p)
	if err != nil {
		return Pulled{}, err
	}
	for _, kind := range []string{"runs", "workloads", "figures"} {
		name := kind + "/" + assay.Filename(ref)
		found, err := latest(ctx, remote, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Pulled{}, fmt.Errorf("pull %s: store %s: %w", ref, p.name, err)
		}
		refs := []waiting{found}
		if kind == "runs" {
			for link, err := range remote.Refs(ctx, "links/"+assay.Filename(ref)) {
				if err != nil {
					return Pulled{}, fmt.Errorf("pull %s: store %s: %w", ref, p.name, err)
				}
				refs = append(refs, waiting{strings.TrimSuffix(link.Name, "/"+link.Digest.Hex()), link.Digest})
			}
		}
		return w.pull(ctx, store, nil, refs, progress)
	}
	return Pulled{}, Usagef("pull: store %s has no run, workload or figure %q", p.name, ref)
}

// latest returns the value of a reference that was archived last.
func latest(ctx context.Context, remote *artifacts.Store, name string) (waiting, error) {
	v := waiting{name: name}
	var last time.Time
	for ref, err := range remote.Refs(ctx, name) {
		if err != nil {
			return v, err
		}
		if v.digest.IsZero() || ref.ModTime.After(last) {
			v.digest, last = ref.Digest, ref.ModTime
		}
	}
	if v.digest.IsZero() {
		return v, fs.ErrNotExist
	}
	return v, nil
}

func (w *Workspace) pull(ctx context.Context, store string, roots []assay.Digest, refs []waiting, progress func(Transfer)) (Pulled, error) {
	p, err := w.named(store)
	if err != nil {
		return Pulled{}, err
	}
	remote, err := w.openStore(ctx, p)
	if err != nil {
		return Pulled{}, err
	}
	opts := artifacts.CopyOptions{Roots: roots, Children: childrenIn(remote)}
	if progress != nil {
		opts.Progress = func(p artifacts.CopyProgress) {
			progress(Transfer{Done: p.Blobs, Total: p.TotalBlobs, Unit: "blobs", Bytes: p.Bytes})
		}
	}
	for _, r := range refs {
		opts.Roots = append(opts.Roots, r.digest)
	}
	// The blobs first: what is noted and has none is taken for dead by the upload
	// to another store that is in use.
	report, err := artifacts.Copy(ctx, w.Archive, remote, opts)
	pulled := Pulled{Store: p.name, Blobs: report.Blobs, Copied: report.Copied, Bytes: report.Bytes}
	if err == nil {
		opts.Progress, opts.Children = nil, childrenIn(w.Archive.Behind(artifacts.Named{Name: p.name, Store: remote}))
		for _, r := range refs {
			opts.Refs = append(opts.Refs, artifacts.Ref{Name: r.name, Digest: r.digest})
			pulled.Refs = append(pulled.Refs, r.name)
		}
		err = w.noted(ctx, refs, func() error {
			_, err := artifacts.Copy(ctx, w.Archive, remote, opts)
			return err
		})
	}
	if err != nil {
		return pulled, fmt.Errorf("pull from store %s: %w", p.name, err)
	}
	return pulled, nil
}

// openStore opens a store for reading and writing.
func (w *Workspace) openStore(ctx context.Context, p *place) (*artifacts.Store, error) {
	b, err := p.open(ctx, w.Root)
	if err != nil {
		return nil, err
	}
	return artifacts.New(b), nil
}
