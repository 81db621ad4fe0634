package figure

import (
	"bytes"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// drawn lays out a figure of one table.
func drawn(t *testing.T, width float64, b []byte, draw func(*Figure, Table) error) (*Figure, *scene) {
	t.Helper()
	tab, err := table.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	f := &Figure{width: width / 25.4 * 72}
	if err := draw(f, NewTable(tab)); err != nil {
		t.Fatal(err)
	}
	s, err := f.scene()
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

// In every figure of the gallery, at both widths, no text is off the page,
// smaller than 7 points, or on another text.
func TestLayout(t *testing.T) {
	for _, g := range gallery {
		for _, width := range []float64{ColumnWidth, PageWidth} {
			_, s := drawn(t, width, g.tables(t), g.draw)
			for i, l := range s.labels {
				a := bounds(l)
				if l.size < 7 {
					t.Errorf("%s at %v mm: %q has %v points", g.name, width, l.text, l.size)
				}
				if a.min.x < 0 || a.min.y < 0 || a.max.x > s.width || a.max.y > s.height {
					t.Errorf("%s at %v mm: %q is off the page: %v of %v x %v", g.name, width, l.text, a, s.width, s.height)
				}
				for _, other := range s.labels[:i] {
					if b := bounds(other); a.min.x < b.max.x && b.min.x < a.max.x && a.min.y < b.max.y && b.min.y < a.max.y {
						t.Errorf("%s at %v mm: %q and %q overlap", g.name, width, other.text, l.text)
					}
				}
			}
		}
	}
}

type rectangle struct{ min, max point }

// bounds returns the box of a label's capitals; descenders may reach into the
// line below.
func bounds(l label) rectangle {
	width := typeface{size: l.size, bold: l.bold}.measure(l.text)
	if l.upward {
		return rectangle{point{l.at.x - 0.73*l.size, l.at.y - width}, l.at}
	}
	return rectangle{point{l.at.x, l.at.y - 0.73*l.size}, point{l.at.x + width, l.at.y}}
}

func TestEqualBytes(t *testing.T) {
	request := Request{Formats: []string{"svg", "png", "pdf", "txt"}, Width: 84}
	b := coldStarts(t, 12)
	var first map[string][]byte
	for range 3 {
		out, err := Render(request, 1, [][]byte{b}, func(f *Figure, ts ...Table) error {
			f.Facet(ts[0].Group("workload"))
			return f.ECDF(ts[0].Group("runtime"), ts[0].Float("wall_ns").In("ms"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out
		}
		for format := range first {
			if !bytes.Equal(out[format], first[format]) {
				t.Errorf("%s differs from one drawing to the next", format)
			}
		}
	}
	if !bytes.HasPrefix(first["png"][37:], []byte("pHYs")) {
		t.Errorf("PNG does not say its size: %q", first["png"][:60])
	}
}

// What was not measured is said in every kind of figure, as drawn and as text.
func TestNothingIsHidden(t *testing.T) {
	b := coldStarts(t, 30)
	for name, draw := range map[string]func(*Figure, Table) error{
		"ECDF":      func(f *Figure, s Table) error { return f.ECDF(s.Group("runtime"), s.Float("wall_ns")) },
		"Box":       func(f *Figure, s Table) error { return f.Box(s.Group("runtime"), s.Float("wall_ns")) },
		"Bar":       func(f *Figure, s Table) error { return f.Bar(s.Group("runtime"), s.Float("wall_ns")) },
		"TableText": func(f *Figure, s Table) error { return f.TableText(s.Group("runtime"), s.Float("wall_ns")) },
		"HeatMap": func(f *Figure, s Table) error {
			return f.HeatMap(s.Group("workload"), s.Group("runtime"), s.Float("wall_ns"))
		},
		"Scatter": func(f *Figure, s Table) error {
			return f.Scatter(s.Group("runtime"), s.Float("wall_ns"), s.Float("peak_rss_bytes"))
		},
		"Line": func(f *Figure, s Table) error {
			return f.Line(s.Group("runtime"), s.Float("peak_rss_bytes"), s.Float("wall_ns"))
		},
		"faceted": func(f *Figure, s Table) error {
			f.Facet(s.Group("workload"))
			return f.ECDF(s.Group("runtime"), s.Float("wall_ns"))
		},
	} {
		f, s := drawn(t, 84, b, draw)
		var page strings.Builder
		for _, l := range s.labels {
			page.WriteString(l.text + " ")
		}
		for form, text := range map[string]string{"drawing": page.String(), "txt": string(f.text())} {
			for _, want := range []string{"wasmtime not found", "timeout"} {
				if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "- ", "-"), want) {
					t.Errorf("%s: %s does not say %q:\n%s", name, form, want, text)
				}
			}
		}
	}
}

// The marker of an ECDF stands at the median of the table, on the line.
func TestMarkerAtMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		median float64
	}{
		{[]float64{1, 2, 10, 20}, 6},
		{[]float64{1, 2, 20}, 2},
		{[]float64{4, 8}, 6},
	} {
		s := &scene{width: 200}
		f := frame{s: s, right: 100, bottom: 50, x: axis{max: 20}, y: axis{max: 1}}
		drawSteps(f, look{marker: disc}, test.values)
		var got recorder
		s.paint(&got)
		if want := (point{5 * test.median, 25}); len(got.discs) != 1 || got.discs[0] != want {
			t.Errorf("marker of %v at %v, want %v", test.values, got.discs, want)
		}
		steps, on := got.lines[0], false
		for i := 1; i < len(steps); i++ {
			a, b, m := steps[i-1], steps[i], got.discs[0]
			on = on || a.x <= m.x && m.x <= b.x && b.y <= m.y && m.y <= a.y
		}
		if !on {
			t.Errorf("marker of %v at %v is not on the line %v", test.values, got.discs, steps)
		}
	}
}

// What the font lacks is drawn as its code, and measured as drawn.
func TestDrawable(t *testing.T) {
	for text, want := range map[string]string{
		"wazero µs – ≤ é": "wazero µs – ≤ é",
		"日本":              "U+65E5 U+672C",
		"a日b":             "a U+65E5 b",
		"日 b":             "U+65E5 b",
		"\U0001f600":      "U+1F600",
		"a\tb\nc":         "a b c",
		"a\x00b":          "a U+0000 b",
		"a\xffb":          "a U+FFFD b",
		"":                "",
	} {
		for _, face := range []typeface{plainText, titleText} {
			if got := face.drawable(text); got != want {
				t.Errorf("drawable(%q) = %q, want %q", text, got, want)
			}
			if got, want := face.measure(text), face.measure(want); got != want {
				t.Errorf("measure(%q) = %v, want %v", text, got, want)
			}
		}
	}
	if got, want := plainText.wrap("日本語", plainText.measure("日本")), []string{"日本", "語"}; !slices.Equal(got, want) {
		t.Errorf("wrap = %q, want %q", got, want)
	}
}

// Every format has the code where the font lacks a character.
func TestCodesInEveryFormat(t *testing.T) {
	draw := func(name string) func(*Figure, ...Table) error {
		return func(f *Figure, ts ...Table) error {
			f.Title(name)
			return f.Bar(ts[0].Group("runtime"), ts[0].Float("wall_ns"))
		}
	}
	request, tables := Request{Formats: []string{"svg", "png", "pdf"}, Width: 84}, [][]byte{coldStarts(t, 6)}
	got, err := Render(request, 1, tables, draw("a日b"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Render(request, 1, tables, draw("a U+65E5 b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range request.Formats {
		if !bytes.Equal(got[format], want[format]) {
			t.Errorf("%s of 日 is not that of its code", format)
		}
	}
}

// A reason that is too long ends after a clause that fits.
func TestShorten(t *testing.T) {
	const reason = "unsupported: wasmtime not found: install it with assay; or do without it"
	tests := []struct {
		fits  string // the width
		most  int
		want  []string
		whole bool
	}{
		{reason, 1, []string{reason}, true},
		{"unsupported: wasmtime not found: install it with assay …", 1, []string{"unsupported: wasmtime not found: install it with assay …"}, false},
		{"unsupported: wasmtime not found: install it", 1, []string{"unsupported: wasmtime not found …"}, false},
		{"unsupported: wasmtime", 2, []string{"unsupported: wasmtime", "not found …"}, false},
		{"unsupported: was", 1, []string{"unsupported …"}, false},
		{"unsupp", 1, []string{"unsu…"}, false},
	}
	for _, test := range tests {
		width := noteText.measure(test.fits) + 0.01
		got, whole := noteText.shorten(reason, width, test.most)
		if !slices.Equal(got, test.want) || whole != test.whole {
			t.Errorf("shorten to %q, %d lines = %q, %v; want %q, %v", test.fits, test.most, got, whole, test.want, test.whole)
		}
		for _, line := range got {
			if noteText.measure(line) > width {
				t.Errorf("shorten to %q: %q is too wide", test.fits, line)
			}
		}
	}
}

// Notes count all rows, and say a reason once, where the drawing has it not.
func TestNotes(t *testing.T) {
	a := &cell{category: "a", values: []float64{1, 2}}
	b := &cell{category: "b", leftOut: []leftOut{{outcome: "trap", n: 1}, {outcome: "unsupported", n: 2, detail: "no threads"}}}
	again := *b
	some := *a
	some.leftOut = []leftOut{{outcome: notMeasured, n: 3}}
	few := cell{category: "a", values: []float64{1}}
	never, always := func(*cell) bool { return false }, func(*cell) bool { return true }
	tests := map[string]struct {
		panels [][]cell
		said   func(*cell) bool
		want   []string
	}{
		"all":        {[][]cell{{*a}}, never, []string{"n = 2 per runtime."}},
		"null":       {[][]cell{{some}}, never, []string{"n = 2 per runtime.", "Left out: a: 3 not measured."}},
		"none":       {[][]cell{{*b}}, always, []string{"No samples.", "Left out: b: 1 trap, 2 unsupported."}},
		"none, tell": {[][]cell{{*b}}, never, []string{"No samples: b – unsupported: no threads.", "Left out: b: 1 trap, 2 unsupported."}},
		"one empty":  {[][]cell{{*a, *b}}, always, []string{"n = 2 per runtime, but 0 for b.", "Left out: b: 1 trap, 2 unsupported."}},
		"panels": {[][]cell{{*a, *b}, {few, again}}, never, []string{"n = 2 per runtime, but 1 for a (p1), 0 for b.",
			"Left out: b: 1 trap, 2 unsupported per panel.", "No samples: b – unsupported: no threads."}},
	}
	for name, test := range tests {
		g := grouped{group: "runtime"}
		for i, cells := range test.panels {
			p := panel{cells: cells}
			if len(test.panels) > 1 {
				p.name = "p" + string(rune('0'+i))
			}
			g.panels = append(g.panels, p)
		}
		if got := g.notes(g.counts(), test.said); !slices.Equal(got, test.want) {
			t.Errorf("%s: notes %q, want %q", name, got, test.want)
		}
	}
}

// The heading of estimates stands only over estimates.
func TestHeadingOfEstimates(t *testing.T) {
	for name, test := range map[string]struct {
		runtimes []string
		want     int
	}{"two panels, one without samples": {[]string{"native", "wasmtime"}, 1}, "no samples": {[]string{"wasmtime"}, 0}} {
		_, s := drawn(t, 84, coldStarts(t, 12), func(f *Figure, s Table) error {
			s = s.Where("runtime", test.runtimes...)
			f.Facet(s.Group("runtime"))
			return f.Bar(s.Group("workload"), s.Float("wall_ns"))
		})
		got := 0
		for _, l := range s.labels {
			if l.text == "median [95%]" {
				got++
			}
		}
		if got != test.want {
			t.Errorf("%s: %d headings, want %d", name, got, test.want)
		}
	}
}

// A recorder keeps what is painted on it.
type recorder struct {
	lines [][]point
	discs []point
}

func (r *recorder) line(_ pen, pts []point)                 { r.lines = append(r.lines, pts) }
func (r *recorder) area(color.NRGBA, []point)               {}
func (r *recorder) disc(_ color.NRGBA, at point, _ float64) { r.discs = append(r.discs, at) }
func (r *recorder) label(label)                             {}

// Every row is a value or counted as left out.
func TestCollectKeepsCount(t *testing.T) {
	wall := table.Floats("wall_ns", "ns", "", []float64{1, 2, math.NaN(), 4, 5, 6, 7})
	wall.Null = []bool{false, false, false, true, false, false, false}
	outcome := table.Strings("outcome", "", "", []string{"ok", "trap", "ok", "ok", "ok", "ok", ""})
	b := encode(t, table.Strings("runtime", "", "", []string{"a", "a", "a", "a", "b", "b", "b"}), outcome,
		table.Strings("warmup", "", "", []string{"false", "false", "false", "false", "true", "false", "false"}), wall)
	tab, err := table.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	s := NewTable(tab)
	panels, err := collect(Group{}, s.Group("runtime"), s.Float("wall_ns"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1 trap, 2 not measured", "b": "1 warm-up, 1 no outcome"}
	for _, c := range panels[0].cells {
		if got := leftOutText(c.leftOut); got != want[c.category] || len(c.values) != 1 {
			t.Errorf("%s: %d values, left out %q; want 1 and %q", c.category, len(c.values), got, want[c.category])
		}
	}
}

// A figure function that is wrong gets an error that says what to do.
func TestErrors(t *testing.T) {
	tests := map[string]struct {
		draw func(*Figure, Table) error
		want string
	}{
		"column": {func(f *Figure, s Table) error { return f.ECDF(s.Group("runtime"), s.Float("wall")) },
			`no column "wall"; there are ["detail" "outcome" "peak_rss_bytes" "runtime" "wall_ns" "workload"]`},
		"group": {func(f *Figure, s Table) error { return f.Bar(s.Group("engine"), s.Float("wall_ns")) }, `no column "engine"`},
		"where": {func(f *Figure, s Table) error {
			s = s.Where("engine", "x")
			return f.Bar(s.Group("runtime"), s.Float("wall_ns"))
		}, `no column "engine"`},
		"facet": {func(f *Figure, s Table) error {
			f.Facet(s.Group("engine"))
			return f.Bar(s.Group("runtime"), s.Float("wall_ns"))
		}, `facet: no column "engine"`},
		"strings": {func(f *Figure, s Table) error { return f.Box(s.Group("runtime"), s.Float("workload")) }, "holds strings"},
		"unit": {func(f *Figure, s Table) error { return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("MiB")) },
			`unit "ns" does not become "MiB"; there are ["ms" "ns" "s" "us"]`},
		"rows": {func(f *Figure, s Table) error {
			return f.ECDF(s.Group("runtime"), s.Where("workload", "noop").Float("wall_ns"))
		}, "same Where for both"},
		"no rows": {func(f *Figure, s Table) error {
			s = s.Where("workload", "nope")
			return f.ECDF(s.Group("runtime"), s.Float("wall_ns"))
		}, "no rows"},
		"log": {func(f *Figure, s Table) error {
			f.LogY()
			return f.Bar(s.Group("runtime"), s.Float("wall_ns"))
		}, "use LogX"},
		"twice": {func(f *Figure, s Table) error {
			if err := f.Bar(s.Group("runtime"), s.Float("wall_ns")); err != nil {
				return err
			}
			return f.Box(s.Group("runtime"), s.Float("wall_ns"))
		}, "already is one of Bar"},
		"nothing": {func(*Figure, Table) error { return nil }, "drew nothing"},
		"panic":   {func(_ *Figure, s Table) error { panic("out of ideas") }, "panicked: out of ideas"},
		"estimator": {func(f *Figure, s Table) error {
			f.Estimate("mode")
			return f.Bar(s.Group("runtime"), s.Float("wall_ns"))
		}, `no estimator "mode"`},
	}
	b := coldStarts(t, 6)
	for name, test := range tests {
		_, err := Render(Request{Formats: []string{"svg"}}, 1, [][]byte{b}, func(f *Figure, ts ...Table) error {
			return test.draw(f, ts[0])
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Render = %v, want an error with %q", name, err, test.want)
		}
	}
	zero := encode(t, table.Strings("runtime", "", "", []string{"a", "a"}), table.Ints("wall_ns", "ns", "", []int64{0, 3}))
	_, err := Render(Request{Formats: []string{"svg"}}, 1, [][]byte{zero}, func(f *Figure, ts ...Table) error {
		f.LogX()
		return f.ECDF(ts[0].Group("runtime"), ts[0].Float("wall_ns"))
	})
	if err == nil || !strings.Contains(err.Error(), "a log axis cannot show 0") {
		t.Errorf("zero on a log axis: %v", err)
	}
}

func TestRequests(t *testing.T) {
	b := coldStarts(t, 6)
	tests := map[string]struct {
		request Request
		want    int
		tables  [][]byte
		err     string
	}{
		"format":   {Request{Formats: []string{"gif"}}, 1, [][]byte{b}, `format "gif": there are`},
		"none":     {Request{}, 1, [][]byte{b}, "no format asked for"},
		"width":    {Request{Formats: []string{"svg"}, Width: 7}, 1, [][]byte{b}, "want 40 to 400"},
		"number":   {Request{Formats: []string{"svg"}}, 2, [][]byte{b}, "takes 2 tables, 1 were given"},
		"table":    {Request{Formats: []string{"svg"}}, 1, [][]byte{b[:9]}, "table 0: "},
		"any":      {Request{Formats: []string{"svg"}}, -1, [][]byte{b, b, b}, ""},
		"no width": {Request{Formats: []string{"txt"}}, 1, [][]byte{b}, ""},
	}
	for name, test := range tests {
		_, err := Render(test.request, test.want, test.tables, func(f *Figure, ts ...Table) error {
			return f.Bar(ts[0].Group("runtime"), ts[0].Float("wall_ns"))
		})
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: Render = %v, want %q", name, err, test.err)
		}
	}
}

func TestViews(t *testing.T) {
	tab, err := table.Decode(coldStarts(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	s := NewTable(tab)
	noop := s.Where("workload", "noop")
	if got, want := noop.Len(), 13; got != want || s.Len() != 26 {
		t.Errorf("Where kept %d rows of %d, want %d of 26", got, s.Len(), want)
	}
	got, err := noop.Where("runtime", "native", "v8").Strings("runtime")
	if want := []string{"native", "v8", "native", "v8", "native", "v8"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Strings = %q, %v; want %q", got, err, want)
	}
	if rest, err := noop.Without("runtime", "native", "v8").Strings("runtime"); err != nil || len(rest)+len(got) != noop.Len() ||
		slices.Contains(rest, "v8") {
		t.Errorf("Without = %q, %v; want the others", rest, err)
	}
	if g := noop.Group("workload", "runtime").names; g[0] != "noop, wazero" || len(g) != 5 {
		t.Errorf("Group = %q", g)
	}
	if g := s.Group("runtime").Order("v8", "lucet").names; !slices.Equal(g,
		[]string{"v8", "lucet", "wazero", "wazero/interpreter", "native", "wasmtime"}) {
		t.Errorf("Order = %q", g)
	}
	if v := s.Float("wall_ns").In("s").In("us"); math.Abs(v.scale-1e-3) > 1e-18 || v.title() != "wall time, spawn to exit (µs)" {
		t.Errorf("In(s).In(us): scale %v, title %q", v.scale, v.title())
	}
}

// A parameter alone is named: "9" says nothing.
func TestTitles(t *testing.T) {
	b := encode(t, table.Strings("runtime", "", "", []string{"v8"}), table.Strings("param.n", "", "", []string{"9"}))
	tab, err := table.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	s := NewTable(tab)
	tests := []struct {
		group                 Group
		category, title, name string
	}{
		{s.Group("runtime"), "v8", "v8", "runtime"},
		{s.Group("param.n"), "9", "n\u00a0=\u00a09", "n"},
		{s.Group("param.n"), "", "no n", "n"},
		{s.Group("param.n"), "1, 2", "n\u00a0=\u00a01, 2", "n"},
		{s.Group("runtime", "param.n"), "v8, 9", "v8, n\u00a0=\u00a09", "runtime, n"},
		{s.Group("runtime", "param.n"), "others", "others", "runtime, n"},
	}
	for _, test := range tests {
		if got := test.group.title(test.category); got != test.title || test.group.name() != test.name {
			t.Errorf("%q of %s: title %q, want %q and %s", test.category, test.group.name(), got, test.title, test.name)
		}
	}
}

func TestTicks(t *testing.T) {
	tests := []struct {
		log      bool
		min, max float64
		want     string
	}{
		{true, 0.5, 900, "1 10 100"},
		{true, 2, 60, "2 5 10 20 50"},
		{true, 1, 1e12, "1 100 10000 1e6 1e8 1e10 1e12"},
		{true, 40, 47, "40 41 42 43 44 45 46 47"},
		{false, 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{false, 0, 312, "0 50 100 150 200 250 300"},
		{false, -3, 3, "-3 -2 -1 0 1 2 3"},
		{false, 0.0012, 0.0019, "0.0012 0.0013 0.0014 0.0015 0.0016 0.0017 0.0018 0.0019"},
		{false, 0, 5e6, "0 1e6 2e6 3e6 4e6 5e6"},
	}
	for _, test := range tests {
		a := axis{log: test.log, min: test.min, max: test.max}
		var texts []string
		last := math.Inf(-1)
		for _, tick := range a.ticks(200, 20) {
			if tick.value <= last || tick.value < a.min-1e-9 || tick.value > a.max+1e-9*math.Abs(a.max) {
				t.Errorf("%v to %v: tick %v after %v", test.min, test.max, tick.value, last)
			}
			last = tick.value
			if tick.text != "" {
				texts = append(texts, tick.text)
			}
		}
		if got := strings.Join(texts, " "); got != test.want {
			t.Errorf("ticks of %v to %v (log: %v) = %q, want %q", test.min, test.max, test.log, got, test.want)
		}
	}
}

// Names of panels that begin alike end so that they can be told apart.
func TestPanelTitles(t *testing.T) {
	for _, end := range []string{"Linux 5.4.0-1021-aws", "Linux 4.15.0-88-generic"} {
		name := "Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz " + end
		if got := strings.Join(multiples{}.title(name, 110), ""); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(name, " ", "") {
			t.Errorf("title %q, want all of %q", got, name)
		}
	}
}

// Two categories must not look alike, in colour or in grey.
func TestLooks(t *testing.T) {
	seen := make(map[string]int)
	for i := range 56 {
		l := lookOf(i)
		key := strings.Join([]string{string(rune(l.color.R)), string(rune(l.color.G)), string(rune(l.color.B)),
			string(rune(i % len(dashes)))}, ",")
		if was, ok := seen[key]; ok {
			t.Errorf("categories %d and %d have one colour and dash", was, i)
		}
		if l.marker == cross {
			t.Errorf("category %d has the sign of what is not there", i)
		}
		seen[key] = i
	}
}
