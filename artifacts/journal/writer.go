package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"

	"github.com/assay-notebooks/assay"
)

// A Writer appends to one journal. It holds the journal's lock until Close. It
// is not safe for concurrent use.
type Writer struct {
	path    string
	file    file
	size    int64 // of the whole frames
	history history
	broken  error // why the file's end is not known any more
}

// Recovered says what a journal held when it was opened to go on.
type Recovered struct {
	Done     map[int64]bool // every Seq with a recorded invocation
	Segments int32          // how many have begun: the number of the next one
	State    assay.RunState // Running if the last segment was cut off or there is none
	Torn     int64          // bytes of an unfinished frame that were cut off
}

// Create makes a new journal for the plan. It fails with an error that matches
// fs.ErrExist if the file is there, and ErrLocked if someone else made it just
// now. The caller closes the Writer.
func Create(path string, plan assay.Digest) (*Writer, error) {
	f, err := openLocked(path, os.O_CREATE|os.O_EXCL)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w; resume that run, or begin one in another directory", err)
	}
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	w, err := begin(f, path, plan)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	if err := syncDir(path); err != nil {
		return nil, errors.Join(fmt.Errorf("create journal %s: %w", path, err), w.Close())
	}
	return w, nil
}

// begin writes the header into an empty file, which it closes on failure.
func begin(f file, path string, plan assay.Digest) (*Writer, error) {
	w := &Writer{path: path, file: f}
	if err := w.append(header(plan)); err != nil {
		return nil, errors.Join(fmt.Errorf("create journal %s: %w", path, err), f.Close())
	}
	return w, nil
}

// Open opens the journal of a plan to go on, cutting off the frame whose write
// did not finish, if there is one. Errors match fs.ErrNotExist, ErrLocked while
// another process writes, ErrPlan if the journal belongs to another plan, and
// ErrFormat or ErrCorrupt as those of Read; then the file is left as it was.
// The caller closes the Writer.
func Open(path string, plan assay.Digest) (*Writer, Recovered, error) {
	f, err := openLocked(path, 0)
	if err != nil {
		return nil, Recovered{}, fmt.Errorf("open journal %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, Recovered{}, errors.Join(fmt.Errorf("open journal: %w", err), f.Close())
	}
	w, rec, err := recoverFile(f, info.Size(), path, plan)
	if err == nil {
		err = syncDir(path)
	}
	if err != nil {
		return nil, Recovered{}, errors.Join(fmt.Errorf("open journal %s: %w", path, err), f.Close())
	}
	return w, rec, nil
}

func recoverFile(f file, size int64, path string, plan assay.Digest) (*Writer, Recovered, error) {
	r := NewReader(f)
	var err error
	for err == nil {
		_, err = r.Next()
	}
	if err != io.EOF {
		return nil, Recovered{}, err
	}
	w := &Writer{path: path, file: f, size: r.offset, history: r.history}
	rec := Recovered{
		Done:     maps.Clone(w.history.done),
		Segments: w.history.segments,
		State:    assay.Running,
		Torn:     size - r.offset,
	}
	if !w.history.open && w.history.segments > 0 {
		rec.State = w.history.state
	}
	w.history.open = false // a segment that was cut off stays so

	if r.offset == 0 { // the process that created the file died before its header was whole
		want := header(plan)
		got, err := r.read(0, headerSize)
		if err != nil {
			return nil, Recovered{}, err
		}
		if !bytes.HasPrefix(want, got) {
			return nil, Recovered{}, fmt.Errorf("torn header: %w", ErrPlan)
		}
		return w, rec, w.append(want)
	}
	if r.plan != plan {
		return nil, Recovered{}, fmt.Errorf("%w: %v, this run has %v; resume with the plan it began with",
			ErrPlan, r.plan, plan)
	}
	if rec.Torn > 0 {
		if err := w.restore(); err != nil {
			return nil, Recovered{}, err
		}
	}
	return w, rec, nil
}

// Segment begins the segment that the next invocations belong to. It must come
// first after Create and Open. It is durable when it returns.
func (w *Writer) Segment(s Segment) error {
	return w.write(segmentKind, Frame{Segment: &s}, s)
}

// Invocation records the rows of one invocation, all of one Seq and of the
// segment that has begun: all of them or, on error, none. It is durable when
// it returns. A Seq that is recorded already is refused.
//
// After a failed write the file is back at its last whole frame and the call
// may be repeated; after a failed sync the Writer refuses everything but
// Close, and opening the journal again tells what is in it.
func (w *Writer) Invocation(rows []assay.Sample) error {
	return w.write(invocationKind, Frame{Rows: rows}, rows)
}

// End records how the segment ended: Complete or Interrupted. It is durable
// when it returns.
func (w *Writer) End(state assay.RunState) error {
	e := End{State: state}
	return w.write(endKind, Frame{End: &e}, e)
}

// Close releases the lock. It writes nothing: all that was acknowledged is on
// the disk already.
func (w *Writer) Close() error { return w.file.Close() }

func (w *Writer) write(k kind, f Frame, payload any) error {
	err := w.broken
	if err == nil {
		err = w.history.check(f)
	}
	if err == nil {
		var b []byte
		if b, err = encode(w.history.frames, k, payload); err == nil {
			err = w.append(b)
		}
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w", w.path, err)
	}
	return w.history.admit(f)
}

// append makes b durable at the end of the file, or leaves the file as it was.
func (w *Writer) append(b []byte) error {
	if _, err := w.file.WriteAt(b, w.size); err != nil {
		return errors.Join(err, w.restore())
	}
	if err := w.file.Sync(); err != nil {
		// What the kernel did with those pages is not known, and a second sync would not tell: stop here.
		w.broken = fmt.Errorf("an earlier sync failed (%w); open the journal again to go on", err)
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.size += int64(len(b))
	return nil
}

// restore cuts off what follows the last whole frame.
func (w *Writer) restore() error {
	err := w.file.Truncate(w.size)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.broken = fmt.Errorf("cutting off an unfinished frame failed (%w); open the journal again to go on", err)
	}
	return err
}
