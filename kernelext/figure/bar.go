package figure

import (
	"fmt"
	"math"
)

// Bar draws each category's estimate (by default the median) and its 95%
// interval, and writes both beside it. On a log axis, where the length of a bar
// means nothing, it draws a marker. With Modes colours and shapes are those of
// modes.
func (f *Figure) Bar(g Group, v Values) error {
	if err := f.onlyLogX("Bar"); err != nil {
		return err
	}
	all, err := f.gather("Bar", g, v)
	if err != nil {
		return err
	}
	b := bar{grouped: all, looks: f.looksOf(all.panels[0].cells)}
	if b.modes = modeKeys(f.ways, boxKey); f.logX {
		b.modes = modeKeys(f.ways, markerKey)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range all.panels {
		var of []estimate
		for _, c := range p.cells {
			e := all.estimate.of(c.values)
			low, high = e.reach(low, high)
			of = append(of, e)
		}
		b.estimates = append(b.estimates, of)
	}
	if b.x, err = f.values(v.title(), f.logX, true, low, high); err != nil {
		return fmt.Errorf("Bar: %w", err)
	}
	f.chart = b
	return nil
}

type bar struct {
	grouped
	x         axis
	estimates [][]estimate // by panel and category
	looks     []look       // by category
	modes     []key        // of Modes
}

func (b bar) legend() []key { return b.modes }

func (b bar) notes(said func(*cell) bool) []string {
	return b.grouped.notes(sentences(b.estimate.name(), b.counts(), b.short()), said)
}

// rowHeight is the height of each of n categories: many stand closer.
func rowHeight(n int) float64 {
	if n > 12 {
		return 11.5
	}
	return 19
}

func (g grouped) rowsHeight() float64 {
	n := len(g.panels[0].cells)
	return float64(rowHeight(n) * float64(n))
}

func (b bar) body(s *scene, top float64) float64 {
	m := multiples{
		names: b.names(), x: b.x, y: axis{categories: b.categories()},
		height: b.rowsHeight(), minWidth: 90,
		draw: b.panel,
	}
	if b.x.empty {
		return m.body(s, top)
	}
	m.sideHead, m.side = b.estimate.value()+" "+b.estimate.bracket(), make([][]string, len(b.panels))
	for i, of := range b.estimates {
		for _, e := range of {
			m.side[i] = append(m.side[i], e.text())
		}
	}
	return m.body(s, top)
}

func (b bar) panel(f frame, panel int) {
	for i, e := range b.estimates[panel] {
		y := f.py(float64(i))
		if e.n == 0 {
			drawMissing(f, y, &b.panels[panel].cells[i])
			continue
		}
		l := b.looks[i]
		x := f.px(e.value)
		whisker := thinPen
		if !f.x.log {
			from, to := f.px(math.Max(f.x.min, 0)), x
			if to < from {
				from, to = to, from
			}
			l.hatch.fill(f.s, l.color, point{from, y - 5}, point{to, y + 5})
		} else {
			whisker = pen{color: l.color, width: 1.2}
		}
		if e.ok {
			drawWhisker(f, whisker, y, e.interval.Low, e.interval.High, 4)
		}
		if f.x.log {
			l.marker.draw(f.s, l.color, point{x, y}, 2)
		}
	}
}

// drawWhisker draws a horizontal interval with caps.
func drawWhisker(f frame, p pen, y, low, high, cap float64) {
	a, b := f.px(low), f.px(high)
	f.s.line(p, point{a, y}, point{b, y})
	f.s.line(p, point{a, y - cap}, point{a, y + cap})
	f.s.line(p, point{b, y - cap}, point{b, y + cap})
}

// drawMissing writes, where the bar would be, why there is none.
func drawMissing(f frame, y float64, c *cell) {
	cross.draw(f.s, grey, point{f.left + 6, y}, 2.4)
	lead, most := noteText.size+0.5, 2
	if f.py(1)-f.py(0) < 2*lead {
		most = 1
	}
	lines, whole := noteText.shorten(c.reason(), f.right-f.left-16, most)
	f.s.said[c] = whole
	y += 2.5 - float64(lead*float64(len(lines)-1)/2)
	for _, line := range lines {
		f.s.write(noteText, point{f.left + 12, y}, left, line)
		y += lead
	}
}
