package stores

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/failure"
)

// A distant is the backend of a store that blobs are read from behind the
// archive. It is opened when it is first asked for one: opening a workspace
// touches no network. When it does not answer, it is not asked again for a
// while: a store that is down costs that patience once, and not once a blob.
type distant struct {
	place *Place
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

// Copy returns a store to read from.
func (set *Set) Copy(p *Place) artifacts.Named {
	return artifacts.Named{Name: p.Name, Store: artifacts.New(&distant{place: p, root: set.Root, rest: distantRest})}
}

// behind has what is read come from the store in use where the archive lacks it.
func (set *Set) behind() {
	set.reading = set.Archive
	if set.using != nil {
		set.reading = set.Archive.Behind(set.Copy(set.using))
	}
	set.Reads(set.reading)
}

// Copies returns the stores, to be read from: the one in use first.
func (set *Set) Copies() []artifacts.Named {
	var all []artifacts.Named
	for _, name := range slices.Sorted(maps.Keys(set.Defined)) {
		p := set.defined(name)
		if p == set.using {
			all = slices.Insert(all, 0, set.Copy(p))
		} else {
			all = append(all, set.Copy(p))
		}
	}
	return all
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
		d.err, d.failed = failure.Classed(artifacts.ErrUnavailable, err), time.Now()
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
		d.backend, err = d.place.Open(ctx, d.root)
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
	return fmt.Errorf("store %s is opened for reading: %w", d.place.Name, errors.ErrUnsupported)
}
