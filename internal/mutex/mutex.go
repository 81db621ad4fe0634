// Package mutex has processes of one host take turns, by locks on files that end
// with the process that holds them. It does not span hosts, nor hold for a
// process that does not ask.
package mutex

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Exclude keeps other holders of the mutex in the file at path out, in this
// and in other processes, until release is called. It waits at most until ctx
// ends. A holder that dies has released it.
func Exclude(ctx context.Context, path string) (release func(), err error) {
	return hold(ctx, path, unix.LOCK_EX)
}

// Share is Exclude that others who share may be beside.
func Share(ctx context.Context, path string) (release func(), err error) {
	return hold(ctx, path, unix.LOCK_SH)
}

func hold(ctx context.Context, path string, how int) (release func(), err error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := lock(f, how|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another process to release %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// Lock waits for the lock, unix.LOCK_SH or unix.LOCK_EX, on the file at path. The
// lock ends with the file.
func Lock(path string, how int) (*os.File, error) {
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := lock(f, how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// TryLock is Lock that returns nil if another holds the lock.
func TryLock(path string, how int) (*os.File, error) {
	f, err := Lock(path, how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return f, err
}

func openLock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666) }

func lock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}
