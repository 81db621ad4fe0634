package registry

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestFlush has the disk lose bytes and tell of it once, after a second. Those
// who flush at that time and later learn of it, too.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := false
		f := newFlusher(func() error {
			if told {
				return nil
			}
			told = true
			time.Sleep(time.Second)
			return syscall.EIO
		})
		const together = 5
		errs := make(chan error, together+1)
		for range together {
			go func() { errs <- f.flush(t.Context()) }()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		errs <- f.flush(t.Context())
		for range together + 1 {
			if err := <-errs; !errors.Is(err, syscall.EIO) {
				t.Errorf("flush: %v, want %v", err, syscall.EIO)
			}
		}
	})
}

// TestFlushShared has several wait for a sync that began before them: one more
// serves them all.
func TestFlushShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		syncs := 0
		f := newFlusher(func() error {
			syncs++
			time.Sleep(time.Second)
			return nil
		})
		const together = 5
		errs := make(chan error, together)
		for range together {
			go func() { errs <- f.flush(t.Context()) }()
			synctest.Wait()
		}
		for range together {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if syncs != 2 {
			t.Errorf("%d syncs, want 2", syncs)
		}
	})
}
