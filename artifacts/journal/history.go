package journal

import (
	"errors"
	"fmt"

	"github.com/assay-notebooks/assay"
)

// A history is what the frames so far allow to come next. Writer and reader
// hold frames to the same rules.
type history struct {
	frames   uint32 // the number of the next frame
	segments int32
	open     bool           // a segment has begun and not ended
	state    assay.RunState // of the last segment that ended
	done     map[int64]bool // every Seq with an invocation
}

// admit records f, or says why it cannot come here.
func (h *history) admit(f Frame) error {
	if err := h.check(f); err != nil {
		return err
	}
	switch {
	case f.Segment != nil:
		h.segments++
		h.open = true
	case f.End != nil:
		h.open = false
		h.state = f.End.State
	default:
		if h.done == nil {
			h.done = make(map[int64]bool)
		}
		h.done[f.Rows[0].Seq] = true
	}
	h.frames++
	return nil
}

func (h *history) check(f Frame) error {
	switch {
	case f.Segment != nil:
		if h.state == assay.Complete {
			return errors.New("the run is complete")
		}
		if f.Segment.Segment != h.segments {
			return fmt.Errorf("segment %d begins, want segment %d", f.Segment.Segment, h.segments)
		}
		return nil
	case !h.open:
		return errors.New("no segment has begun")
	case f.End != nil:
		if s := f.End.State; s != assay.Complete && s != assay.Interrupted {
			return fmt.Errorf("a segment cannot end %q", s)
		}
		return nil
	case len(f.Rows) == 0:
		return errors.New("an invocation without rows")
	}
	seq := f.Rows[0].Seq
	if h.done[seq] {
		return fmt.Errorf("invocation %d is already recorded", seq)
	}
	for _, row := range f.Rows {
		if row.Seq != seq {
			return fmt.Errorf("rows of invocations %d and %d in one frame", seq, row.Seq)
		}
		if row.Segment != h.segments-1 {
			return fmt.Errorf("invocation %d: a row of segment %d in segment %d", seq, row.Segment, h.segments-1)
		}
	}
	return nil
}
