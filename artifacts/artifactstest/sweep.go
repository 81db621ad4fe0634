package artifactstest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// A Sampler is a Storage so slow that a test for every operation and fault
// takes too long.
type Sampler interface {
	// Every returns n: the test is of one operation in n, another with each
	// fault.
	Every() int
}

// Long reports whether tests leave nothing out, however long it takes: the
// environment variable ASSAY_LONG is set.
func Long() bool { return os.Getenv("ASSAY_LONG") != "" }

// testFaults runs one history of a store to count its operations, then once for
// every operation and fault, or for a sample of them. After each it opens the
// storage anew and looks whether anything that was acknowledged is lost.
func testFaults(t *testing.T, storage func(t *testing.T) Storage, steps func(*history)) {
	var none Faults
	h := history{t: t, faults: &none, storage: storage(t)}
	h.run(steps)
	if h.failed != 0 {
		t.Fatalf("%d steps failed without a fault", h.failed)
	}
	h.verify(false)
	calls := none.Calls()
	faults := []Fault{IO, Full, ShortWrite, Crash}
	if _, ok := h.storage.(PowerCutter); ok {
		faults = append(faults, PowerCut)
	}
	every := 2 // what EIO leaves out ENOSPC does not, and of a crash and a power cut as well
	if Long() {
		every = 1
	}
	if sampler, ok := h.storage.(Sampler); ok {
		every = sampler.Every()
	}
	for i, fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			histories := 0
			for at := 1 + i%every; at <= calls; at += every {
				if fault == ShortWrite && !slices.Contains(none.Writes(), at) {
					continue
				}
				for _, loseEntries := range []bool{false, true} {
					if loseEntries && fault != PowerCut {
						continue
					}
					h := history{t: t, faults: &Faults{At: at, Fault: fault}, storage: storage(t)}
					h.run(steps)
					h.verify(loseEntries)
					if t.Failed() {
						t.Fatalf("with %s at operation %d of %d, entries lost: %v", fault, at, calls, loseEntries)
					}
					histories++
				}
			}
			t.Logf("%d histories of %d operations, each with one %s: nothing acknowledged was lost", histories, calls, fault)
		})
	}
}

// A history is a sequence of steps and what they acknowledged.
type history struct {
	t       *testing.T
	storage Storage
	faults  *Faults
	s       *artifacts.Store
	failed  int // steps that did

	blobs map[assay.Digest][]byte   // acknowledged
	refs  map[string][]assay.Digest // what each may be; zero: missing

	other   *artifacts.Store      // in memory, without faults
	wounded map[assay.Digest]bool // blobs that were damaged, and can be had from other
}

func (h *history) run(steps func(*history)) {
	h.blobs, h.refs = map[assay.Digest][]byte{}, map[string][]assay.Digest{}
	h.other, h.wounded = artifacts.New(new(Staging)), map[assay.Digest]bool{}
	var b artifacts.Backend
	h.try(func() (err error) { b, err = h.storage.Open(h.faults); return err })
	if b == nil {
		return
	}
	h.s = artifacts.New(b)
	steps(h)
}

// single is the steps of a store by itself.
func (h *history) single() {
	one, two, three := random("one", 50), random("two", 70_000), random("three", 0)
	h.put(one)
	h.put(two)
	h.set("runs/1", one)
	h.batch(three, random("four", 40_000), one)
	h.swap("runs/1", one, two)
	h.swap("figures/x/y", nil, three)
	h.put(one)
	h.set("runs/2", two)
	h.set("runs/2", one)
	h.remove("runs/2")
	h.collect()
	h.put(random("four", 40_000))
	h.batch(random("five", 10), random("six", 20))
	h.batchOverGC(random("six", 20))
	h.set("runs/3", random("five", 10))
}

// try does a step, and when an error was injected that does not last, once
// more: it must succeed then.
func (h *history) try(step func() error) bool {
	err := step()
	if err == nil {
		return true
	}
	h.failed++
	if h.faults.Crashed() {
		return false
	}
	if err := step(); err != nil {
		h.t.Fatalf("second try after %v: %v", h.faults.Fault, err)
	}
	return true
}

func (h *history) put(b []byte) {
	if h.try(func() error { _, err := h.s.PutBytes(h.t.Context(), b); return err }) {
		h.blobs[assay.DigestOf(b)] = b
	}
}

