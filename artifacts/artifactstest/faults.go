package artifactstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts"
)

// ErrCrashed is what every operation after a crash gets. It stands for a
// process that is no more.
var ErrCrashed = errors.New("the process has crashed")

// A Fault is what happens to one operation.
type Fault string

// The faults.
const (
	None       Fault = ""
	IO         Fault = "EIO"         // the operation is not done and fails
	Full       Fault = "ENOSPC"      // the same
	ShortWrite Fault = "short write" // half of a write is done, and it fails; other operations succeed
	Crash      Fault = "crash"       // half of a write is done, other operations are not; nothing is done after
	PowerCut   Fault = "power cut"   // Crash, and what was not synced is lost
)

// Faults counts operations and lets one of them fail, by its number. It is safe
// for concurrent use. The nil *Faults and the zero Faults inject nothing.
type Faults struct {
	At    int // the number of the operation, from 1
	Fault Fault

	mu      sync.Mutex
	n       int
	writes  []int // numbers of the writes
	crashed bool
}

// Calls returns how many operations there were.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// Writes returns the numbers of those that were writes.
func (f *Faults) Writes() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.writes)
}

// Crashed reports whether the crash has happened.
func (f *Faults) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed
}

// Do counts one operation, and does it or fails.
func (f *Faults) Do(what string, do func() error) error {
	_, err := f.count(what, do, false)
	return err
}

// Write counts one write of p, and does all, half or nothing of it.
func (f *Faults) Write(what string, p []byte, write func([]byte) (int, error)) (n int, err error) {
	fault, err := f.count(what, func() (err error) { n, err = write(p); return err }, true)
	if fault == ShortWrite || fault == Crash || fault == PowerCut {
		half, writeErr := write(p[:len(p)/2])
		return half, errors.Join(err, writeErr)
	}
	return n, err
}

// count returns the fault of this operation, None if it was done.
func (f *Faults) count(what string, do func() error, write bool) (Fault, error) {
	if f == nil {
		return None, do()
	}
	f.mu.Lock()
	f.n++
	if write {
		f.writes = append(f.writes, f.n)
	}
	fault := None
	if f.n == f.At {
		fault = f.Fault
	}
	was := f.crashed
	f.crashed = was || fault == Crash || fault == PowerCut
	f.mu.Unlock()
	switch {
	case was:
		return None, ErrCrashed
	case fault == IO:
		return fault, fmt.Errorf("%s: %w", what, syscall.EIO)
	case fault == Full:
		return fault, fmt.Errorf("%s: %w", what, syscall.ENOSPC)
	case fault == ShortWrite && write:
		return fault, io.ErrShortWrite
	case fault == Crash, fault == PowerCut:
		return fault, ErrCrashed
	}
	return None, do()
}

// Faulty returns b with the faults injected into its calls, one operation each.
// It has no other abilities than a plain Backend.
func Faulty(b artifacts.Backend, f *Faults) artifacts.Backend { return faulty{b, f} }

type faulty struct {
	b artifacts.Backend
	f *Faults
}

func (b faulty) Put(ctx context.Context, key string, r io.Reader, cond artifacts.Condition) (v artifacts.Version, err error) {
	err = b.f.Do("put "+key, func() error { v, err = b.b.Put(ctx, key, r, cond); return err })
	return v, err
}

func (b faulty) Get(ctx context.Context, key string) (rc io.ReadCloser, info artifacts.Info, err error) {
	err = b.f.Do("get "+key, func() error { rc, info, err = b.b.Get(ctx, key); return err })
	return rc, info, err
}

func (b faulty) Stat(ctx context.Context, key string) (info artifacts.Info, err error) {
	err = b.f.Do("stat "+key, func() error { info, err = b.b.Stat(ctx, key); return err })
	return info, err
}

func (b faulty) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		if err := b.f.Do("list "+prefix, func() error { return nil }); err != nil {
			yield(artifacts.Entry{}, err)
			return
		}
		b.b.List(ctx, prefix)(yield)
	}
}

func (b faulty) Delete(ctx context.Context, key string) error {
	return b.f.Do("delete "+key, func() error { return b.b.Delete(ctx, key) })
}
