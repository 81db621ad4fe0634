package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
)

var update = flag.Bool("update", false, "write the files in testdata again")

var plan = assay.DigestOf([]byte("plan"))

// segment returns a segment that is the same on every machine.
func segment(n int32) Segment {
	return Segment{
		Segment:     n,
		Started:     time.Date(2026, 11, 24, 18, 15, 30, 123456789, time.UTC),
		MonotonicNS: 4711,
		Agent:       assay.DigestOf([]byte("agent")),
		Host: assay.Host{Name: "local", OS: "linux", Arch: "amd64", Kernel: "Linux 6.1", CPU: "a processor",
			Cores: 2, Memory: 8 << 30, Load1: "0.25", Clock: "tsc"},
		Env: []string{"GOMAXPROCS=2"},
	}
}

// invocation returns the rows of one invocation: two phases, every kind of field.
func invocation(seq int64, segment int32) []assay.Sample {
	wall, cpu, rss := 2_000_000+seq, 1_500_000+seq, int64(30<<20)
	process := assay.Sample{
		Seq: seq, Block: int32(seq / 4), Trial: int32(seq % 4), Workload: "crc32", Runtime: "wazero", Host: "local",
		Params: map[string]string{"size": "4"}, Phase: assay.Process, Outcome: assay.OK, StartNS: 1000 * seq,
		Segment: segment, WallNS: &wall, CPUNS: &cpu, RSSBytes: &rss, Stdout: assay.DigestOf([]byte("answer")), OutBytes: 6,
	}
	compile := process
	compile.Phase, compile.CPUNS, compile.RSSBytes = assay.Compile, nil, nil
	return []assay.Sample{process, compile}
}

