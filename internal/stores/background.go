package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/mutex"
)

// SyncArg is the first argument of a process that archives in the background.
const SyncArg = "assay-store-sync"

// Worker is set when this program has asked what it is for: one that does
// not would not understand what it is started for.
var Worker atomic.Bool

// Upload starts a process that archives in the store in use what waits for it,
// unless nothing does or one is at work: that one then looks again before it ends,
// since it may be about to fail for a reason that is gone. Upload does not wait
// for it, and neither does the end of this process end it. That the store cannot
// be reached is not an error of Upload.
func (set *Set) Upload(ctx context.Context) error {
	if set.using == nil || !Worker.Load() {
		return nil
	}
	if err := set.lookOnce(ctx); err != nil { // there may be what a process made that uses no store, or another
		return fmt.Errorf("store %s: %w", set.using.Name, err)
	}
	values, err := set.using.Waits().All()
	if err != nil || len(values) == 0 {
		return err
	}
	if err := os.WriteFile(set.using.againFile(), nil, 0o666); err != nil { // before we look: one that ends now reads it
		return err
	}
	hold, err := mutex.TryLock(set.using.lockFile(), unix.LOCK_EX)
	if err != nil || hold == nil {
		return err
	}
	hold.Close()
	if err := set.startSync(); err != nil {
		return fmt.Errorf("store %s: start upload: %w", set.using.Name, err)
	}
	return nil
}

func (set *Set) startSync() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	log, err := os.OpenFile(filepath.Join(set.using.dir, "log"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	process, err := os.StartProcess(exe, []string{exe, SyncArg, set.Root, set.using.Key}, &os.ProcAttr{
		Dir: set.Root, Env: os.Environ(), Files: []*os.File{null, log, log}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return err
	}
	go process.Wait() // reaps it, if we are still here
	return nil
}

// How an upload in the background goes on after an error.
const (
	firstPause = time.Second // doubles
	lastPause  = 2 * time.Minute
	persevere  = 20 * time.Minute // without success; the next command starts another
	niceness   = 10
)

// Background is a process that Upload started: it archives in the store of
// the key, while that is the one in use of the stores that open gives.
func Background(ctx context.Context, open func(context.Context) (*Set, error), key string) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil {
		return fmt.Errorf("be nice: %w", err)
	}
	set, err := open(ctx)
	if err != nil {
		return err
	}
	if set.using == nil || set.using.Key != key {
		return nil
	}
	for {
		hold, err := mutex.TryLock(set.using.lockFile(), unix.LOCK_EX)
		if err != nil || hold == nil {
			return err
		}
		if err = os.Remove(set.using.againFile()); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = sign(hold)
		}
		if err == nil {
			err = set.archiveWaiting(ctx)
		}
		hold.Close()
		left, listErr := set.using.Waits().All()
		_, askErr := os.Lstat(set.using.againFile())
		if set.using.wanted() || askErr != nil || listErr != nil || len(left) == 0 || ctx.Err() != nil || !set.stillInUse(ctx) {
			return errors.Join(err, listErr)
		}
	}
}

// sign writes into a lock who holds it, for people and tests.
func sign(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(lock, "%d\n", os.Getpid())
	return err
}

// archiveWaiting archives what waits, trying again after errors that may pass.
func (set *Set) archiveWaiting(ctx context.Context) error {
	pause, began := firstPause, time.Now()
	for {
		s := &syncer{set: set, p: set.using, ends: func() bool { return set.using.wanted() || !set.stillInUse(ctx) }}
		err := s.run(ctx)
		if s.report.Archived > 0 {
			pause, began = firstPause, time.Now()
		}
		if !passes(err) || time.Since(began) > persevere || !set.stillInUse(ctx) {
			return err
		}
		for rested := time.Duration(0); rested < pause; rested += firstPause {
			if set.using.wanted() {
				return err
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(firstPause):
			}
		}
		pause = min(2*pause, lastPause)
	}
}

// passes reports whether an error of an upload may pass by itself.
func passes(err error) bool {
	for _, transient := range []error{
		minio.ErrUnreachable, minio.ErrFull, minio.ErrLockLost, minio.ErrNoBucket, minio.ErrClock,
		artifacts.ErrConflict, // with a collection, time and again
	} {
		if errors.Is(err, transient) {
			return true
		}
	}
	return false
}

// stillInUse reports whether the store is still the one to archive to: it may
// have been changed, or defined anew, since this process began.
func (set *Set) stillInUse(ctx context.Context) bool {
	now, err := set.Reopen(ctx)
	return err == nil && now.using != nil && now.using.Key == set.using.Key
}

// Note says in one line what waits for the store in use, or is "".
func (set *Set) Note() string {
	if set.using == nil {
		return ""
	}
	all, err := set.using.Waits().All()
	if err != nil {
		return fmt.Sprintf("store %s: %v", set.using.Name, err)
	}
	if len(all) == 0 {
		return ""
	}
	note := fmt.Sprintf("store %s: %d waiting to be archived there", set.using.Name, len(all))
	switch cause, stops, err := set.using.lastError(); {
	case err != nil || cause == "":
		return note + ", which goes on by itself"
	case stops:
		return note + "; the last try ended with: " + cause + "; the next command tries again"
	default:
		return note + ", which goes on by itself; last try: " + cause
	}
}
