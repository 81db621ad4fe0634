package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// exclude keeps other holders of the mutex in the file at path out, in this
// and in other processes, until release is called. It waits at most until ctx
// ends. A holder that dies has released it.
func exclude(ctx context.Context, path string) (release func(), err error) {
	return hold(ctx, path, unix.LOCK_EX)
}

// share is exclude that others who share may be beside.
func share(ctx context.Context, path string) (release func(), err error) {
	return hold(ctx, path, unix.LOCK_SH)
}

func hold(ctx context.Context, path string, how int) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another process to release %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}