// write makes a journal of one segment with n invocations and returns its path.
func write(t testing.TB, n int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	w, err := Create(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Segment(segment(0)); err != nil {
		t.Fatal(err)
	}
	for seq := range n {
		if err := w.Invocation(invocation(seq, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	path := write(t, 3)
	w, rec, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	wantRec := Recovered{Done: map[int64]bool{0: true, 1: true, 2: true}, Segments: 1, State: assay.Running}
	if !reflect.DeepEqual(rec, wantRec) {
		t.Errorf("Open recovers %+v, want %+v", rec, wantRec)
	}
	err = errors.Join(w.Segment(segment(1)), w.Invocation(invocation(3, 1)), w.End(assay.Complete), w.Close())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Journal{Plan: plan, Segments: []Segment{segment(0), segment(1)}, State: assay.Complete}
	for seq := range int64(4) {
		want.Samples = append(want.Samples, invocation(seq, int32(seq/3))...)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Read = %+v, want %+v", got, want)
	}
}

// The golden file was written by version 1 and must open for ever. To see that
// the bytes are still the same, it is written again and compared.
func TestGolden(t *testing.T) {
	path := write(t, 2)
	w, _, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(w.Segment(segment(1)), w.Invocation(invocation(2, 1)), w.End(assay.Interrupted), w.Close())
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/v1.journal"
	if *update {
		if err := os.WriteFile(golden, content(t, path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(content(t, path), content(t, golden)) {
		t.Errorf("the bytes written now differ from %s: a change of the format needs a new version", golden)
	}
	j, err := Read(golden)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(j.Plan == plan, len(j.Segments), len(j.Samples), j.State, j.Torn)
	if want := "true 2 6 interrupted 0\n"; got != want {
		t.Errorf("%s holds %s, want %s", golden, got, want)
	}
}

func TestWriterRefuses(t *testing.T) {
	mixed := append(invocation(7, 0), invocation(8, 0)...)
	big := invocation(7, 0)
	big[0].Detail = strings.Repeat("x", MaxFrame)
	for _, test := range []struct {
		name string
		call func(*Writer) error
		want string
	}{
		{"a Seq twice", func(w *Writer) error { return w.Invocation(invocation(1, 0)) }, "1 is already recorded"},
		{"two Seqs", func(w *Writer) error { return w.Invocation(mixed) }, "rows of invocations 7 and 8"},
		{"no rows", func(w *Writer) error { return w.Invocation(nil) }, "without rows"},
		{"another segment's row", func(w *Writer) error { return w.Invocation(invocation(7, 1)) }, "a row of segment 1"},
		{"a frame too long", func(w *Writer) error { return w.Invocation(big) }, "longer than"},
		{"segment 5", func(w *Writer) error { return w.Segment(segment(5)) }, "want segment 1"},
		{"an end that is none", func(w *Writer) error { return w.End(assay.Running) }, `cannot end "running"`},
		{"rows after the end", func(w *Writer) error {
			return errors.Join(w.End(assay.Interrupted), w.Invocation(invocation(7, 0)))
		}, "no segment has begun"},
		{"a segment after completion", func(w *Writer) error {
			return errors.Join(w.Segment(segment(1)), w.End(assay.Complete), w.Segment(segment(2)))
		}, "the run is complete"},
	} {
		path := filepath.Join(t.TempDir(), "journal")
		w, err := Create(path, plan)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Segment(segment(0)), w.Invocation(invocation(1, 0))); err != nil {
			t.Fatal(err)
		}
		if err := test.call(w); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
		if j, err := Read(path); err != nil || len(j.Samples) != 2 || j.Torn != 0 {
			t.Errorf("%s: then %d samples, %d bytes torn, error %v", test.name, len(j.Samples), j.Torn, err)
		}
		w.Close()
	}
}

func TestOneWriter(t *testing.T) {
	path := write(t, 1)
	w, _, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path, plan); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open gives error %v, want ErrLocked", err)
	}
	if _, err := Create(path, plan); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create on a journal gives error %v, want fs.ErrExist", err)
	}
	if _, err := Read(path); err != nil {
		t.Errorf("Read beside the writer: %v", err)
	}
	w.Close()
	w, _, err = Open(path, plan)
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	w.Close()
	if _, _, err := Open(path, assay.DigestOf([]byte("another"))); !errors.Is(err, ErrPlan) {
		t.Errorf("Open with another plan gives error %v, want ErrPlan", err)
	}
	if _, _, err := Open(path+".none", plan); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of no file gives error %v, want fs.ErrNotExist", err)
	}
}

// Wherever a write stops, all that was whole before is there, and the journal goes on.
func TestEveryTornTail(t *testing.T) {
	whole := content(t, write(t, 2))
	ends := []int64{int64(headerSize)} // and of each frame
	r := NewReader(bytes.NewReader(whole))
	for {
		_, err := r.Next()
		if ends = append(ends, r.Offset()); err != nil {
			break
		}
	}
	path := filepath.Join(t.TempDir(), "journal")
	for cut := headerSize; cut < len(whole); cut++ {
		kept := ends[0]
		for _, end := range ends {
			if end <= int64(cut) {
				kept = max(kept, end)
			}
		}
		for _, tail := range [][]byte{nil, make([]byte, 5), bytes.Repeat([]byte{0xff}, 40)} {
			torn := append(bytes.Clone(whole[:cut]), tail...)
			if err := os.WriteFile(path, torn, 0o644); err != nil {
				t.Fatal(err)
			}
			j, err := Read(path)
			if want := int64(len(torn)) - kept; err != nil || j.Torn != want {
				t.Fatalf("cut at %d, then %x: %d bytes torn, error %v, want %d", cut, tail, j.Torn, err, want)
			}
		}
		if cut%16 == 0 {
			goOn(t, path, int64(cut)+40-kept)
			if !bytes.HasPrefix(content(t, path), whole[:kept]) {
				t.Fatalf("cut at %d: whole frames were changed", cut)
			}
		}
	}
}

// A process may die before the header is whole: then nothing was recorded yet.
func TestTornHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for cut := range headerSize {
		if err := os.WriteFile(path, header(plan)[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes of a header: Read gives error %v, want ErrFormat", cut, err)
		}
		if cut > len(magic)+4 { // some of the plan's digest is there
			if _, _, err := Open(path, assay.DigestOf([]byte("another"))); !errors.Is(err, ErrPlan) {
				t.Errorf("%d bytes of a header: Open with another plan gives error %v, want ErrPlan", cut, err)
			}
		}
		goOn(t, path, int64(cut))
	}
	if err := os.WriteFile(path, []byte("not ours"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path, plan); !errors.Is(err, ErrFormat) {
		t.Errorf("Open of another file gives error %v, want ErrFormat", err)
	}
}

// goOn opens a journal whose tail is torn and records an invocation.
func goOn(t *testing.T, path string, torn int64) {
	t.Helper()
	w, rec, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if rec.Torn != torn {
		t.Errorf("%d bytes torn, want %d", rec.Torn, torn)
	}
	if err := errors.Join(w.Segment(segment(rec.Segments)), w.Invocation(invocation(9, rec.Segments))); err != nil {
		t.Fatal(err)
	}
	j, err := Read(path)
	if err != nil || j.Torn != 0 || len(j.Samples) != 2*len(rec.Done)+2 {
		t.Errorf("then %d samples of %d and 1 invocations, %d bytes torn, error %v",
			len(j.Samples), len(rec.Done), j.Torn, err)
	}
}

// A flipped byte is found wherever it is. In the last frame it looks like a
// write that did not finish; anywhere else it is corruption, and Open refuses
// to touch the file.
func TestEveryFlippedByte(t *testing.T) {
	whole := content(t, write(t, 2))
	last := bytes.LastIndex(whole, []byte("frmI"))
	path := filepath.Join(t.TempDir(), "journal")
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		j, err := Read(path)
		switch {
		case i >= last:
			if err != nil || len(j.Samples) != 2 || j.Torn != int64(len(whole)-last) {
				t.Errorf("byte %d of the last frame: %d samples, %d bytes torn, error %v", i, len(j.Samples), j.Torn, err)
			}
			continue
		case i < len(magic)+4:
			if !errors.Is(err, ErrFormat) {
				t.Errorf("byte %d of the magic: error %v, want ErrFormat", i, err)
			}
		case !errors.Is(err, ErrCorrupt):
			t.Errorf("byte %d: error %v, want ErrCorrupt", i, err)
		}
		if _, _, err := Open(path, plan); err == nil {
			t.Errorf("byte %d: Open succeeds", i)
		}
		if !bytes.Equal(content(t, path), damaged) {
			t.Errorf("byte %d: Open changed the file", i)
		}
	}
}

func TestReaderFollowsWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := NewReader(f)
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("Next in an empty file gives error %v, want io.EOF", err)
	}
	w, _, err := Open(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Segment(segment(0)); err != nil {
		t.Fatal(err)
	}
	if frame, err := r.Next(); err != nil || frame.Segment == nil {
		t.Errorf("Next = %+v, %v, want a segment", frame, err)
	}
	for seq := range int64(3) {
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("Next at the end gives error %v, want io.EOF", err)
		}
		if err := w.Invocation(invocation(seq, 0)); err != nil {
			t.Fatal(err)
		}
		if frame, err := r.Next(); err != nil || !reflect.DeepEqual(frame.Rows, invocation(seq, 0)) {
			t.Errorf("Next = %+v, %v, want invocation %d", frame, err, seq)
		}
	}
	if got := r.Plan(); got != plan {
		t.Errorf("Plan() = %v, want %v", got, plan)
	}
}

