package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// Suite draws how systems compare with one of them, the baseline, over the
// workloads of a suite: for each workload the ratio of the geometric means of
// the values, and at the right the geometric mean of a system's ratios and its
// 95% interval, by stats.RatioOfGeometricMeans. The values must be independent,
// so one of an invocation: take Medians of calls by "seq" too, for it cannot tell.
// Each interval is by itself: none is widened for how many there are. Systems come
// in the order of their means, and those without one last. The ratios are
// fields with a colour and the number in it: of three digits, or of one decimal
// where there are many workloads; of so many that this has no room either, fields
// with a colour alone; on a page too narrow for that, lines across a log axis,
// with the mean as a disc.
//
// A field without values on either side is drawn as such. A system that lacks a
// workload has its mean over the others, and the drawing says over how many.
func (f *Figure) Suite(systems, workloads Group, v Values, baseline string) error {
	switch {
	case f.logX || f.logY:
		return fmt.Errorf("Suite: both axes have categories; leave LogX and LogY out")
	case f.facet.of.data != nil || f.facet.err != nil:
		return fmt.Errorf("Suite: the workloads are its columns; leave Facet out")
	case f.estimator != "" && f.estimator != GeometricMean:
		return fmt.Errorf("Suite: it shows geometric means; leave Estimate out")
	case systems.err == nil && !slices.Contains(systems.names, baseline):
		return fmt.Errorf("Suite: no %q to compare with; there are %s", baseline, strings.Join(systems.names, ", "))
	}
	f.estimator = GeometricMean
	all, err := f.gather("Suite", pairs(systems, workloads), v)
	if err != nil {
		return err
	}
	fields, width := all.panels[0].cells, len(workloads.names)
	base := fields[slices.Index(systems.names, baseline)*width:][:width]
	c := suite{base: base, baseline: baseline, heatMap: heatMap{grouped: all, x: axis{title: workloads.name(), categories: workloads.names}, y: axis{title: systems.name()}}}
	var rows []suiteRow
	low, high := math.Inf(1), math.Inf(-1)
	for i, system := range systems.names {
		if system == baseline {
			continue
		}
		row, whole := suiteRow{system: system}, total{}
		var of []stats.Pair
		for k := range base {
			x, e := fields[i*width+k], estimate{}
			switch {
			case len(x.values) == 0:
			case len(base[k].values) == 0:
				x.leave(noBaseline, "")
				x.values = nil
			default:
				e.n = len(x.values)
				e.value = stats.GeometricMean(x.values) / stats.GeometricMean(base[k].values)
				low, high = math.Min(low, e.value), math.Max(high, e.value)
				whole.of++
				whole.value += math.Log(e.value)
				of = append(of, stats.Pair{X: x.values, Y: base[k].values})
			}
			row.cells, row.ratios = append(row.cells, x), append(row.ratios, e)
		}
		whole.value = math.Exp(whole.value / float64(whole.of)) // NaN for none
		_, whole.interval, whole.ok = stats.RatioOfGeometricMeans(of, level)
		row.total = whole
		rows = append(rows, row)
	}
	if rows == nil {
		return fmt.Errorf("Suite: nothing to compare with %q", baseline)
	}
	c.panels = []panel{{}}
	var ratios []estimate
	slices.SortStableFunc(rows, func(a, b suiteRow) int {
		if a.total.of == 0 || b.total.of == 0 {
			return cmp.Compare(min(b.total.of, 1), min(a.total.of, 1))
		}
		return cmp.Compare(a.total.value, b.total.value)
	})
	for _, row := range rows {
		c.panels[0].cells, ratios = append(c.panels[0].cells, row.cells...), append(ratios, row.ratios...)
		c.y.categories, c.totals = append(c.y.categories, row.system), append(c.totals, row.total)
	}
	c.scale = axis{title: v.label + " over " + baseline + "'s", min: low, max: high, log: true}
	for _, t := range c.totals {
		if t.ok {
			low, high = math.Min(low, t.interval.Low), math.Max(high, t.interval.High)
		}
	}
	if c.ratios, err = numeric(c.scale.title, true, false, low, high); err != nil {
		return fmt.Errorf("Suite: %w", err)
	}
	if low <= 1 && 1 <= high {
		c.ratios.marks = []float64{1}
	}
	c.estimates = [][]estimate{ratios}
	c.values.unit = "x"
	for _, t := range c.totals {
		c.side = append(c.side, c.totalText(t))
	}
	c.sideHead = "mean [95%]"
	f.chart = c
	return nil
}

