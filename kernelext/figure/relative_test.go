package figure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// ratios has two benchmarks, one of which native has not run.
func ratios(t testing.TB) Table {
	t.Helper()
	null := []bool{false, false, false, false, false, false, false, true}
	ms := table.Floats("time", "ms", "time", []float64{10, 30, 20, 40, 60, 7, 90, 0})
	ms.Null = null
	tab, err := table.Decode(encode(t,
		table.Strings("benchmark", "", "", []string{"a", "a", "a", "a", "a", "b", "a", "a"}),
		table.Strings("runtime", "", "", []string{"native", "native", "native", "wasm", "wasm", "wasm", "wasm", "wasm"}),
		table.Strings("outcome", "", "", []string{"ok", "ok", "ok", "ok", "ok", "ok", "timeout", "ok"}), ms,
		table.Floats("zero", "ms", "time", make([]float64, 8))))
	if err != nil {
		t.Fatal(err)
	}
	return NewTable(tab)
}

// Each value is divided by the median of the baseline with its keys; what has
// no baseline, no value or another outcome is counted.
func TestOver(t *testing.T) {
	s := ratios(t)
	wasm := s.Where("runtime", "wasm")
	native := s.Where("runtime", "native").Float("time")
	v := wasm.Float("time").Over(native, "benchmark")
	panels, err := collect(Group{}, wasm.Group("runtime"), v)
	if err != nil {
		t.Fatal(err)
	}
	c := panels[0].cells[0]
	if want := []float64{2, 3}; !slices.Equal(c.values, want) {
		t.Errorf("ratios = %v, want %v", c.values, want)
	}
	if got, want := leftOutText(c.leftOut), "1 no baseline, 1 timeout, 1 not measured"; got != want {
		t.Errorf("left out: %s; want %s", got, want)
	}
	if v.title() != "time, relative (x)" {
		t.Errorf("title = %q", v.title())
	}

	nothing := native.Over(s.Where("runtime", "native").Float("zero"), "benchmark")
	if panels, err = collect(Group{}, native.of.Group("runtime"), nothing); err != nil {
		t.Fatal(err)
	}
	if got, want := leftOutText(panels[0].cells[0].leftOut), "3 no baseline"; got != want {
		t.Errorf("over zero, left out: %s; want %s", got, want)
	}

	each := v.Medians("runtime", "benchmark")
	got, err := each.Float("time").Numbers()
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := each.Strings("outcome")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0] != 2.5 || !math.IsNaN(got[1]) || !math.IsNaN(got[2]) || !math.IsNaN(got[3]) {
		t.Errorf("medians = %v, want 2.5 and three of no value", got)
	}
	if want := []string{"ok", "timeout", "not measured", "no baseline"}; !slices.Equal(outcomes, want) {
		t.Errorf("outcomes = %q, want %q", outcomes, want)
	}

	got, err = v.GeometricMeans("runtime", "benchmark").Float("time").Numbers()
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Sqrt(2 * 3); math.Abs(got[0]-want) > 1e-12 || !math.IsNaN(got[1]) {
		t.Errorf("geometric means = %v, want %v and three of no value", got, want)
	}
	if err := s.Float("zero").GeometricMeans("runtime").Err(); err == nil || !strings.Contains(err.Error(), "0 is among them") {
		t.Errorf("geometric mean of zeros: error %v", err)
	}
}

// A quotient of rows has the unit that is said, and converts from it.
func TestPer(t *testing.T) {
	tab, err := table.Decode(sweep(t))
	if err != nil {
		t.Fatal(err)
	}
	s := NewTable(tab).Where("system", "once").Where("function", "noop")
	rps, load := s.Float("rps"), s.Float("concurrency")
	got, err := load.Per(rps, "s").In("ms").Per(load, "ms").Numbers()
	if err != nil {
		t.Fatal(err)
	}
	rates, err := rps.Numbers()
	if err != nil {
		t.Fatal(err)
	}
	for i, rate := range rates {
		if want := 1000 / rate; math.Abs(got[i]-want) > 1e-12*want {
			t.Errorf("row %d: %v ms, want %v", i, got[i], want)
		}
	}
	zero := ratios(t).Float("zero")
	if got, err := zero.Per(zero, "x").Numbers(); err != nil || !math.IsNaN(got[0]) {
		t.Errorf("0 per 0 = %v, %v; want NaN", got, err)
	}
}

