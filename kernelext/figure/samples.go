package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// The columns of samples that say whether a row is a measurement.
const (
	outcomeColumn = "outcome" // only "ok" is one
	detailColumn  = "detail"  // why another is not
	warmupColumn  = "warmup"  // "1" and "true" are not results
)

// A cell is the samples of one category in one panel.
type cell struct {
	category string
	values   []float64 // ascending, in the unit of the axis
	pairs    []pair    // of Line and Scatter
	leftOut  []leftOut
}

// A pair is one row of a drawing with two axes of values.
type pair struct{ x, y float64 }

// A leftOut counts rows that are not measurements, by the reason.
type leftOut struct {
	outcome string
	n       int
	detail  string // the first that a row has
}

const notMeasured = "not measured" // what a row without a value is counted as

const noSamples = "no samples" // the reason where the table has no row at all

// reason says why there are no values: "unsupported: node not found".
func (c *cell) reason() string {
	if len(c.leftOut) == 0 {
		return noSamples
	}
	most := slices.MaxFunc(c.leftOut, func(a, b leftOut) int { return a.n - b.n })
	return most.outcome + most.why()
}

// failed reports whether something was tried, and gave no value.
func (c *cell) failed() bool {
	return slices.ContainsFunc(c.leftOut, func(l leftOut) bool { return l.outcome != notMeasured })
}

// text returns "2 timeout".
func (l leftOut) text() string { return fmt.Sprintf("%d %s", l.n, l.outcome) }

// why returns ": node not found", the detail in one line; "" if there is none.
func (l leftOut) why() string {
	detail, _, _ := strings.Cut(strings.TrimSpace(l.detail), "\n")
	if detail = strings.TrimPrefix(detail, l.outcome+": "); detail == "" {
		return ""
	}
	return ": " + detail
}

// account says which rows are not in the numbers; of a cell that has no numbers
// also why.
func (c *cell) account() string {
	switch {
	case len(c.values) > 0:
		return leftOutText(c.leftOut)
	case len(c.leftOut) == 0:
		return noSamples
	case len(c.leftOut) == 1:
		return leftOutText(c.leftOut) + c.leftOut[0].why()
	}
	return leftOutText(c.leftOut) + " (" + c.reason() + ")"
}

// A panel is one of small multiples; a figure without Facet has one, unnamed.
type panel struct {
	name  string
	cells []cell
}

// collect sorts the rows into panels and cells. No row vanishes: each is a
// value or counted as left out.
func collect(facet, group Group, v Values) ([]panel, error) {
	rows, err := divide(facet, group, v)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(rows.cell))
	for i := range v.of.Len() {
		counts[rows.at(i)]++
	}
	for i, n := range counts {
		rows.cell[i].values = make([]float64, 0, n)
	}
	// Block by block: in Wasm a call per row is what ten million rows cost most.
	const block = 4096
	values, failed := make([]float64, block), make([]bool, block)
	fill := v.reader()
	for from := 0; from < v.of.Len(); from += block {
		size := min(block, v.of.Len()-from)
		fill(from, values[:size])
		rows.failed(from, failed[:size])
		for k, value := range values[:size] {
			c := &rows.cell[rows.at(from+k)]
			switch {
			case failed[k]:
				c.leave(rows.outcome(from+k), rows.detail(from+k))
			case math.IsNaN(value):
				c.leave(v.absence(from+k), rows.detail(from+k))
			default:
				c.values = append(c.values, value)
			}
		}
	}
	for i := range rows.cell {
		sortFloats(rows.cell[i].values)
	}
	return rows.panels(), nil
}

// collectPairs is collect for two values a row; the pairs keep the order of
// the rows.
func collectPairs(facet, group Group, x, y Values) ([]panel, error) {
	rows, err := divide(facet, group, x, y)
	if err != nil {
		return nil, err
	}
	xs, ys := make([]float64, x.of.Len()), make([]float64, y.of.Len())
	x.reader()(0, xs)
	y.reader()(0, ys)
	for i := range xs {
		c := &rows.cell[rows.at(i)]
		switch outcome := rows.outcome(i); {
		case outcome != "":
			c.leave(outcome, rows.detail(i))
		case math.IsNaN(ys[i]):
			c.leave(y.absence(i), rows.detail(i))
		case math.IsNaN(xs[i]):
			c.leave(x.absence(i), rows.detail(i))
		default:
			c.pairs = append(c.pairs, pair{xs[i], ys[i]})
			c.values = append(c.values, ys[i])
		}
	}
	for i := range rows.cell {
		sortFloats(rows.cell[i].values)
	}
	return rows.panels(), nil
}

