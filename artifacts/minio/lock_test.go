package minio_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	t.Parallel()
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
	t.Parallel()
	const lease = 5 * time.Second // nor may this machine stutter for so long
	server := miniotest.Start(t)
	for _, held := range []bool{false, true} {
		t.Run(fmt.Sprintf("exclusive %v", held), func(t *testing.T) {
			t.Parallel()
			cfg := server.Config(fmt.Sprintf("long-%v", held))
			create(t, cfg)
			a, b := tuned(t, cfg, minio.Tuned{Lease: lease}), tuned(t, cfg, minio.Tuned{Lease: lease})
			unlock, err := a.Lock(t.Context(), held)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*lease)
			defer cancel()
			if _, err := b.Lock(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("lock while a living holder has it: %v, want to wait", err)
			}
			if err := unlock(); err != nil {
				t.Errorf("unlock after two leases: %v", err)
			}
			wantNoLocks(t, b)
		})
	}
}

const gateKey = ".lock/gate"

// A sleeper is a machine that goes to sleep in a request, once. While it sleeps
// others are busy for longer than a lease; when it wakes up, the connection is
// gone.
type sleeper struct {
	in     func(*http.Request) bool // the request
	dream  func()                   // what others do
	slept  atomic.Bool
	asleep atomic.Bool
}

func (s *sleeper) before(req *http.Request) error {
	if s.in(req) && s.slept.CompareAndSwap(false, true) {
		s.asleep.Store(true)
		s.dream()
		s.asleep.Store(false)
		return syscall.ECONNRESET
	}
	if s.asleep.Load() {
		return syscall.EHOSTUNREACH
	}
	return nil
}

func (s *sleeper) wrap(next http.RoundTripper) http.RoundTripper { return hook{next, s.before} }

// A deletion that is sent again after a sleep does not take what others have
// put meanwhile.
func TestDeletionAfterSleep(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	cfg := server.Config("deletion")
	other := tuned(t, create(t, cfg).Config(), minio.Tuned{Lease: time.Second})
	put := func() {
		if _, err := other.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{}); err != nil {
			t.Error(err)
		}
	}
	put()
	s := &sleeper{
		in: func(req *http.Request) bool {
			return req.Method == http.MethodDelete && strings.HasSuffix(req.URL.Path, "/k/1")
		},
		dream: func() {
			unlock, err := other.Lock(t.Context(), false)
			if err != nil {
				t.Error(err)
				return
			}
			put()
			if err := unlock(); err != nil {
				t.Error(err)
			}
		},
	}
	b := tuned(t, cfg, minio.Tuned{Lease: time.Second, Wrap: s.wrap})
	unlock, err := b.Lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "k/1"); !errors.Is(err, minio.ErrLockLost) {
		t.Errorf("delete after a sleep: %v, want ErrLockLost", err)
	}
	if _, err := other.Stat(t.Context(), "k/1"); err != nil {
		t.Errorf("stat of what others put: %v", err)
	}
	remedied(t, unlock(), minio.ErrLockLost, "try again")
}

// Nor does an unlock take the gate of the next collector.
func TestUnlockAfterSleep(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	cfg := server.Config("unlock")
	other := tuned(t, create(t, cfg).Config(), minio.Tuned{Lease: time.Second})
	var unlocking atomic.Bool
	var next func() error
	s := &sleeper{
		in: func(req *http.Request) bool {
			return unlocking.Load() && req.Method != http.MethodGet && strings.HasSuffix(req.URL.Path, gateKey)
		},
		dream: func() {
			var err error
			if next, err = other.Lock(t.Context(), true); err != nil {
				t.Error(err)
			}
		},
	}
	b := tuned(t, cfg, minio.Tuned{Lease: time.Second, Wrap: s.wrap})
	unlock, err := b.Lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	unlocking.Store(true)
	remedied(t, unlock(), minio.ErrLockLost, "try again")
	if err := next(); err != nil {
		t.Errorf("unlock by the next collector: %v", err)
	}
}

// An answer that comes when others have taken the lock confirms nothing.
func TestAnswerAfterSleep(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	cfg := server.Config("answer")
	other := tuned(t, create(t, cfg).Config(), minio.Tuned{Lease: time.Second})
	if _, err := other.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{}); err != nil {
		t.Fatal(err)
	}
	var slept atomic.Bool
	b := tuned(t, cfg, minio.Tuned{Lease: time.Second, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return after{next, func(req *http.Request) {
			if req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, gateKey) && slept.CompareAndSwap(false, true) {
				wantNoLocks(t, other)
			}
		}}
	}})
	unlock, err := b.Lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "k/1"); !errors.Is(err, minio.ErrLockLost) {
		t.Errorf("delete after the lock was lost: %v, want ErrLockLost", err)
	}
	remedied(t, unlock(), minio.ErrLockLost, "try again")
}

// An after calls then with each request that was answered, before the answer
// is seen.
type after struct {
	next http.RoundTripper
	then func(*http.Request)
}

func (a after) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(req)
	if err == nil {
		a.then(req)
	}
	return resp, err
}

// A server that encrypts gives the same bytes another version each time.
func TestLocksOfEncryptingServer(t *testing.T) {
	t.Setenv("MINIO_KMS_SECRET_KEY", "key:"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
	t.Setenv("MINIO_KMS_AUTO_ENCRYPTION", "on")
	server := miniotest.Start(t)
	cfg := server.Config("encrypted")
	create(t, cfg)
	renewed := make(chan bool, 100)
	b := tuned(t, cfg, minio.Tuned{Lease: time.Second, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return after{next, func(req *http.Request) {
			if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/.lock/") {
				renewed <- true
			}
		}}
	}})
	for _, exclusive := range []bool{false, true} {
		unlock, err := b.Lock(t.Context(), exclusive)
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + 3 {
			<-renewed
		}
		if err := unlock(); err != nil {
			t.Errorf("unlock (exclusive %v) after three renewals: %v", exclusive, err)
		}
	}
	wantNoLocks(t, b)
}

// wantNoLocks takes and releases the lock, after which nobody has it.
func wantNoLocks(t *testing.T, b *minio.Backend) {
	t.Helper()
	unlock, err := b.Lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if left := b.Locks(t.Context()); !slices.Equal(left, []string{gateKey}) {
		t.Errorf("objects of locks: %q, want the gate alone", left)
	}
}