// A total is what a system is over the workloads.
type total struct {
	estimate
	of int // workloads
}

// A suiteRow is a system's fields, one a workload, and their mean.
type suiteRow struct {
	system string
	cells  []cell
	ratios []estimate
	total  total
}

type suite struct {
	heatMap
	baseline string
	base     []cell // of it, by workload
	ratios   axis
	totals   []total
}

// totalText returns "1.40 [1.32, 1.49]", and how many workloads it is of if
// some are not there.
func (c suite) totalText(t total) string {
	if t.of == 0 {
		return ""
	}
	t.n = t.of
	text := t.text()
	if t.of < len(c.x.categories) {
		text += fmt.Sprintf(" of %d", t.of)
	}
	return text
}

func (c suite) notes(func(*cell) bool) []string {
	how := "Ratio of geometric means, " + c.scale.title + ", of each workload, and the geometric mean over workloads. " +
		"95% intervals, each by itself: Welch's t on logarithms of the values, taken as independent, the workloads as they are."
	if slices.ContainsFunc(c.totals, func(t total) bool { return t.of > 0 && t.of < len(c.x.categories) }) {
		how += " Means \u201cof\u201d some workloads alone are not to be compared with others."
	}
	notes := []string{sentences(how, c.counts(), c.baseCounts(), c.singles())}
	if left := c.leftOut(); left != nil {
		notes = append(notes, "Left out: "+strings.Join(left, "; ")+".")
	}
	return notes
}

// baseCounts says how many samples the baseline has of a workload.
func (c suite) baseCounts() string {
	least, most := math.MaxInt, 0
	for _, b := range c.base {
		least, most = min(least, len(b.values)), max(most, len(b.values))
	}
	if least == most {
		return fmt.Sprintf("Of %s: n = %d.", c.baseline, most)
	}
	return fmt.Sprintf("Of %s: n = %d to %d.", c.baseline, least, most)
}

// singles says which samples are too few for an interval: one is enough to take
// that of a system away.
func (c suite) singles() string {
	var names []string
	width := len(c.x.categories)
	for k, workload := range c.x.categories {
		if len(c.base[k].values) == 1 {
			names = append(names, c.baseline+" in "+workload)
		}
		for i, system := range c.y.categories {
			if c.estimates[0][i*width+k].n == 1 && len(c.base[k].values) > 1 {
				names = append(names, system+" in "+workload)
			}
		}
	}
	switch n := len(names); {
	case n == 0:
		return ""
	case n > mostRemarks:
		return fmt.Sprintf("[–]: no interval, for n = 1 in %d fields: %s and others.", n, strings.Join(names[:mostRemarks], ", "))
	}
	return "[–]: no interval, for n = 1: " + listed(names) + "."
}

// leftOut says which rows are not in the numbers, each reason once: "wasm3 and
// wamr in json and nbody, wavm: 6 unsupported: no SIMD".
func (c suite) leftOut() []string {
	var accounts []string
	places := make(map[string][]string)     // of an account: " in json and nbody"
	systems := make(map[[2]string][]string) // of an account and a place
	for i, system := range c.y.categories {
		var here []string // accounts
		in := make(map[string][]string)
		for k, workload := range c.x.categories {
			if a := withoutName(c.field(i, k).account(), system); a != "" {
				if in[a] == nil {
					here = append(here, a)
				}
				in[a] = append(in[a], workload)
			}
		}
		for _, a := range here {
			place := ""
			if len(in[a]) < len(c.x.categories) {
				place = " in " + listed(in[a])
			}
			if places[a] == nil {
				accounts = append(accounts, a)
			}
			if systems[[2]string{a, place}] == nil {
				places[a] = append(places[a], place)
			}
			systems[[2]string{a, place}] = append(systems[[2]string{a, place}], system)
		}
	}
	var out []string
	for _, a := range accounts {
		var where []string
		for _, place := range places[a] {
			where = append(where, listed(systems[[2]string{a, place}])+place)
		}
		out = append(out, strings.Join(where, ", ")+": "+a)
	}
	return out
}

