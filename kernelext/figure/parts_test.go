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

// What stands in place of a part is not lacking; who lacks the same is named together.
func TestStackLacks(t *testing.T) {
	var runtime, phase []string
	for name, phases := range map[string]string{
		"a": "engine-init compile link+instantiate", "b": "engine-init load-precompiled link instantiate", "c": "compile link instantiate", "d": "compile link instantiate",
	} {
		for p := range strings.FieldsSeq(phases) {
			runtime, phase = append(runtime, name), append(phase, p)
		}
	}
	b := encode(t, table.Strings("runtime", "", "", runtime), table.Strings("phase", "", "", phase), table.Ints("wall_ns", "ns", "", make([]int64, len(phase))))
	f, _ := drawn(t, PageWidth, b, func(f *Figure, s Table) error {
		return f.Stack(s.Group("runtime").Order("a", "b", "c", "d"), s.Group("phase"), s.Float("wall_ns"))
	})
	if got, want := f.chart.(stack).lacks(), []string{"engine-init of c and d"}; !slices.Equal(got, want) {
		t.Errorf("lacks %q, want %q", got, want)
	}
}

// A suite that one sample keeps from having an interval says which.
func TestSuiteNamesSingles(t *testing.T) {
	b := encode(t, table.Strings("runtime", "", "", strings.Fields("native native native wasm3 wasm3 wasm3")),
		table.Strings("workload", "", "", strings.Fields("2mm gemm gemm 2mm 2mm gemm")), table.Ints("wall_ns", "ns", "", []int64{1, 2, 3, 4, 5, 6}))
	f, _ := drawn(t, PageWidth, b, comparedSuite)
	if note, want := f.chart.notes(nil)[0], "Of native: n = 1 to 2. [–]: no interval, for n = 1: native in 2mm and wasm3 in gemm."; !strings.HasSuffix(note, want) {
		t.Errorf("note %q, want at its end %q", note, want)
	}
}

// Reasons that differ in the name of whose they are alone are said once.
func TestReasonsAreSaidOnce(t *testing.T) {
	b := encode(t, table.Strings("runtime", "", "", []string{"native", "wasmi", "lucet"}), table.Strings("outcome", "", "", []string{"ok", "unsupported", "unsupported"}),
		table.Strings("detail", "", "", []string{"", "wasmi has no shim", "lucet has no shim"}), table.Ints("wall_ns", "ns", "", []int64{1, 0, 0}))
	f, _ := drawn(t, PageWidth, b, func(f *Figure, s Table) error { return f.Bar(s.Group("runtime"), s.Float("wall_ns")) })
	got := f.chart.notes(func(*cell) bool { return false })
	if want := "No samples: wasmi and lucet – unsupported: has no shim."; !slices.Contains(got, want) {
		t.Errorf("notes %q have not %q", got, want)
	}
}

// Systems that cannot do the same for the same reason are named together.
func TestSuiteLeavesOutTogether(t *testing.T) {
	b := encode(t, table.Strings("runtime", "", "", strings.Fields("native native a b a b c c")), table.Strings("workload", "", "", strings.Fields("io fib io io fib fib io fib")),
		table.Strings("outcome", "", "", strings.Fields("ok ok no no ok ok no no")), table.Strings("detail", "", "", []string{"", "", "a: writes", "b: writes", "", "", "writes", "writes"}),
		table.Ints("wall_ns", "ns", "", []int64{1, 1, 0, 0, 1, 1, 0, 0}))
	f, _ := drawn(t, PageWidth, b, comparedSuite)
	if got, want := f.chart.(suite).leftOut(), []string{"a and b in io, c: 1 no: writes"}; !slices.Equal(got, want) {
		t.Errorf("left out %q, want %q", got, want)
	}
}

// A category is executed in one way, by a mode that there is.
func TestModesAreOne(t *testing.T) {
	for want, modes := range map[string][]string{
		`"v8" is executed in two ways: jit, and aot, cache off, 1 thread`: {"jit", "aot"},
		`"magic" is no mode`: {"magic", "magic"},
	} {
		threads := table.Ints("compile_threads", "", "", []int64{1, 1})
		threads.Null = []bool{true, false}
		s := NewTable(&table.Table{Rows: 2, Columns: []table.Column{
			table.Strings("runtime", "", "", []string{"v8", "v8"}), table.Strings("mode", "", "", modes), table.Strings("cache", "", "", []string{"", "off"}), threads,
			table.Ints("wall_ns", "ns", "", []int64{1, 2}),
		}})
		f := &Figure{width: 500}
		f.Modes(s.Group("runtime"))
		if err := f.Bar(s.Group("runtime"), s.Float("wall_ns")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("modes %q: %v, want %q", modes, err, want)
		}
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

// A system's place is that of its mean; one that has none comes last.
func TestSuiteIsInOrder(t *testing.T) {
	f, _ := drawn(t, PageWidth, suites(t), comparedSuite)
	got := f.chart.(suite).y.categories
	if want := []string{"wasmtime", "wasmer/cranelift", "wasm3", "wazero/interpreter", "wavm"}; !slices.Equal(got, want) {
		t.Errorf("systems %q, want %q", got, want)
	}
}

// Rows of two runs are one table, whatever each has no value for; columns that
// differ are not one.
func TestAnd(t *testing.T) {
	wall := table.Ints("wall_ns", "ns", "", []int64{5, 6, 7})
	wall.Null = []bool{false, true, false}
	one := NewTable(&table.Table{Rows: 3, Columns: []table.Column{table.Strings("runtime", "", "", []string{"native", "wavm", "v8"}), wall}})
	other := NewTable(&table.Table{Rows: 2, Columns: []table.Column{table.Ints("wall_ns", "ns", "", []int64{8, 9}), table.Strings("runtime", "", "", []string{"wasm3", "v8"})}})
	both := one.Without("runtime", "native").And(other.Where("runtime", "v8"))
	for column, want := range map[string][]string{"runtime": {"wavm", "v8", "v8"}, "wall_ns": {"", "7", "9"}} {
		if got, err := both.Strings(column); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", column, got, err, want)
		}
	}
	for want, u := range map[string]Table{
		"a table of 2 columns and one of 1": NewTable(&table.Table{Columns: []table.Column{table.Ints("wall_ns", "ns", "", nil)}}),
		`column "wall_ns" is int64 in "ns"`: NewTable(&table.Table{Columns: []table.Column{table.Ints("wall_ns", "ms", "", nil), table.Strings("runtime", "", "", nil)}}),
		`no column "runtime"`:               NewTable(&table.Table{Columns: []table.Column{table.Ints("wall_ns", "ns", "", nil), table.Strings("engine", "", "", nil)}}),
		"none":                              {},
	} {
		if err := one.And(u).Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
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