// Or has each row once, in the order of the table.
func TestOr(t *testing.T) {
	s := ratios(t)
	both := s.Where("benchmark", "b").Or(s.Where("runtime", "native")).Or(s.Where("runtime", "native").Where("benchmark", "a"))
	got, err := both.Strings("time")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"10", "30", "20", "7"}; !slices.Equal(got, want) {
		t.Errorf("times = %q, want %q", got, want)
	}
	if all := s.Or(s.Where("benchmark", "b")); all.Len() != s.Len() {
		t.Errorf("%d rows, want %d", all.Len(), s.Len())
	}
	if err := s.Or(ratios(t)).Err(); err == nil {
		t.Error("Or of two tables is no error")
	}
}

// Medians keeps the kind of its keys, so that one may be an axis.
func TestMediansKeepKinds(t *testing.T) {
	tab, err := table.Decode(scaling(t))
	if err != nil {
		t.Fatal(err)
	}
	each := NewTable(tab).Float("wall_ns").In("ms").Medians("runtime", "concurrency")
	if each.Len() != 21 {
		t.Errorf("%d medians, want 21", each.Len())
	}
	f := &Figure{width: 200}
	if err := f.Line(each.Group("runtime"), each.Float("concurrency"), each.Float("wall_ns")); err != nil {
		t.Error(err)
	}
}

func TestRelativeErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		draw func(f *Figure, s Table) error
		want string
	}{
		{"no such key", func(f *Figure, s Table) error {
			return f.Bar(s.Group("runtime"), s.Float("time").Over(s.Float("time"), "colour"))
		}, `no column "colour"`},
		{"no such baseline", func(f *Figure, s Table) error {
			return f.Bar(s.Group("runtime"), s.Float("time").Over(s.Float("thyme")))
		}, `baseline: no column "thyme"`},
		{"two units", func(f *Figure, s Table) error {
			return f.Bar(s.Group("runtime"), s.Float("time").Over(s.Float("time").In("s")))
		}, `convert one with In`},
		{"per other rows", func(f *Figure, s Table) error {
			return f.Bar(s.Group("runtime"), s.Float("time").Per(s.Where("benchmark", "b").Float("time"), "x"))
		}, "same Where for both"},
		{"medians of nothing", func(f *Figure, s Table) error {
			each := s.Float("thyme").Medians("runtime")
			return f.Bar(each.Group("runtime"), each.Float("thyme"))
		}, `no column "thyme"`},
		{"medians by nothing", func(f *Figure, s Table) error {
			each := s.Float("time").Medians("colour")
			return f.Bar(each.Group("runtime"), each.Float("time"))
		}, `no column "colour"`},
		{"peaks of bars", func(f *Figure, s Table) error {
			f.Peaks(2)
			return f.Bar(s.Group("runtime"), s.Float("time"))
		}, "leave Peaks out"},
		{"reference in a table", func(f *Figure, s Table) error {
			f.Reference(1, "native")
			return f.TableText(s.Group("runtime"), s.Float("time"))
		}, "leave Reference out"},
		{"no such estimator", func(f *Figure, s Table) error {
			f.Estimate("mode")
			return f.Bar(s.Group("runtime"), s.Float("time"))
		}, `there are "median", "geometric mean", "mean" and "quartiles"`},
	} {
		err := test.draw(&Figure{width: 200}, ratios(t))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func distinguished(g Group) *Figure {
	f := new(Figure)
	f.Distinguish(g)
	return f
}

func TestIntervalsErrors(t *testing.T) {
	tab, err := table.Decode(judged(t))
	if err != nil {
		t.Fatal(err)
	}
	s := NewTable(tab)
	low, value, high, bound := s.Float("low"), s.Float("value"), s.Float("high"), s.Float("bound")
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"two rows", new(Figure).Intervals(s.Group("outcome"), low, value, high, bound), `"ok" has more than one row`},
		{"ends exchanged", new(Figure).Intervals(s.Group("claim"), high, value, low, bound), "ends exchanged"},
		{"three ends", new(Figure).Intervals(s.Group("claim"), low, value, high, bound, bound, bound), "2 other ends of a range"},
		{"kinds of no column", distinguished(s.Group("colour")).Intervals(s.Group("claim"), low, value, high, bound), `distinguish: no column "colour"`},
		{"kinds of other rows", distinguished(s.Where("verdict", "holds").Group("verdict")).Intervals(s.Group("claim"), low, value, high, bound), "not of the same rows"},
		{"kinds of bars", distinguished(s.Group("verdict")).Bar(s.Group("claim"), value), "leave Distinguish out"},
		{"other rows", new(Figure).Intervals(s.Group("claim"), low, value, high, ratios(t).Float("time")), "not of the same rows"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, test.err, test.want)
		}
	}
}