// field returns the samples of a system and a workload.
func (c suite) field(system, workload int) *cell {
	return &c.panels[0].cells[system*len(c.x.categories)+workload]
}

const (
	fieldWidth = 22.0 // in which a number and a workload's name can be read
	slimWidth  = 9.0  // in which a colour can be seen, and the name stands upright
	slimRoom   = 200  // less says more as an axis than as fields without numbers
)

// body draws fields where the page is wide enough, if need be without their
// numbers, and else each workload's ratio as a line across an axis and the mean
// as a disc.
func (c suite) body(s *scene, top float64) float64 {
	names := 0.0
	for _, system := range c.y.categories {
		names = math.Max(names, plainText.measure(system))
	}
	side := 0.0
	for _, text := range c.side {
		side = math.Max(side, plainText.measure(text))
	}
	numbers := 0.0 // as short ones
	for _, e := range c.estimates[0] {
		if e.n > 0 {
			numbers = math.Max(numbers, plainText.measure(shortText(e.value)))
		}
	}
	room := s.width - names - side - 40
	switch width := room / float64(len(c.x.categories)); {
	case width >= fieldWidth:
		return c.heatMap.body(s, top)
	case width >= slimWidth && room >= slimRoom:
		c.slim, c.bare = true, width < numbers+0.8
		return c.heatMap.body(s, top)
	}
	m := multiples{
		names: c.names(), x: c.ratios, y: axis{categories: c.y.categories},
		height: rowHeight(len(c.y.categories)) * float64(len(c.y.categories)), minWidth: 90,
		draw: c.forest,
	}
	if !c.ratios.empty {
		m.sideHead, m.side = c.sideHead, [][]string{c.side}
	}
	return m.body(s, top)
}

func (c suite) forest(f frame, _ int) {
	width := len(c.x.categories)
	for i, t := range c.totals {
		y, l := f.py(float64(i)), valueLook
		if t.of == 0 {
			drawMissing(f, y, c.field(i, 0))
			continue
		}
		for _, e := range c.estimates[0][i*width:][:width] {
			if e.n > 0 {
				x := f.px(e.value)
				f.s.line(pen{color: grey, width: 0.8}, point{x, y - 4}, point{x, y + 4})
			}
		}
		if t.ok {
			drawWhisker(f, pen{color: l.color, width: 1.2}, y, t.interval.Low, t.interval.High, 2)
		}
		l.marker.draw(f.s, l.color, point{f.px(t.value), y}, 2.2)
	}
}

// rows is the text form: a line per system.
func (c suite) rows() [][]string {
	out := [][]string{slices.Concat([]string{c.y.title}, c.x.categories, []string{"geometric mean", "95% interval", "left out"})}
	width := len(c.x.categories)
	for i, system := range c.y.categories {
		row := []string{system}
		var left []string
		for k, e := range c.estimates[0][i*width:][:width] {
			if e.n > 0 {
				row = append(row, estimateText(e.value))
			} else {
				row = append(row, "–")
			}
			if account := c.field(i, k).account(); account != "" {
				left = append(left, c.x.categories[k]+": "+account)
			}
		}
		mean, interval := "–", "–"
		if t := c.totals[i]; t.of > 0 {
			mean = estimateText(t.value)
			interval = t.intervalText()
			if t.of < width {
				mean += fmt.Sprintf(" of %d", t.of)
			}
		}
		out = append(out, append(row, mean, interval, strings.Join(left, "; ")))
	}
	return out
}
