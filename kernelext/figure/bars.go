package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bars draws several values of each category below each other, in one unit:
// resident and proportional memory. Each has its estimate (by default the
// median) and its 95% interval, and both are written beside it.
func (f *Figure) Bars(g Group, values ...Values) error {
	if f.logX || f.logY {
		return fmt.Errorf("Bars: the length of a bar means nothing on a log axis; leave LogX and LogY out")
	}
	var b bars
	low, high := math.Inf(1), math.Inf(-1)
	for i, v := range values {
		if i > 0 {
			f.drawn = "" // the same drawing
		}
		all, err := f.gather("Bars", g, v)
		if err != nil {
			return err
		}
		if v.unit != values[0].unit {
			return fmt.Errorf("Bars: %s is in %q, %s in %q; convert one with In", v.label, v.unit, values[0].label, values[0].unit)
		}
		for _, p := range all.panels {
			for _, c := range p.cells {
				low, high = all.estimate.of(c.values).reach(low, high)
			}
		}
		b.of = append(b.of, all)
	}
	if len(b.of) == 0 {
		return fmt.Errorf("Bars: no values")
	}
	var err error
	if b.x, err = f.values(printedUnit(values[0].unit), false, true, low, high); err != nil {
		return fmt.Errorf("Bars: %w", err)
	}
	f.chart = b
	return nil
}

type bars struct {
	of []grouped // by values
	x  axis
}

func (b bars) legend() []key {
	var keys []key
	for i, g := range b.of {
		keys = append(keys, key{look: lookOf(i), name: g.values.label, how: boxKey})
	}
	return keys
}

func (b bars) rows() [][]string { return tableText(b.of).rows() }

func (b bars) notes(said func(*cell) bool) []string {
	first, short := b.of[0], ""
	for _, g := range b.of {
		short = cmp.Or(short, g.short())
	}
	notes := first.notes(sentences(first.estimate.name(), first.counts(), short), said)
	for _, g := range b.of[1:] {
		var parts []string // what is left out of these values and not of the first
		for i, p := range g.panels {
			for k := range p.cells {
				c := &p.cells[k]
				if a := c.account(); a != "" && a != first.panels[i].cells[k].account() {
					parts = append(parts, c.in(p)+": "+a)
				}
			}
		}
		if parts != nil {
			notes = append(notes, "Left out of "+g.values.label+": "+strings.Join(parts, "; ")+".")
		}
	}
	return notes
}

const barHeight = 8.0 // of one of several, and of the line of text beside it

func (b bars) body(s *scene, top float64) float64 {
	all := b.of[0]
	m := multiples{
		names: all.names(), x: b.x, y: axis{categories: all.categories()},
		height:   (barHeight*float64(len(b.of)) + 5) * float64(len(all.panels[0].cells)),
		minWidth: 90,
		draw:     b.panel,
	}
	if b.x.empty {
		return m.body(s, top)
	}
	m.sideHead, m.side, m.sideLead = all.estimate.value()+" "+all.estimate.bracket(), make([][]string, len(all.panels)), barHeight
	for i, p := range all.panels {
		for k := range p.cells {
			var texts []string
			none := true
			for _, g := range b.of {
				e := g.estimate.of(g.panels[i].cells[k].values)
				texts, none = append(texts, cmp.Or(e.text(), "–")), none && e.n == 0
			}
			if none {
				texts = nil
			}
			m.side[i] = append(m.side[i], strings.Join(texts, "\n"))
		}
	}
	return m.body(s, top)
}

func (b bars) panel(f frame, panel int) {
	for k := range b.of[0].panels[panel].cells {
		middle := f.py(float64(k))
		if !slices.ContainsFunc(b.of, func(g grouped) bool { return len(g.panels[panel].cells[k].values) > 0 }) {
			drawMissing(f, middle, &b.of[0].panels[panel].cells[k])
			continue
		}
		for i, g := range b.of {
			y := middle + barHeight*(float64(i)-float64(len(b.of)-1)/2)
			e := g.estimate.of(g.panels[panel].cells[k].values)
			if e.n == 0 {
				cross.draw(f.s, grey, point{f.left + 6, y}, 2)
				continue
			}
			l := lookOf(i)
			l.hatch.fill(f.s, l.color, point{f.px(math.Max(f.x.min, 0)), y - barHeight/2 + 0.5}, point{f.px(e.value), y + barHeight/2 - 0.5})
			if e.ok {
				drawWhisker(f, thinPen, y, e.interval.Low, e.interval.High, 2)
			}
		}
	}
}