// leave counts a row that is not a measurement.
func (c *cell) leave(outcome, detail string) {
	for i := range c.leftOut {
		if l := &c.leftOut[i]; l.outcome == outcome {
			l.n++
			if l.detail == "" {
				l.detail = detail
			}
			return
		}
	}
	c.leftOut = append(c.leftOut, leftOut{outcome, 1, detail})
}

// A division says of each row of a view in which cell it is, and whether it
// is a measurement.
type division struct {
	facet, group Group
	cell         []cell
	outcome      func(i int) string         // "" for a measurement
	failed       func(from int, out []bool) // true for what is none, of the rows from a first one
	detail       func(i int) string
}

// divide checks that group, facet and values speak of the same rows.
func divide(facet, group Group, values ...Values) (*division, error) {
	if group.err != nil {
		return nil, group.err
	}
	if facet.err != nil {
		return nil, fmt.Errorf("facet: %w", facet.err)
	}
	for _, v := range values {
		switch {
		case v.err != nil:
			return nil, v.err
		case !group.of.same(v.of):
			return nil, errors.New("the group and the values are not of the same rows; say the same Where for both")
		}
	}
	if facet.names == nil && facet.code == nil {
		facet = Group{of: group.of, names: []string{""}, code: make([]uint32, group.of.Len())}
	}
	if !facet.of.same(group.of) {
		return nil, errors.New("the facet and the group are not of the same rows; say the same Where for both")
	}
	if group.of.Len() == 0 {
		return nil, errors.New("the table has no rows to draw")
	}
	d := &division{facet: facet, group: group, cell: make([]cell, len(facet.names)*len(group.names))}
	for i := range d.cell {
		d.cell[i].category = group.names[i%len(group.names)]
	}
	d.outcome, d.detail = measured(group.of)
	d.failed = failures(group.of, d.outcome)
	return d, nil
}

func (d *division) at(i int) int {
	return int(d.facet.code[i])*len(d.group.names) + int(d.group.code[i])
}

func (d *division) panels() []panel {
	n := len(d.group.names)
	out := make([]panel, len(d.facet.names))
	for i, name := range d.facet.names {
		out[i] = panel{name: d.facet.title(name), cells: d.cell[i*n : (i+1)*n]}
	}
	return out
}

// measured returns what says of a row why it is no measurement, "" if it is
// one, and in which words. A table without the columns has measurements only.
func measured(t Table) (outcome, detail func(i int) string) {
	detail = spoken(t, detailColumn, func(s string) string { return s })
	ended := spoken(t, outcomeColumn, func(s string) string {
		switch s {
		case "ok":
			return ""
		case "":
			return "no outcome"
		}
		return s
	})
	warmup := spoken(t, warmupColumn, func(s string) string {
		if s == "1" || s == "true" {
			return "warm-up"
		}
		return ""
	})
	if _, err := t.column(warmupColumn); err != nil {
		return ended, detail
	}
	return func(i int) string {
		if w := warmup(i); w != "" {
			return w
		}
		return ended(i)
	}, detail
}

// failures returns what tells of many rows at once whether they have an outcome
// other than a measurement.
func failures(t Table, outcome func(i int) string) func(from int, out []bool) {
	c, err := t.column(outcomeColumn)
	_, noWarmup := t.column(warmupColumn)
	if err != nil || noWarmup == nil || c.Kind != table.String || c.Null != nil || t.rows != nil {
		return func(from int, out []bool) {
			for k := range out {
				out[k] = outcome(from+k) != ""
			}
		}
	}
	bad := make([]bool, len(c.Dict))
	for code, s := range c.Dict {
		bad[code] = s != "ok"
	}
	return func(from int, out []bool) {
		for k, code := range c.Codes[from : from+len(out)] {
			out[k] = bad[code]
		}
	}
}

// spoken returns what say makes of a row's value; "" where there is no
// such column. It asks once per distinct string, not once per row.
func spoken(t Table, name string, say func(string) string) func(i int) string {
	c, err := t.column(name)
	if err != nil {
		return func(int) string { return "" }
	}
	if c.Kind == table.String && c.Null == nil && t.rows == nil {
		said := make([]string, len(c.Dict))
		for code, s := range c.Dict {
			said[code] = say(s)
		}
		return func(i int) string { return said[c.Codes[i]] }
	}
	spelled := speller(c)
	return func(i int) string { return say(spelled(t.row(i))) }
}
