package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Intervals draws what was estimated elsewhere, one row of the table in each
// category: the value as a disc, the interval from low to high as a bar, and
// the bound that it is to be compared with as a diamond; of a range, to is its
// other end, and one may be given. All are in one unit. A row without an interval,
// or without a bound, is drawn without, and one without a value says its outcome.
// Distinguish tells the values apart.
func (f *Figure) Intervals(g Group, low, value, high, bound Values, to ...Values) error {
	if err := f.onlyLogX("Intervals"); err != nil {
		return err
	}
	if err := f.begin("Intervals"); err != nil {
		return err
	}
	if len(to) > 1 {
		return fmt.Errorf("Intervals: %d other ends of a range: give one", len(to))
	}
	columns := append([]Values{low, value, high, bound}, to...)
	rows, err := divide(f.facet, g, columns...)
	if err != nil {
		return fmt.Errorf("Intervals: %w", err)
	}
	if f.kinds.err != nil {
		return fmt.Errorf("Intervals: distinguish: %w", f.kinds.err)
	}
	if f.kinds.code != nil && !f.kinds.of.same(g.of) {
		return errors.New("Intervals: what is distinguished and the group are not of the same rows; say the same Where for both")
	}
	numbers := make([][]float64, len(columns))
	for i, v := range columns {
		if v.unit != value.unit {
			return fmt.Errorf("Intervals: %s is in %q, %s in %q; convert one with In", v.label, v.unit, value.label, value.unit)
		}
		numbers[i] = make([]float64, v.of.Len())
		v.reader()(0, numbers[i])
	}
	c := intervals{bound: bound, kind: f.kinds.name(), kinds: f.kinds.names, low: low.label, high: high.label, of: make([]span, len(rows.cell))}
	least, most := math.Inf(1), math.Inf(-1)
	for i := range c.of { // a panel may have no row of a category
		c.of[i] = span{low: math.NaN(), value: math.NaN(), high: math.NaN(), bound: math.NaN(), to: math.NaN(), kind: -1}
	}
	seen := make([]bool, len(rows.cell))
	for i := range numbers[1] {
		at := rows.at(i)
		here := &rows.cell[at]
		if seen[at] {
			return fmt.Errorf("Intervals: %q has more than one row; group by what tells them apart too", here.category)
		}
		seen[at] = true
		s := span{low: numbers[0][i], value: numbers[1][i], high: numbers[2][i], bound: numbers[3][i], to: math.NaN()}
		if len(to) > 0 {
			s.to = numbers[4][i]
		}
		if f.kinds.code != nil {
			s.kind = int(f.kinds.code[i])
		}
		switch outcome := rows.outcome(i); {
		case outcome != "":
			here.leave(outcome, rows.detail(i))
		case math.IsNaN(s.value):
			here.leave(value.absence(i), rows.detail(i))
		default:
			here.values = []float64{s.value}
			if s.low > s.high {
				return fmt.Errorf("Intervals: %q: the interval from %v to %v has its ends exchanged", here.category, s.low, s.high)
			}
		}
		if len(here.values) == 0 {
			s.value, s.low, s.high = math.NaN(), math.NaN(), math.NaN()
		}
		for _, v := range []float64{s.low, s.value, s.high, s.bound, s.to} {
			if !math.IsNaN(v) {
				least, most = math.Min(least, v), math.Max(most, v)
			}
		}
		c.of[at] = s
	}
	c.grouped = grouped{panels: rows.panels(), group: g.name(), values: value}
	if c.x, err = f.values(value.title(), f.logX, false, least, most); err != nil {
		return fmt.Errorf("Intervals: %w", err)
	}
	f.chart = c
	return nil
}

// A span is one row of Intervals; what is NaN there is not.
type span struct {
	low, value, high, bound float64
	to                      float64 // the other end of bound, of a range
	kind                    int     // index into intervals.kinds; negative of a category that the panel has not
}

func (s span) interval() bool { return !math.IsNaN(s.low) && !math.IsNaN(s.high) }

// text returns "12.3 [11.9, 12.8]".
func (s span) text() string {
	switch {
	case math.IsNaN(s.value):
		return "–"
	case !s.interval():
		return estimateText(s.value) + " [–]"
	}
	return estimateText(s.value) + " [" + estimateText(s.low) + ", " + estimateText(s.high) + "]"
}

// boundText returns "100", or "4 to 5".
func (s span) boundText() string {
	if math.IsNaN(s.to) {
		return estimateText(s.bound)
	}
	return estimateText(s.bound) + " to " + estimateText(s.to)
}

type intervals struct {
	grouped
	x         axis
	bound     Values
	kind      string   // by what values are distinguished
	kinds     []string // of them, where they are distinguished
	low, high string
	of        []span // by panel and category
}

// at returns the row of a category.
func (c intervals) at(panel, category int) span {
	return c.of[panel*len(c.panels[panel].cells)+category]
}

