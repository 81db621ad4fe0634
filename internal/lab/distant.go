package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
)

// A distant is the backend of a store that blobs are read from behind the
// archive. It is opened when it is first asked for one: opening a workspace
// touches no network. When it does not answer, it is not asked again for a
// while: a store that is down costs that patience once, and not once a blob.
type distant struct {
	place *place
	root  string
	rest  time.Duration // after an attempt that was not answered

	mu      sync.Mutex // guards what follows; held while the store is opened
	backend *minio.Backend
	err     error
	failed  time.Time
}

const (
	distantPatience = 5 * time.Second  // for an answer to begin
	distantRest     = 30 * time.Second // after one that did not
)

var _ artifacts.Backend = (*distant)(nil)

// copy returns a store to read from.
func (w *Workspace) copy(p *place) artifacts.Named {
	return artifacts.Named{Name: p.name, Store: artifacts.New(&distant{place: p, root: w.Root, rest: distantRest})}
}

// behind makes the workspace read from the store in use what its archive lacks.
func (w *Workspace) behind() {
	if w.using == nil {
		w.Store = w.Archive
		return
	}
	w.Store = w.Archive.Behind(w.copy(w.using))
}

// Get implements artifacts.Backend.
func (d *distant) Get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	asked, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(distantPatience, func() {
		cancel(fmt.Errorf("%w: no answer in %v; it is asked again after %v", minio.ErrUnreachable, distantPatience, distantRest))
	})
	if err := d.rests(); err != nil {
		late.Stop()
		cancel(nil)
		return nil, artifacts.Info{}, err
	}
	rc, info, err := d.get(asked, key)
	if !late.Stop() && err == nil {
		err = rc.Close()
	}
	if ctx.Err() == nil && asked.Err() != nil {
		err = context.Cause(asked)
	}
	if err != nil {
		cancel(nil)
		if ctx.Err() == nil && unanswered(err) {
			err = d.failedWith(err)
		}
		return nil, artifacts.Info{}, err
	}
	return &answer{rc, cancel}, info, nil
}

func (d *distant) get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	b, err := d.open(ctx)
	if err != nil {
		return nil, artifacts.Info{}, err
	}
	return b.Get(ctx, key)
}

// rests returns why the store is not asked just now, or nil.
func (d *distant) rests() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil && time.Since(d.failed) >= d.rest {
		d.err = nil
	}
	return d.err
}

// failedWith begins a rest, unless one that another reader's error began is on.
func (d *distant) failedWith(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err, d.failed = Classed(artifacts.ErrUnavailable, err), time.Now()
	}
	return d.err
}

func (d *distant) open(ctx context.Context) (*minio.Backend, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil { // of whoever was first to try
		return nil, d.err
	}
	var err error
	if d.backend == nil {
		d.backend, err = d.place.open(ctx, d.root)
	}
	return d.backend, err
}

// An answer ends its context when it is closed.
type answer struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (a *answer) Close() error {
	defer a.cancel(nil)
	return a.ReadCloser.Close()
}

// List implements artifacts.Backend.
func (d *distant) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		err := d.rests()
		var b *minio.Backend
		if err == nil {
			b, err = d.open(ctx)
		}
		if err != nil {
			yield(artifacts.Entry{}, err)
			return
		}
		b.List(ctx, prefix)(yield)
	}
}

// What a copy is read from is not written to, nor asked for a size.

// Stat implements artifacts.Backend.
func (d *distant) Stat(context.Context, string) (artifacts.Info, error) {
	return artifacts.Info{}, d.refuse()
}

// Put implements artifacts.Backend.
func (d *distant) Put(context.Context, string, io.Reader, artifacts.Condition) (artifacts.Version, error) {
	return "", d.refuse()
}

// Delete implements artifacts.Backend.
func (d *distant) Delete(context.Context, string) error { return d.refuse() }

func (d *distant) refuse() error {
	return fmt.Errorf("store %s is opened for reading: %w", d.place.name, errors.ErrUnsupported)
}
