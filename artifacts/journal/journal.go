// Package journal is the append-only record an agent writes while it measures:
// one file of checksummed frames. An invocation is written when it ends, so
// that the death of the agent loses at most the one that was running; it is
// synced by the time that SyncInterval of them could be lost, so that a power
// cut takes less than that besides. docs/journal.md describes the bytes.
//
// It refuses to write an invocation twice, to write for another plan than the
// one the file began with, and to be written by two processes. It never edits
// a frame that was acknowledged, and drops bytes only behind the last whole
// frame. When a run has ended its journal becomes a trace; that is somebody
// else's work.
package journal

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assay-notebooks/assay"
)

// Errors that callers tell apart. A missing file matches fs.ErrNotExist, and
// Create on an existing one fs.ErrExist.
var (
	ErrFormat  = errors.New("not an assay journal")
	ErrCorrupt = errors.New("journal is corrupt")
	ErrLocked  = errors.New("another agent is writing this journal")
	ErrPlan    = errors.New("journal belongs to another plan")
)

// A Journal is everything one file says, in the order it was written.
type Journal struct {
	Plan     assay.Digest
	Segments []Segment
	Samples  []assay.Sample
	State    assay.RunState // of the last segment: Running until it said how it ended
	Torn     int64          // bytes behind the last whole frame: a write that did not finish, or has not yet
}

// Read reads the whole frames the file holds now. It takes no lock and changes
// nothing, so it may be called beside a live writer. Errors match ErrFormat
// where the file is no journal, and ErrCorrupt, with the offset, where a frame
// in front of whole ones is damaged; what was read before the damage is
// returned with the error.
func Read(path string) (Journal, error) {
	f, err := os.Open(path)
	if err != nil {
		return Journal{}, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	j, err := read(f)
	if err != nil {
		return j, fmt.Errorf("read journal %s: %w", path, err)
	}
	return j, nil
}

func read(f *os.File) (Journal, error) {
	r := NewReader(f)
	j := Journal{State: assay.Running}
	for {
		frame, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			j.Plan = r.Plan()
			return j, err
		}
		switch {
		case frame.Segment != nil:
			j.Segments = append(j.Segments, *frame.Segment)
			j.State = assay.Running
		case frame.End != nil:
			j.State = frame.End.State
		default:
			j.Samples = append(j.Samples, frame.Rows...)
		}
	}
	info, err := f.Stat()
	if err != nil {
		return j, err
	}
	if r.Offset() == 0 {
		return j, fmt.Errorf("%d bytes are less than a header; nothing was recorded: %w", info.Size(), ErrFormat)
	}
	j.Plan = r.Plan()
	j.Torn = max(0, info.Size()-r.Offset())
	return j, nil
}
