package importers

import (
	"math"
	"os"
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

// What an independent program counts and adds up in the published archive is
// what the traces have: constants from Python's csv, gzip and math.fsum.
func TestPublishedSweep(t *testing.T) {
	out, err := read(t, abSweep, Input{Files: os.DirFS(tooltest.Shared(t, "data/faasm-sledge-2023"))})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.Sources); n != 252 {
		t.Errorf("%d files, want 252", n)
	}
	for _, source := range out.Sources {
		if source.Kind == "" || source.Rows == 0 {
			t.Errorf("%s is read as %q and gives %d rows", source.Path, source.Kind, source.Rows)
		}
	}
	for _, want := range []struct {
		trace, column string
		rows          int
		sum           float64
	}{
		{"results", "requests", 2261, 334100000},
		{"results", "concurrency", 2261, 444844},
		{"results", "duration", 2261, 128397.677},
		{"results", "rps", 2261, 26180633.95},
		{"results", "latency", 2261, 203868.735},
		{"results", "interval", 2261, 3479.119},
		{"results", "transfer", 2261, 465551806.15},
		{"summaries", "rps", 2261, 26180633.95},
		{"windows", "mark", 2909, 565229},
		{"monitor", "cpu", 707191, 381118208.4229},
		{"monitor", "vmem", 707191, 36828817960.3779},
		{"monitor", "pmem", 707191, 138075157.69419},
		{"monitor", "concurrency", 707191, 80536106},
		{"monitor", "replicate", 707191, 1698699},
	} {
		v := col(t, named(t, out, want.trace), want.column)
		if got := sum(v); v.Len() != want.rows || math.Abs(got-want.sum) > 1e-12*want.sum {
			t.Errorf("%s.%s has %d rows and the sum %.6f, want %d and %.6f", want.trace, want.column, v.Len(), got, want.rows, want.sum)
		}
	}
	for _, want := range []struct{ trace, column, unit, evidence string }{
		{"results", "latency", "ms", `"Time per request", in ms: the same number in 2261 of 2261 runs; rps x latency / concurrency is 2000.005`},
		{"results", "transfer", "KiB/s", "1696 of 1746"},
		{"summaries", "clock", "", "UTC-4 h in 1541 and UTC-5 h in 720 of 2261 runs"},
		{"windows", "start", "ns", "2254 of 2254 windows are at least as long"},
		{"monitor", "cpu", "%", "in 641 of 641 concurrencies"},
		{"monitor", "vmem", "MiB", "in 641 of 641 concurrencies"},
		{"monitor", "pmem", "MiB", "477609 of the 477609 values"},
	} {
		v := col(t, named(t, out, want.trace), want.column)
		if v.Unit != want.unit || !strings.Contains(v.Evidence, want.evidence) {
			t.Errorf("%s.%s is in %q, by %q; want %q, by ...%s...", want.trace, want.column, v.Unit, v.Evidence, want.unit, want.evidence)
		}
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, "agree in 2261 of these") || !strings.Contains(notes, "696390 of 707191 samples") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// The peaks of the mean of replicates are those of the published slides.
func TestPublishedPeaks(t *testing.T) {
	out, err := read(t, abSweep, Input{Files: os.DirFS(tooltest.Shared(t, "data/faasm-sledge-2023"))})
	if err != nil {
		t.Fatal(err)
	}
	tr := named(t, out, "results")
	text := func(name string, row int) string { return col(t, tr, name).Strings[row] }
	type key struct {
		folder, system, workload string
		workers                  int64
		pause                    bool
	}
	sums, counts := map[key]map[int64]float64{}, map[key]map[int64]float64{}
	for row := range tr.rows {
		k := key{text("folder", row), text("system", row), text("workload", row), col(t, tr, "workers").Ints[row], col(t, tr, "spinlooppause").Bools[row]}
		if sums[k] == nil {
			sums[k], counts[k] = map[int64]float64{}, map[int64]float64{}
		}
		load := col(t, tr, "concurrency").Ints[row]
		sums[k][load] += col(t, tr, "rps").Floats[row]
		counts[k][load]++
	}
	const first, second = "20230309 benchmark", "faasm benchmark_output"
	for k, want := range map[key]float64{
		{first, "sledgert", "empty_concurrency", 1, false}: 12856.38,
		{first, "sledgert", "fibonacci_bimodal", 1, false}: 2337.01,
		{first, "sledgert", "html", 1, false}:              710.47,
		{second, "faasm", "noop", 1, false}:                3332.89,
		{second, "faasm", "fibonacci", 32, false}:          9053.39,
	} {
		peak := 0.0
		for load := range sums[k] {
			peak = max(peak, sums[k][load]/counts[k][load])
		}
		if math.Abs(peak-want) > 0.005001 {
			t.Errorf("%+v has its peak at %.3f requests a second, the slide says %.2f", k, peak, want)
		}
	}
}
