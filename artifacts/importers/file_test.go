package importers

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"
)

const tidy = "load,rps\n1,10\n2,20\n"

var tidyMapping = []byte("columns:\n  load: {role: load, kind: int, meaning: connections}\n  rps: {role: throughput, kind: float, unit: 1/s}\n")

// A link is read where it leads to a file of what is imported, and refused
// where it leads out of that or to a folder.
func TestLinks(t *testing.T) {
	for _, test := range []struct {
		name, to, says string // says is "" where the link is read
	}{
		{"link.csv", "real.csv", ""},
		{"out.csv", "../outside.csv", "out.csv: a link that leads to nothing, or out of what is imported; put the file itself there"},
		{"folder", "below", "folder: not a file, or a link to a folder"},
		{"nowhere.csv", "missing.csv", "nowhere.csv: a link that leads to nothing, or out"},
	} {
		dir := t.TempDir()
		in := filepath.Join(dir, "in")
		if err := os.MkdirAll(filepath.Join(in, "below"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{filepath.Join(in, "real.csv"), filepath.Join(dir, "outside.csv")} {
			if err := os.WriteFile(path, []byte(tidy), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(test.to, filepath.Join(in, test.name)); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(in)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		out, err := read(t, table, Input{Files: root.FS(), Mapping: tidyMapping})
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("a link %s to %s gives error %v, want one with %q", test.name, test.to, err, test.says)
			}
		} else if err != nil || len(out.Sources) != 2 || out.Traces[0].rows != 4 {
			t.Errorf("a link to %s: %v", test.to, err)
		}
	}
}

// A small file that unpacks to too much is refused, lenient or not.
func TestDecompressionBomb(t *testing.T) {
	var bomb bytes.Buffer
	w, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("1,10\n", 1<<16))
	for written := 0; written <= maxUnpacked; written += len(line) {
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = read(t, table, Input{Files: mapFS(map[string]string{"bomb.csv.gz": bomb.String()}), Mapping: tidyMapping, Lenient: true})
	if err == nil || !strings.Contains(err.Error(), "bomb.csv.gz: gzip: more than 256 MiB in all") {
		t.Errorf("%d bytes that unpack to more than %d give error %v", bomb.Len(), maxUnpacked, err)
	}
}

// The bound is one for all files, however many are unpacked at once.
func TestBudget(t *testing.T) {
	var left budget
	left.bytes.Store(10)
	if text, cut, err := unpack([]byte(packed(t, "123456\n")), &left); text != "123456\n" || cut != "" || err != nil {
		t.Errorf("7 of 10 bytes give %q, %q and error %v", text, cut, err)
	}
	if text, cut, err := unpack([]byte(packed(t, "123456\n")), &left); err == nil || text != "" || cut != "" {
		t.Errorf("7 of the 3 bytes that are left give %q, %q and error %v", text, cut, err)
	}
}

// Bytes that are no text are an error where they should be a table, or are one
// up to there; other files may have them.
func TestNoText(t *testing.T) {
	const results = "concurrency,rps\n1,10\n"
	utf16 := "\xff\xfe" + strings.ReplaceAll(tidy, "", "\x00")[1:]
	for _, test := range []struct {
		name   string
		format Format
		text   string
		says   string // "" if it is kept and not read
	}{
		{"a zero byte", table, tidy + "3,\x0030\n", "b:4: a zero byte"},
		{"UTF-16", table, utf16, "b:1: UTF-16; convert it with iconv"},
		{"UTF-16, unmarked", table, utf16[2:], "b:1: a zero byte"},
		{"gzip in gzip", table, packed(t, packed(t, tidy)), "b:1: packed with gzip twice"},
		{"a zero byte", abSweep, results + "2,\x0020\n", "b:3: a zero byte"},
		{"a zero byte", hyperfine, times("1,2") + "\n\x00", "b:2: a zero byte"},
		{"a picture", abSweep, "\x89PNG\r\n\x1a\n\x00\x00", ""},
		{"a picture", hyperfine, "\x89PNG\r\n\x1a\n\x00\x00", ""},
	} {
		good := map[string]string{"table": tidy, "ab-sweep": results, "hyperfine": times("1")}[test.format.Name]
		_, err := read(t, test.format, Input{Files: mapFS(map[string]string{"a_b_cpus_1.csv": good, "b": test.text}), Mapping: tidyMapping})
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s, %s: error %v, want %q", test.format.Name, test.name, err, test.says)
		}
	}
}

// Rows that are all refused are another format, not a trace of rejections.
func TestAllRejected(t *testing.T) {
	files := map[string]string{"a.csv": "load,rps\n" + strings.Repeat("x,y\n", maxRejections+1)}
	_, err := read(t, table, Input{Files: mapFS(files), Mapping: tidyMapping, Lenient: true})
	if err == nil || !strings.Contains(err.Error(), "is this the right format") {
		t.Errorf("error %v, want one that doubts the format", err)
	}
}

// A record that goes on and on is refused before it is a slice of fields.
func TestEndlessRecord(t *testing.T) {
	f := &file{path: "a.csv", text: "load,rps\n" + strings.Repeat("\"\n\",", maxRecord), refused: new(atomic.Int64)}
	records := 0
	f.csv(func(int, []string, string) { records++ })
	if records != 1 || len(f.rejected) != 1 || !strings.Contains(f.rejected[0].why, "a record of more than 4 MiB") {
		t.Errorf("%d records, rejected %v", records, f.rejected)
	}
}

// Whatever the bytes are, unpacking them ends with bytes or an error.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(packed(f, tidy)))
	f.Add([]byte(packed(f, tidy) + packed(f, tidy)))
	f.Add([]byte(packed(f, tidy)[:20]))
	f.Fuzz(func(t *testing.T, b []byte) {
		var left budget
		left.bytes.Store(maxUnpacked)
		text, cut, err := unpack(b, &left)
		whole, want := []byte(nil), error(nil)
		if r, gzipErr := gzip.NewReader(bytes.NewReader(b)); gzipErr != nil {
			want = gzipErr
		} else {
			whole, want = io.ReadAll(r)
		}
		if err != nil || (cut == "") != (want == nil) || !bytes.HasPrefix(whole, []byte(text)) {
			t.Errorf("unpack: %d bytes, cut %q, error %v; gzip has %d and error %v", len(text), cut, err, len(whole), want)
		}
	})
}
