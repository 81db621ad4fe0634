package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A faulty file fails at the calls that are due, counted from 1 over all calls
// that change the disk.
type faulty struct {
	*os.File
	calls int
	fail  func(call int) error
	short bool // a failing write gets half of its bytes onto the disk
	log   []string
	kept  []byte // what a power cut leaves: the bytes at the latest sync
}

func (f *faulty) call(name string) error {
	f.calls++
	f.log = append(f.log, name)
	return f.fail(f.calls)
}

func (f *faulty) WriteAt(b []byte, offset int64) (int, error) {
	if err := f.call("write"); err != nil {
		n := 0
		if f.short {
			n, _ = f.File.WriteAt(b[:len(b)/2], offset)
		}
		return n, err
	}
	return f.File.WriteAt(b, offset)
}

func (f *faulty) Truncate(size int64) error {
	if err := f.call("truncate"); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faulty) Sync() error {
	if err := f.call("sync"); err != nil {
		return err
	}
	var err error
	f.kept, err = os.ReadFile(f.Name()) // the disk itself may take its time
	return err
}

// recorded returns the invocations that are whole in the bytes of a journal.
func recorded(t *testing.T, name string, b []byte) map[int64]bool {
	t.Helper()
	seqs := make(map[int64]bool)
	r := NewReader(bytes.NewReader(b))
	for {
		frame, err := r.Next()
		if err == io.EOF {
			return seqs
		} else if err != nil {
			t.Fatalf("%s: then Next gives error %v", name, err)
		}
		if len(frame.Rows) == 2 {
			seqs[frame.Rows[0].Seq] = true
		}
	}
}

// each is what an invocation takes by the clock of TestEveryCallFails: every
// third is synced.
const each = 2 * SyncInterval / 5

// Whatever call fails, once or from then on, the journal holds the invocations
// that were acknowledged, but those behind the latest sync if one failed, and
// can be opened to go on. A power cut never takes SyncInterval of them or more.
func TestEveryCallFails(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, short := range []bool{false, true} {
			for _, lasting := range []bool{false, true} {
				for due := 1; ; due++ {
					name := fmt.Sprintf("%v, short %t, lasting %t, call %d", cause, short, lasting, due)
					path := filepath.Join(t.TempDir(), "journal")
					disk, err := os.Create(path)
					if err != nil {
						t.Fatal(err)
					}
					f := &faulty{File: disk, short: short, fail: func(call int) error {
						if call == due || lasting && call > due {
							return cause
						}
						return nil
					}}
					acknowledged := writeOn(t, name, f, cause)
					if f.calls < due {
						break // every call has had its turn
					}
					checkAcknowledged(t, name, f, acknowledged, f.log[due-1] == "sync", lasting)
				}
			}
		}
	}
}

// writeOn writes invocations, each up to twice, and returns those acknowledged.
func writeOn(t *testing.T, name string, f *faulty, cause error) map[int64]bool {
	t.Helper()
	const invocations = 7
	acknowledged := make(map[int64]bool)
	w, err := begin(f, f.Name(), plan)
	if err != nil {
		if !errors.Is(err, cause) {
			t.Errorf("%s: begin gives error %v", name, err)
		}
		return acknowledged
	}
	at := w.at
	w.now = func() time.Time { return at }
	if err := w.Segment(segment(0)); err != nil && w.Segment(segment(0)) != nil {
		w.Close()
		return acknowledged
	}
	for seq := range int64(invocations) {
		at = at.Add(each)
		for range 2 {
			err := w.Invocation(invocation(seq, 0))
			if err == nil {
				acknowledged[seq] = true
				if cut := len(acknowledged) - len(recorded(t, name, f.kept)); time.Duration(cut)*each >= SyncInterval {
					t.Errorf("%s: after invocation %d a power cut takes %d of them", name, seq, cut)
				}
				break
			}
			if !errors.Is(err, cause) {
				t.Errorf("%s: Invocation gives error %v, want %v", name, err, cause)
			}
			if w.broken != nil && !strings.Contains(w.broken.Error(), "open the journal again") {
				t.Errorf("%s: error %v has no remedy", name, w.broken)
			}
		}
	}
	broken := w.broken
	if err := w.Close(); err == nil && broken == nil && len(recorded(t, name, f.kept)) != len(acknowledged) {
		t.Errorf("%s: after Close a power cut leaves %d of %d invocations", name, len(recorded(t, name, f.kept)), len(acknowledged))
	}
	return acknowledged
}