func (h *history) batch(bs ...[]byte) {
	ok := h.try(func() error {
		batch := h.s.Batch()
		for _, b := range bs {
			if _, _, err := batch.Put(h.t.Context(), bytes.NewReader(b)); err != nil {
				return errors.Join(err, batch.Discard())
			}
		}
		return batch.Commit(h.t.Context())
	})
	for _, b := range bs {
		if ok {
			h.blobs[assay.DigestOf(b)] = b
		}
	}
}

// batchOverGC puts a blob the store has, which a collector of another process
// takes before the commit.
func (h *history) batchOverGC(b []byte) {
	d := assay.DigestOf(b)
	delete(h.blobs, d)
	ok := h.try(func() error {
		batch := h.s.Batch()
		if _, _, err := batch.Put(h.t.Context(), bytes.NewReader(b)); err != nil {
			return errors.Join(err, batch.Discard())
		}
		if other, err := h.storage.Open(nil); err != nil {
			h.t.Fatal(err)
		} else if err := other.Delete(h.t.Context(), key(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			h.t.Fatal(err)
		}
		return batch.Commit(h.t.Context())
	})
	if ok {
		h.blobs[d] = b
	}
}

// change records that a reference may have a new value, and when it is
// acknowledged, that it must.
func (h *history) change(name string, to assay.Digest, step func() error) {
	if h.refs[name] == nil {
		h.refs[name] = []assay.Digest{{}}
	}
	h.refs[name] = append(h.refs[name], to)
	if h.try(step) {
		h.refs[name] = []assay.Digest{to}
	}
}

func (h *history) set(name string, b []byte) {
	d := assay.DigestOf(b)
	h.change(name, d, func() error { return h.s.SetRef(h.t.Context(), name, d) })
}

func (h *history) swap(name string, from, to []byte) {
	old := assay.Digest{}
	if from != nil {
		old = assay.DigestOf(from)
	}
	d := assay.DigestOf(to)
	h.change(name, d, func() error {
		err := h.s.SwapRef(h.t.Context(), name, old, d)
		if is, refErr := h.s.Ref(h.t.Context(), name); h.failed > 0 && errors.Is(err, artifacts.ErrConflict) && refErr == nil && is == d {
			return nil // the first try did it, and failed after
		}
		return err
	})
}

func (h *history) remove(name string) {
	h.change(name, assay.Digest{}, func() error {
		err := h.s.DeleteRef(h.t.Context(), name)
		if h.failed > 0 && errors.Is(err, fs.ErrNotExist) {
			return nil // as above
		}
		return err
	})
}

// collect removes what no reference may name.
func (h *history) collect() {
	for d := range h.blobs {
		named := false
		for _, ds := range h.refs {
			named = named || slices.Contains(ds, d)
		}
		if !named {
			delete(h.blobs, d)
		}
	}
	h.gc(nil)
}

func (h *history) gc(children artifacts.Children) {
	h.try(func() error {
		_, err := h.s.GC(h.t.Context(), artifacts.GCOptions{Now: later, Children: children})
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		return err
	})
}

// verify opens the storage as the next process does.
func (h *history) verify(loseEntries bool) {
	if cutter, ok := h.storage.(PowerCutter); ok && h.faults.Fault == PowerCut {
		cutter.PowerCut(loseEntries)
	}
	s := artifacts.New(open(h.t, h.storage))
	ctx := h.t.Context()
	if len(h.wounded) > 0 {
		h.repaired(s)
	}
	for d, want := range h.blobs {
		if got, err := s.ReadAll(ctx, d, 1<<20); err != nil || !bytes.Equal(got, want) {
			h.t.Errorf("acknowledged blob %v: %d bytes, %v, want %d bytes", d, len(got), err, len(want))
		}
	}
	for name, may := range h.refs {
		d, err := s.Ref(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !slices.Contains(may, d) {
			h.t.Errorf("reference %s = %v, %v, want one of %v", name, d, err, may)
		}
	}
	report := check(h.t, s, artifacts.CheckOptions{ReadData: true, Children: Children(s)})
	for _, p := range report.Problems {
		if p.Kind != artifacts.Temporary {
			h.t.Errorf("check: %v", p)
		}
	}
	if _, err := s.GC(ctx, artifacts.GCOptions{Now: later, Children: Children(s)}); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		h.t.Errorf("gc: %v", err)
	}
	if report := check(h.t, s, artifacts.CheckOptions{}); len(report.Problems) != 0 {
		h.t.Errorf("check after gc: %v", report.Problems)
	}
}
