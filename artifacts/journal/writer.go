package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"time"

	"github.com/assay-notebooks/assay"
)

// SyncInterval is how long after the last sync an invocation may end without
// being synced: what a power cut takes away of those that ended took less than
// that together.
const SyncInterval = 100 * time.Millisecond

// A Writer appends to one journal. It holds the journal's lock until Close. It
// is not safe for concurrent use.
type Writer struct {
	path    string
	file    file
	size    int64     // of the whole frames
	synced  int64     // of those that are durable
	at      time.Time // when all that had ended was durable
	now     func() time.Time
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
	w := &Writer{path: path, file: f, at: time.Now(), now: time.Now}
	err := w.append(header(plan))
	if err == nil {
		err = w.sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create journal %s: %w", path, err), f.Close())
	}
	return w, nil
}

// Open opens the journal of a plan to go on, cutting off the frame whose write
// did not finish, if there is one; all that it recovers is durable when it
// returns. Errors match fs.ErrNotExist, ErrLocked while another process writes,
// ErrPlan if the journal belongs to another plan, and ErrFormat or ErrCorrupt
// as those of Read; then the file is left as it was. The caller closes the
// Writer.
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
	if err := f.Sync(); err != nil { // whoever wrote it may have been killed before it did
		return nil, Recovered{}, err
	}
	r := NewReader(f)
	var err error
	for err == nil {
		_, err = r.Next()
	}
	if err != io.EOF {
		return nil, Recovered{}, err
	}
	w := &Writer{path: path, file: f, size: r.offset, synced: r.offset, at: time.Now(), now: time.Now, history: r.history}
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
		if err := w.append(want); err != nil {
			return nil, Recovered{}, err
		}
		return w, rec, w.sync()
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
	if err := w.write(segmentKind, Frame{Segment: &s}, s); err != nil {
		return err
	}
	return w.Sync()
}

// Invocation records the rows of one invocation, all of one Seq and of the
// segment that has begun: all of them or, on error, none. They outlive this
// process when it returns, and are durable if the last sync was SyncInterval
// ago or longer, else after the next. A Seq that is recorded already is refused.
//
// After a failed write the file is back at its last whole frame and the call
// may be repeated. After a failed sync it is back at what was durable before,
// the Writer refuses everything but Close, and opening the journal again tells
// what is in it.
func (w *Writer) Invocation(rows []assay.Sample) error {
	if err := w.write(invocationKind, Frame{Rows: rows}, rows); err != nil {
		return err
	}
	if w.now().Sub(w.at) < SyncInterval {
		return nil
	}
	return w.Sync()
}

// End records how the segment ended: Complete or Interrupted. It is durable
// when it returns, with all that went before.
func (w *Writer) End(state assay.RunState) error {
	e := End{State: state}
	if err := w.write(endKind, Frame{End: &e}, e); err != nil {
		return err
	}
	return w.Sync()
}

// Sync makes durable what is not yet. It fails as Invocation does.
func (w *Writer) Sync() error {
	err := w.broken
	if err == nil && w.synced < w.size {
		err = w.sync()
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w", w.path, err)
	}
	w.at = w.now()
	return nil
}

// Close makes durable what is not yet, and releases the lock. A Writer that
// refuses everything only does the latter.
func (w *Writer) Close() error {
	var err error
	if w.broken == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.file.Close())
}

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

// append writes b at the end of the file, or leaves the file as it was.
func (w *Writer) append(b []byte) error {
	if _, err := w.file.WriteAt(b, w.size); err != nil {
		return errors.Join(err, w.restore())
	}
	w.size += int64(len(b))
	return nil
}

// restore cuts off what follows the last whole frame. Its sync is none for the
// interval: what could not be written took its time before it, and may come again.
func (w *Writer) restore() error {
	if err := w.file.Truncate(w.size); err != nil {
		w.broken = fmt.Errorf("cutting off an unfinished frame failed (%w); open the journal again to go on", err)
		return err
	}
	return w.sync()
}

// sync makes all whole frames durable, or cuts off those that were not.
func (w *Writer) sync() error {
	if err := w.file.Sync(); err != nil {
		// What the kernel did with those pages is not known, and a second sync would not tell: they do not count.
		w.broken = fmt.Errorf("an earlier sync failed (%w); open the journal again to go on", err)
		return errors.Join(err, w.file.Truncate(w.synced))
	}
	w.synced = w.size
	return nil
}
