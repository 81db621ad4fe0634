package minio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// TestSilentHolders cuts holders of a lock off from the server for longer than
// a lease, as a machine that sleeps is.
func TestSilentHolders(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("silent")
	create(t, cfg)
	var off atomic.Bool
	mortal := tuned(t, cfg, minio.Tuned{Lease: time.Second, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(*http.Request) error {
			if off.Load() {
				return syscall.EHOSTUNREACH
			}
			return nil
		}}
	}})
	other := tuned(t, cfg, minio.Tuned{Lease: time.Second})
	if _, err := mortal.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{}); err != nil {
		t.Fatal(err)
	}
	for _, held := range []bool{false, true} {
		for _, wanted := range []bool{false, true} {
			if !held && !wanted {
				continue // they share
			}
			unlock, err := mortal.Lock(t.Context(), held)
			if err != nil {
				t.Fatal(err)
			}
			off.Store(true)
			take, err := other.Lock(t.Context(), wanted)
			if err != nil {
				t.Fatalf("lock(exclusive %v) over a silent holder (exclusive %v): %v", wanted, held, err)
			}
			off.Store(false)
			if held {
				if err := mortal.Delete(t.Context(), "k/1"); !errors.Is(err, minio.ErrLockLost) {
					t.Errorf("delete after the lock was lost: %v, want ErrLockLost", err)
				}
			}
			remedied(t, unlock(), minio.ErrLockLost, "try again")
			if err := take(); err != nil {
				t.Errorf("unlock by the other: %v", err)
			}
		}
	}
	wantNoLocks(t, other)
}

// A holder that lives keeps the lock for much longer than a lease.
func TestLongHold(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("long")
	create(t, cfg)
	a, b := tuned(t, cfg, minio.Tuned{Lease: 2 * time.Second}), tuned(t, cfg, minio.Tuned{Lease: 2 * time.Second})
	for _, held := range []bool{false, true} {
		unlock, err := a.Lock(t.Context(), held)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		if _, err := b.Lock(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("lock while a living holder has it (exclusive %v): %v, want to wait", held, err)
		}
		cancel()
		if err := unlock(); err != nil {
			t.Errorf("unlock after three leases: %v", err)
		}
	}
	wantNoLocks(t, b)
}

// wantNoLocks takes and releases the lock, after which no object of it is left.
func wantNoLocks(t *testing.T, b *minio.Backend) {
	t.Helper()
	unlock, err := b.Lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if left := b.Locks(t.Context()); len(left) != 0 {
		t.Errorf("objects of locks: %q, want none", left)
	}
}
