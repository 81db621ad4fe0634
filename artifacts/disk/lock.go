package disk

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"
)

// The lock files of a store, in its root. They are never removed.
const (
	gateFile  = ".lock-gate"  // held while the next is waited for
	storeFile = ".lock"       // Lock: writers share it, a collector is alone
	writeFile = ".lock-write" // puts share it, a compare-and-swap or delete is alone
)

// Lock implements artifacts.Locker with flock(2). Who wants the lock passes a
// gate first; a collector holds the gate while it waits, so that no new writer
// overtakes it.
func (b *Backend) Lock(ctx context.Context, exclusive bool) (unlock func() error, err error) {
	gate, err := b.flock(ctx, gateFile, exclusive)
	if err != nil {
		return nil, err
	}
	lock, err := b.flock(ctx, storeFile, exclusive)
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	if err := gate.Close(); err != nil {
		return nil, errors.Join(b.explain(err), lock.Close())
	}
	return lock.Close, nil
}

// flock waits for a lock file. It asks again and again, since a blocking
// flock cannot be given up when ctx ends.
func (b *Backend) flock(ctx context.Context, name string, exclusive bool) (io.Closer, error) {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		lock, err := b.files.TryLock(filepath.Join(b.dir, name), exclusive)
		if !errors.Is(err, ErrLocked) {
			return lock, b.explain(err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}
