package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A faulty file fails at the calls that are due, counted from 1 over all calls
// that change the disk.
type faulty struct {
	*os.File
	calls int
	fail  func(call int) error
	short bool // a failing write gets half of its bytes onto the disk
	log   []string
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
	return f.File.Sync()
}

// Whatever call fails, once or from then on, the journal holds the invocations
// that were acknowledged, and can be opened to go on.
func TestEveryCallFails(t *testing.T) {
	const invocations = 4
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
					acknowledged := writeOn(t, name, f, path, invocations, cause)
					if f.calls < due {
						break // every call has had its turn
					}
					checkAcknowledged(t, name, path, acknowledged, lasting)
				}
			}
		}
	}
}

// writeOn writes invocations, each up to twice, and returns those acknowledged.
func writeOn(t *testing.T, name string, f file, path string, n int64, cause error) map[int64]bool {
	t.Helper()
	acknowledged := make(map[int64]bool)
	w, err := begin(f, path, plan)
	if err != nil {
		if !errors.Is(err, cause) {
			t.Errorf("%s: begin gives error %v", name, err)
		}
		return acknowledged
	}
	defer w.Close()
	if err := w.Segment(segment(0)); err != nil && w.Segment(segment(0)) != nil {
		return acknowledged
	}
	for seq := range n {
		for range 2 {
			err := w.Invocation(invocation(seq, 0))
			if err == nil {
				acknowledged[seq] = true
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
	return acknowledged
}

func checkAcknowledged(t *testing.T, name, path string, want map[int64]bool, lasting bool) {
	t.Helper()
	if info, err := os.Stat(path); err == nil && info.Size() < int64(headerSize) && len(want) == 0 {
		return // begin failed, and Create removes the file
	}
	j, err := Read(path)
	if err != nil {
		t.Errorf("%s: then Read gives error %v", name, err)
		return
	}
	if j.Torn != 0 && !lasting {
		t.Errorf("%s: %d bytes are torn", name, j.Torn)
	}
	got := make(map[int64]int)
	for _, s := range j.Samples {
		got[s.Seq]++
	}
	for seq := range want {
		if got[seq] != 2 {
			t.Errorf("%s: invocation %d has %d rows, want 2", name, seq, got[seq])
		}
	}
	for seq := range got {
		// A failed sync whose truncation failed, too, leaves a frame nobody acknowledged; that loses nothing.
		if !want[seq] && !lasting {
			t.Errorf("%s: invocation %d is recorded, and was not acknowledged", name, seq)
		}
	}
	w, rec, err := Open(path, plan)
	if err != nil {
		t.Errorf("%s: then Open gives error %v", name, err)
		return
	}
	defer w.Close()
	if err := errors.Join(w.Segment(segment(rec.Segments)), w.Invocation(invocation(99, rec.Segments))); err != nil {
		t.Errorf("%s: going on: %v", name, err)
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
