package importers

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// read imports files and keeps nothing.
func read(t testing.TB, format Format, in Input) (*Output, error) {
	t.Helper()
	in.Keep = func(_ string, b []byte) (assay.Digest, error) { return assay.DigestOf(b), nil }
	return format.Read(t.Context(), &in)
}

// named returns a trace of an output.
func named(t testing.TB, out *Output, name string) *Trace {
	t.Helper()
	for _, tr := range out.Traces {
		if tr.Name == name {
			return tr
		}
	}
	t.Fatalf("there is no trace %q", name)
	return nil
}

// col returns a column of a trace.
func col(t testing.TB, tr *Trace, name string) *trace.Values {
	t.Helper()
	for _, v := range tr.Columns {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("trace %s has no column %q", tr.Name, name)
	return nil
}

// sum adds what a column has.
func sum(v *trace.Values) (total float64) {
	lost := 0.0 // Kahan's
	for row := range v.Len() {
		x := 0.0
		switch {
		case v.IsNull(row):
		case v.Kind == trace.Int:
			x = float64(v.Ints[row])
		case v.Kind == trace.Float:
			x = v.Floats[row]
		}
		y := x - lost
		next := total + y
		lost, total = (next-total)-y, next
	}
	return total
}

// A counted is what an independent program finds in published files.
type counted struct {
	Files   int
	Columns map[string]struct { // by trace and column
		Rows, Nulls int
		Sum         float64
	}
}

// count runs testdata/sums.py, which reads the files with Python's csv and gzip.
func count(t *testing.T, kind, dir string) (c counted) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		tooltest.Missing(t, "python3", err)
	}
	b, err := exec.CommandContext(t.Context(), python, "testdata/sums.py", kind, dir).Output()
	if err != nil {
		t.Fatalf("sums.py %s: %v", kind, err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatalf("sums.py %s prints %s: %v", kind, b, err)
	}
	return c
}

// agree compares what was read with what was counted.
func agree(t *testing.T, out *Output, want counted) {
	t.Helper()
	if len(out.Sources) != want.Files {
		t.Errorf("%d files, want %d", len(out.Sources), want.Files)
	}
	for name, want := range want.Columns {
		of, column, _ := strings.Cut(name, ".")
		v := col(t, named(t, out, of), column)
		if got := sum(v); v.Len() != want.Rows || math.Abs(got-want.Sum) > 1e-12*want.Sum {
			t.Errorf("%s has %d rows and the sum %.6f, want %d and %.6f", name, v.Len(), got, want.Rows, want.Sum)
		}
	}
}

// What an independent program counts and adds up in the published archive is
// what the traces have, and their meanings are found.
func TestPublishedSweep(t *testing.T) {
	dir := tooltest.Shared(t, "data/faasm-sledge-2023")
	out, err := read(t, abSweep, Input{Files: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	want := count(t, "sweep", dir)
	agree(t, out, want)
	if len(want.Columns) != 12 || want.Files != 252 {
		t.Errorf("%d columns of %d files were counted, want 12 of 252", len(want.Columns), want.Files)
	}
	for _, source := range out.Sources {
		if source.Kind == "" || source.Rows == 0 {
			t.Errorf("%s is read as %q and gives %d rows", source.Path, source.Kind, source.Rows)
		}
	}
	runs := want.Columns["results.rps"].Rows
	for _, want := range []struct{ trace, column, unit, evidence string }{
		{"results", "latency", "ms", fmt.Sprintf(`"Time per request", in ms: the same number in %d of %[1]d runs; rps x latency / concurrency is 2000.`, runs)},
		{"results", "transfer", "KiB/s", "if a kilobyte is 1024 bytes"},
		{"summaries", "clock", "", fmt.Sprintf("of %d runs", runs)},
		{"windows", "start", "ns", "windows are at least as long"},
		{"monitor", "cpu", "%", "what the summaries call"},
		{"monitor", "vmem", "MiB", "what the summaries call"},
		{"monitor", "pmem", "MiB", "whole pages of 4 KiB"},
	} {
		v := col(t, named(t, out, want.trace), want.column)
		if v.Unit != want.unit || !strings.Contains(v.Evidence, want.evidence) {
			t.Errorf("%s.%s is in %q, by %q; want %q, by ...%s...", want.trace, want.column, v.Unit, v.Evidence, want.unit, want.evidence)
		}
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, fmt.Sprintf("agree in %d of these", runs)) {
		t.Errorf("the notes are\n%s", notes)
	}
	explained := regexp.MustCompile(`in (\d+) of (\d+) concurrencies`)
	for _, column := range []string{"cpu", "vmem", "pmem"} {
		said := explained.FindStringSubmatch(col(t, named(t, out, "monitor"), column).Evidence)
		if said == nil || said[1] != said[2] {
			t.Errorf("monitor.%s is explained in %v, want in all", column, said)
		}
	}
}