func checkAcknowledged(t *testing.T, name string, f *faulty, acknowledged map[int64]bool, synced, lasting bool) {
	t.Helper()
	b := content(t, f.Name())
	if len(b) < headerSize && len(acknowledged) == 0 {
		return // begin failed, and Create removes the file
	}
	want := acknowledged
	if synced {
		want = recorded(t, name, f.kept)
	}
	got := recorded(t, name, b)
	for seq := range want {
		if !got[seq] {
			t.Errorf("%s: invocation %d is not recorded", name, seq)
		}
	}
	if !lasting { // else what could not be cut off is there, which loses nothing
		if len(got) != len(want) {
			t.Errorf("%s: %d invocations are recorded, want %d", name, len(got), len(want))
		}
		if j, err := Read(f.Name()); err != nil || j.Torn != 0 {
			t.Errorf("%s: then %d bytes are torn, error %v", name, j.Torn, err)
		}
	}
	w, rec, err := Open(f.Name(), plan)
	if err != nil {
		t.Errorf("%s: then Open gives error %v", name, err)
		return
	}
	if err := errors.Join(w.Segment(segment(rec.Segments)), w.Invocation(invocation(99, rec.Segments)), w.Close()); err != nil {
		t.Errorf("%s: going on: %v", name, err)
	}
}

// Sync leaves nothing to be lost, and what Open recovers is durable.
func TestSync(t *testing.T) {
	w, rec, err := Open(write(t, 2), plan)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	disk := &faulty{File: w.file.(*os.File), fail: func(int) error { return nil }}
	again, held, err := recoverFile(disk, w.size, w.path, plan)
	if err != nil || len(recorded(t, "opened", disk.kept)) != 2 {
		t.Fatalf("opened: error %v, and a power cut leaves %d of 2 invocations", err, len(recorded(t, "opened", disk.kept)))
	}
	at := again.at
	again.now = func() time.Time { return at }
	if err := errors.Join(again.Segment(segment(held.Segments)), again.Invocation(invocation(2, held.Segments)), again.Sync(), again.Sync()); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(disk.log, " "), "sync write sync write sync"; got != want || len(recorded(t, "synced", disk.kept)) != len(rec.Done)+1 {
		t.Errorf("calls %s, want %s; a power cut leaves %d of 3 invocations", got, want, len(recorded(t, "synced", disk.kept)))
	}
}

// A full disk that is not full any more costs nothing: the same Writer goes on.
func TestFullDiskIsGotOver(t *testing.T) {
	path := write(t, 1)
	w, rec, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	full := false
	disk := &faulty{File: w.file.(*os.File), short: true}
	disk.fail = func(int) error {
		if full && disk.log[len(disk.log)-1] == "write" {
			return syscall.ENOSPC
		}
		return nil
	}
	w.file = disk
	if err := w.Segment(segment(rec.Segments)); err != nil {
		t.Fatal(err)
	}
	before := content(t, path)
	full = true
	for range 3 {
		if err := w.Invocation(invocation(5, 1)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Invocation on a full disk gives error %v, want ENOSPC", err)
		}
		if after := content(t, path); string(after) != string(before) {
			t.Errorf("after a failed write the file has %d bytes, had %d", len(after), len(before))
		}
	}
	full = false
	if err := w.Invocation(invocation(5, 1)); err != nil {
		t.Errorf("Invocation when there is room again: %v", err)
	}
	if j, err := Read(path); err != nil || len(j.Samples) != 4 || j.Torn != 0 {
		t.Errorf("then %d samples, %d bytes torn, error %v", len(j.Samples), j.Torn, err)
	}
}
