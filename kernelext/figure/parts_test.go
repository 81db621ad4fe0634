package figure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/stats"
	"github.com/assay-notebooks/assay/kernelext/table"
)

// A merged part stands where the first of its parts would.
func TestStackOrder(t *testing.T) {
	names := []string{"engine-init", "link", "first-call", "engine-init+link", "compile+link", "a+b"}
	var got []string
	for _, i := range stackOrder(names) {
		got = append(got, names[i])
	}
	want := []string{"engine-init", "engine-init+link", "link", "compile+link", "first-call", "a+b"}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

// The mean of a system over the suite, and its interval, are those of stats, of
// the workloads that both sides have.
func TestSuiteIsOfStats(t *testing.T) {
	f, _ := drawn(t, PageWidth, suites(t), comparedSuite)
	c := f.chart.(suite)
	values := func(runtime, workload string) []float64 {
		tab, err := table.Decode(suites(t))
		if err != nil {
			t.Fatal(err)
		}
		x, err := NewTable(tab).Where("runtime", runtime).Where("workload", workload).Float("wall_ns").Numbers()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	var pairs []stats.Pair
	for _, w := range []string{"2mm", "fannkuch", "gemm", "nbody"} {
		pairs = append(pairs, stats.Pair{X: values("wasm3", w), Y: values("native", w)})
	}
	ratio, interval, _ := stats.RatioOfGeometricMeans(pairs, 0.95)
	got := c.totals[slices.Index(c.y.categories, "wasm3")]
	if got.of != 4 || math.Abs(got.value/ratio-1) > 1e-12 || got.interval != interval {
		t.Errorf("wasm3 is %v %v of %d workloads, want %v %v of 4", got.value, got.interval, got.of, ratio, interval)
	}
}

// Means level by level is the hierarchical mean, and its interval over runs
// that of stats.Nest.
func TestMeansAreNested(t *testing.T) {
	x := []float64{1, 2, 4, 5, 9, 7, 8, 3, 6, 6}
	run, seq := []int64{1, 1, 1, 1, 2, 2, 2, 3, 3, 3}, []int64{1, 1, 2, 2, 1, 1, 2, 1, 1, 2}
	tab := NewTable(&table.Table{Rows: len(x), Columns: []table.Column{table.Ints("run", "", "", run), table.Ints("seq", "", "", seq), table.Floats("t", "ms", "", x)}})
	means, err := tab.Float("t").Means("run", "seq").Float("t").Means("run").Float("t").Numbers()
	if err != nil {
		t.Fatal(err)
	}
	nested := stats.Nest(x, run, seq)
	got, _ := stats.MeanInterval(means, 0.95)
	if want, ok := nested.Interval(0.95); !ok || got != want || len(means) != 3 {
		t.Errorf("means %v with %v, want the interval %v of %v", means, got, want, nested)
	}
}

func TestPartsErrors(t *testing.T) {
	for want, draw := range map[string]func(*Figure, Table) error{
		"no values": func(f *Figure, s Table) error { return f.Bars(s.Group("runtime")) },
		`is in "bytes"`: func(f *Figure, s Table) error {
			return f.Bars(s.Group("runtime"), s.Float("wall_ns"), s.Float("peak_rss_bytes"))
		},
		"Bars: the length": func(f *Figure, s Table) error { f.LogX(); return f.Bars(s.Group("runtime"), s.Float("wall_ns")) },
		"Stack: parts do not": func(f *Figure, s Table) error {
			f.LogX()
			return f.Stack(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"))
		},
		`no "wavm" to compare`: func(f *Figure, s Table) error {
			return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"), "wavm")
		},
		"leave Facet out": func(f *Figure, s Table) error {
			f.Facet(s.Group("workload"))
			return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"), "native")
		},
		"leave Estimate out": func(f *Figure, s Table) error {
			f.Estimate(Mean)
			return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"), "native")
		},
		"Suite: both axes": func(f *Figure, s Table) error {
			f.LogX()
			return f.Suite(s.Group("runtime"), s.Group("workload"), s.Float("wall_ns"), "native")
		},
		"the two groups are not": func(f *Figure, s Table) error {
			return f.Stack(s.Group("runtime"), s.Where("workload", "noop").Group("workload"), s.Float("wall_ns"))
		},
	} {
		tab, err := table.Decode(absent(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := draw(&Figure{width: 240}, NewTable(tab)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
