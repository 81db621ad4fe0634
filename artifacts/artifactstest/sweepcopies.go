package artifactstest

import (
	"bytes"
	"errors"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// withCopies is the steps of a store beside another: it is copied to, damaged,
// healed, repaired, collected, and copied from.
func (h *history) withCopies() {
	c := putClosure(h.t, h.other, "copied", 10, 40_000)
	h.copyIn(c)
	h.wound(c.shared, c.below)
	h.heal(c.leaves[0])
	h.wound(c.below)
	h.repair()
	h.put(random("lone", 10))
	delete(h.blobs, assay.DigestOf(random("lone", 10)))
	h.gc(Children(h.s))
	h.copyOut(c)
}

func (h *history) copyIn(c closure) {
	h.change("runs/1", c.top, func() error {
		_, err := artifacts.Copy(h.t.Context(), h.s, h.other, artifacts.CopyOptions{
			Refs: []artifacts.Ref{{Name: "runs/1", Digest: c.top}}, Children: Children(h.other), Jobs: 1,
		})
		return err
	})
	if !h.faults.Crashed() {
		h.blobs = c.blobs
	}
}

// copyOut copies to a store that must never refer to what it does not have.
func (h *history) copyOut(c closure) {
	to := artifacts.New(new(Staging))
	h.try(func() error {
		report, err := artifacts.Copy(h.t.Context(), to, h.s, artifacts.CopyOptions{
			Refs: []artifacts.Ref{{Name: "runs/1", Digest: c.top}}, Children: Children(h.s), Jobs: 1,
		})
		found := check(h.t, to, artifacts.CheckOptions{ReadData: true, Children: Children(to)})
		if len(found.Problems) > 0 || (err == nil) != (found.Refs == 1) {
			h.t.Errorf("copy out: %+v, %v; then check: %+v", report, err, found)
		}
		return err
	})
}

// wound damages blobs behind the store's back: all but the first are lost.
func (h *history) wound(ds ...assay.Digest) {
	if h.faults.Crashed() {
		return
	}
	b := open(h.t, h.storage)
	for i, d := range ds {
		h.wounded[d] = true
		if i == 0 {
			wound(h.t, b, d, "wrong")
		} else {
			delete1(h.t, b, key(d))
		}
	}
}

// heal reads what is damaged: all of it, or an error, but never wrong bytes.
func (h *history) heal(want []byte) {
	d := assay.DigestOf(want)
	h.try(func() error {
		got, err := h.s.Behind(artifacts.Named{Name: "other", Store: h.other}).ReadAll(h.t.Context(), d, 1<<20)
		if err == nil && !bytes.Equal(got, want) {
			h.t.Errorf("read behind a copy: %d wrong bytes", len(got))
		}
		return err
	})
}

func (h *history) repair() {
	h.try(func() error { return repair(h, h.s) })
}

func repair(h *history, s *artifacts.Store) error {
	report, err := s.Repair(h.t.Context(), artifacts.RepairOptions{
		Copies: []artifacts.Named{{Name: "other", Store: h.other}}, Children: Children(s), Jobs: 1,
	})
	if err == nil && report.Damaged() {
		err = errors.New(report.Left[0].String())
	}
	return err
}

// repaired says that only what was damaged is, if anything, and repairs that.
func (h *history) repaired(s *artifacts.Store) {
	for d, want := range h.blobs {
		if h.wounded[d] {
			continue
		}
		if got, err := s.ReadAll(h.t.Context(), d, 1<<20); err != nil || !bytes.Equal(got, want) {
			h.t.Errorf("acknowledged blob %v, before the repair: %d bytes, %v", d, len(got), err)
		}
	}
	if err := repair(h, s); err != nil {
		h.t.Errorf("repair: %v", err)
	}
}