var (
	valueLook = look{color: palette[0], marker: disc}
	boundLook = look{color: palette[3], marker: diamond}

	// kindLooks leave out what the bound looks like.
	kindLooks = []look{
		{color: palette[2], marker: disc}, {color: palette[1], marker: square}, {color: palette[5], marker: triangle}, {color: palette[6], marker: ring},
	}
)

// bounded reports whether any row has a bound.
func (c intervals) bounded() bool {
	return slices.ContainsFunc(c.of, func(s span) bool { return !math.IsNaN(s.bound) || !math.IsNaN(s.to) })
}

// look is that of a row's value.
func (c intervals) look(s span) look {
	if len(c.kinds) == 0 {
		return valueLook
	}
	return kindLooks[s.kind%len(kindLooks)]
}

func (c intervals) legend() []key {
	var keys []key
	if c.bounded() {
		keys = []key{{look: boundLook, name: c.bound.label, how: markerKey}}
	}
	if len(c.kinds) == 0 {
		return append([]key{{look: valueLook, name: c.values.label, how: lineKey}}, keys...)
	}
	drawn := map[int]bool{}
	for i, p := range c.panels {
		for k := range p.cells {
			if len(p.cells[k].values) > 0 {
				drawn[c.at(i, k).kind] = true
			}
		}
	}
	for kind := len(c.kinds) - 1; kind >= 0; kind-- {
		if drawn[kind] {
			keys = append([]key{{look: c.look(span{kind: kind}), name: c.kinds[kind], how: lineKey}}, keys...)
		}
	}
	return keys
}

func (c intervals) notes(said func(*cell) bool) []string {
	how := fmt.Sprintf("Bar: %s to %s.", c.low, c.high)
	for i, p := range c.panels {
		for k := range p.cells {
			if s := c.at(i, k); len(p.cells[k].values) > 0 && !s.interval() {
				return c.grouped.notes(how+" [–]: there is no interval.", said)
			}
		}
	}
	return c.grouped.notes(how, said)
}

func (c intervals) categories() []string {
	var out []string
	for _, cell := range c.panels[0].cells {
		out = append(out, cell.category)
	}
	return out
}

func (c intervals) body(s *scene, top float64) float64 {
	m := multiples{
		names: c.names(), x: c.x, y: axis{categories: c.categories()},
		height: c.rowsHeight(), minWidth: 90,
		draw: c.panel,
	}
	if c.x.empty {
		return m.body(s, top)
	}
	m.sideHead, m.side = c.values.label, make([][]string, len(c.panels))
	if c.bounded() {
		m.sideHead += "; " + c.bound.label
	}
	for i, p := range c.panels {
		for k := range p.cells {
			s := c.at(i, k)
			text := s.text()
			if !math.IsNaN(s.bound) {
				text += "; " + s.boundText()
			}
			m.side[i] = append(m.side[i], text)
		}
	}
	return m.body(s, top)
}

func (c intervals) panel(f frame, panel int) {
	for k := range c.panels[panel].cells {
		y, s := f.py(float64(k)), c.at(panel, k)
		if len(c.panels[panel].cells[k].values) == 0 {
			drawMissing(f, y, &c.panels[panel].cells[k])
			continue
		}
		if !math.IsNaN(s.bound) && !math.IsNaN(s.to) {
			f.s.line(pen{color: boundLook.color, width: 0.8}, point{f.px(s.bound), y}, point{f.px(s.to), y})
		}
		for _, bound := range []float64{s.bound, s.to} {
			if !math.IsNaN(bound) {
				x := f.px(bound)
				f.s.line(pen{color: boundLook.color, width: 0.8}, point{x, y - 6}, point{x, y + 6})
				boundLook.marker.draw(f.s, boundLook.color, point{x, y}, 2)
			}
		}
		l := c.look(s)
		if s.interval() {
			drawWhisker(f, pen{color: l.color, width: 1.2}, y, s.low, s.high, 3)
		}
		l.marker.draw(f.s, l.color, point{f.px(s.value), y}, 2.2)
	}
}

// rows is the text form: a line per category.
func (c intervals) rows() [][]string {
	out := [][]string{{c.group, c.values.title(), "[" + c.low + ", " + c.high + "]", c.bound.title()}}
	if len(c.kinds) > 0 {
		out[0] = append(out[0], c.kind)
	}
	out[0] = append(out[0], "left out")
	faceted := c.panels[0].name != ""
	if faceted {
		out[0] = append([]string{"panel"}, out[0]...)
	}
	for i, p := range c.panels {
		for k := range p.cells {
			s := c.at(i, k)
			row := []string{p.cells[k].category, estimateText(s.value), "–", s.boundText()}
			if s.interval() {
				row[2] = "[" + estimateText(s.low) + ", " + estimateText(s.high) + "]"
			}
			if len(c.kinds) > 0 {
				row = append(row, "")
				if s.kind >= 0 {
					row[len(row)-1] = c.kinds[s.kind]
				}
			}
			row = append(row, p.cells[k].account())
			if faceted {
				row = append([]string{p.name}, row...)
			}
			out = append(out, row)
		}
	}
	return out
}