// A reader may see the first half of a frame, and then the other half and more.
func TestReaderOvertaken(t *testing.T) {
	whole := content(t, write(t, 2))
	first := bytes.Index(whole, []byte("frmI"))
	g := &growing{b: whole, sizes: []int{len(whole), len(whole), len(whole), first + 30, first + 30}}
	r := NewReader(g)
	frames := 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		frames++
	}
	if frames != 3 {
		t.Errorf("%d frames, want 3", frames)
	}
}

// growing shows so many of its bytes to each call of ReadAt, in the end all.
type growing struct {
	b     []byte
	sizes []int
}

func (g *growing) ReadAt(p []byte, offset int64) (int, error) {
	b := g.b
	if len(g.sizes) > 0 {
		b, g.sizes = b[:g.sizes[0]], g.sizes[1:]
	}
	return bytes.NewReader(b).ReadAt(p, offset)
}

// Whatever the bytes are, the reader ends with an error it names, and what it
// accepts is a journal: written again, it is accepted again.
func FuzzReader(f *testing.F) {
	whole := content(f, write(f, 2))
	f.Add(whole, false)
	f.Add(whole[:len(whole)-7], false)
	f.Add(bytes.Replace(whole, []byte(`"seq":1`), []byte(`"seq":0`), 1), true)
	f.Fuzz(func(t *testing.T, b []byte, repaired bool) {
		if repaired {
			b = repair(b)
		}
		r := NewReader(bytes.NewReader(b))
		again := header(plan)
		frames := 0
		for ; ; frames++ {
			frame, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCorrupt) {
					t.Errorf("Next gives error %v", err)
				}
				break
			}
			again = append(again, frameBytes(t, uint32(frames), frame)...)
		}
		if r.Offset() > int64(len(b)) {
			t.Errorf("Offset() = %d in %d bytes", r.Offset(), len(b))
		}
		second := NewReader(bytes.NewReader(again))
		for range frames {
			if _, err := second.Next(); err != nil {
				t.Fatalf("written again: %v", err)
			}
		}
	})
}

func frameBytes(t *testing.T, n uint32, f Frame) []byte {
	t.Helper()
	k, payload := invocationKind, any(f.Rows)
	if f.Segment != nil {
		k, payload = segmentKind, f.Segment
	} else if f.End != nil {
		k, payload = endKind, f.End
	}
	b, err := encode(n, k, payload)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// repair returns b with right checksums in its frames, so that a fuzzer gets
// at what is behind them.
func repair(b []byte) []byte {
	b = append(header(plan), b[min(len(b), headerSize):]...)
	for at := headerSize; ; {
		h, ok := parseHead(b[at:])
		if !ok || h.length > len(b)-at-frameSize {
			return b
		}
		end := at + frameSize + h.length
		binary.LittleEndian.PutUint32(b[at+12:], checksum(b[at:], b[at+frameSize:end]))
		at = end
	}
}
