package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
)

// HeatMap draws the estimate (by default the median) of each pair of
// categories as a coloured field with the number in it. The colours are
// logarithmic where the estimates span more than a factor of twenty.
func (f *Figure) HeatMap(x, y Group, v Values) error {
	if f.logX || f.logY {
		return fmt.Errorf("HeatMap: both axes have categories; leave LogX and LogY out")
	}
	all, err := f.gather("HeatMap", pairs(y, x), v)
	if err != nil {
		return err
	}
	h := heatMap{
		grouped: all,
		x:       axis{title: x.name(), categories: x.names},
		y:       axis{title: y.name(), categories: y.names},
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range all.panels {
		var of []estimate
		for _, c := range p.cells {
			e := all.estimate.of(c.values)
			if e.n > 0 {
				low, high = math.Min(low, e.value), math.Max(high, e.value)
			}
			of = append(of, e)
		}
		h.estimates = append(h.estimates, of)
	}
	h.scale = axis{title: v.title(), min: low, max: high, log: low > 0 && high/low > 20}
	f.chart = h
	return nil
}

// pairs returns the pairs of categories, those of b changing fastest.
func pairs(a, b Group) Group {
	g := Group{of: a.of, columns: slices.Concat(a.columns, b.columns), params: slices.Concat(a.params, b.params), err: a.err}
	switch {
	case a.err != nil:
		return g
	case b.err != nil:
		g.err = b.err
		return g
	case !a.of.same(b.of):
		g.err = fmt.Errorf("the two groups are not of the same rows; say the same Where for both")
		return g
	}
	for _, outer := range a.names {
		for _, inner := range b.names {
			g.names = append(g.names, a.title(outer)+", "+b.title(inner))
		}
	}
	g.code = make([]uint32, len(a.code))
	for i := range g.code {
		g.code[i] = a.code[i]*uint32(len(b.names)) + b.code[i]
	}
	return g
}

type heatMap struct {
	grouped
	x, y      axis
	scale     axis
	estimates [][]estimate // by panel and pair
	sideHead  string       // over the texts at the right of the rows of the only panel
	side      []string     // nil: none
	slim      bool         // fields are too narrow for numbers of three digits and level names
	bare      bool         // and too narrow for short ones
}

func (h heatMap) legend() []key { return nil }

func (h heatMap) notes(said func(*cell) bool) []string {
	name := h.estimate.value()
	how := strings.ToUpper(name[:1]) + name[1:] + " of " + h.scale.title
	if h.scale.log {
		how += ", colours on a log scale"
	}
	// A field without a row has a stroke, which says all there is to say.
	return h.grouped.notes(sentences(how+".", h.counts()), func(c *cell) bool { return said(c) || c.reason() == noSamples })
}

// signs says what fields without a number look like.
func signs(failed, absent int) string {
	switch {
	case absent == 0:
		return "\u00d7"
	case failed == 0:
		return "\u2013: not measured"
	}
	return fmt.Sprintf("\u00d7; \u2013 is not measured: %d", absent)
}

// counts says how many samples a field has; single names would be too long.
func (h heatMap) counts() string {
	least, most, failed, absent, fields := math.MaxInt, 0, 0, 0, 0
	for i, p := range h.estimates {
		for k, e := range p {
			fields++
			switch {
			case e.n == 0 && h.panels[i].cells[k].failed():
				failed++
				continue
			case e.n == 0:
				absent++
				continue
			}
			least, most = min(least, e.n), max(most, e.n)
		}
	}
	text := fmt.Sprintf("n = %d to %d per field", least, most)
	if least == most {
		text = fmt.Sprintf("n = %d per field", most)
	}
	if failed+absent > 0 {
		text += fmt.Sprintf(", but 0 in %d of %d (%s)", failed+absent, fields, signs(failed, absent))
	}
	return text + "."
}

func (h heatMap) body(s *scene, top float64) float64 {
	top = h.colorBar(s, top)
	m := multiples{
		names: h.names(), x: h.x, y: h.y,
		height:   math.Max(rowHeight(len(h.y.categories))*float64(len(h.y.categories)), axisText.measure(h.y.title)),
		minWidth: float64(30 * float64(len(h.x.categories))),
		upright:  h.slim,
		draw:     h.panel,
	}
	if h.side != nil {
		m.sideHead, m.side = h.sideHead, [][]string{h.side}
	}
	return m.body(s, top)
}

func (h heatMap) panel(f frame, panel int) {
	columns, rows := len(h.x.categories), len(h.y.categories)
	width, height := (f.right-f.left)/float64(columns), (f.bottom-f.top)/float64(rows)
	for i, e := range h.estimates[panel] {
		x, y := f.left+float64(width*float64(i%columns)), f.top+float64(height*float64(i/columns))
		middle := point{x + width/2, y + height/2}
		corners := []point{{x + .4, y + .4}, {x + width - .4, y + .4}, {x + width - .4, y + height - .4}, {x + .4, y + height - .4}}
		if e.n == 0 {
			f.s.line(pen{color: grey, width: 0.5, dash: []float64{1.5, 1.5}}, append(corners, corners[0])...)
			if h.panels[panel].cells[i].failed() {
				cross.draw(f.s, grey, middle, 2.4)
			} else {
				f.s.line(pen{color: grey, width: 1}, point{middle.x - 2, middle.y}, point{middle.x + 2, middle.y})
			}
			continue
		}
		c := shade(h.at(e.value))
		f.s.area(c, corners...)
		if h.bare {
			continue
		}
		text := estimateText(e.value)
		if h.slim {
			text = shortText(e.value)
		}
		face := plainText
		if 299*int(c.R)+587*int(c.G)+114*int(c.B) < 118_000 {
			face.color = white
		}
		f.s.write(face, point{middle.x, middle.y + 2.5}, center, face.fit(text, width-0.8))
	}
}

// at returns the place of a value on the colour scale.
func (h heatMap) at(v float64) float64 {
	if h.scale.min == h.scale.max {
		return 0.5
	}
	return h.scale.at(v)
}

// shades go from light to dark in even steps of grey: cividis, which looks the
// same to people with and without red-green blindness (Nuñez, Anderton and
// Renslow, PLOS ONE 13(7), 2018), from its light end.
var shades = []color.NRGBA{
	{R: 253, G: 234, B: 69, A: 255}, {R: 220, G: 199, B: 91, A: 255}, {R: 181, G: 170, B: 110, A: 255},
	{R: 143, G: 141, B: 120, A: 255}, {R: 107, G: 113, B: 120, A: 255}, {R: 71, G: 86, B: 108, A: 255},
	{R: 21, G: 60, B: 110, A: 255}, {R: 0, G: 34, B: 77, A: 255},
}

// shade returns the colour at a place from 0 to 1.
func shade(at float64) color.NRGBA {
	at = math.Max(0, math.Min(1, at)) * float64(len(shades)-1)
	i := min(int(at), len(shades)-2)
	mix := func(a, b uint8) uint8 {
		return uint8(float64(a) + float64((at-float64(i))*(float64(b)-float64(a))) + 0.5)
	}
	a, b := shades[i], shades[i+1]
	return color.NRGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

// colorBar draws the scale of the colours above the panels; where no field has
// all digits of its number, with marks.
func (h heatMap) colorBar(s *scene, top float64) float64 {
	if h.scale.min > h.scale.max {
		return top
	}
	const steps = 40
	width := 80.0
	if h.slim {
		width = 160
	}
	low, high := estimateText(h.scale.min), strings.TrimSpace(estimateText(h.scale.max)+" "+printedUnit(h.values.unit))
	x, y := margin+plainText.measure(low)+4, top+3.0
	for i := range steps {
		a, b := x+float64(width*float64(i))/steps, x+width // up to the end, or the seams would show
		s.area(shade((float64(i)+0.5)/steps), point{a, y}, point{b, y}, point{b, y + 7}, point{a, y + 7})
	}
	s.line(pen{color: ink, width: 0.4}, point{x, y}, point{x + width, y}, point{x + width, y + 7}, point{x, y + 7}, point{x, y})
	s.write(plainText, point{x - 4, y + 6}, right, low)
	s.write(plainText, point{x + width + 4, y + 6}, left, high)
	if !h.slim {
		return y + 13
	}
	for _, t := range h.scale.ticks(width, 20) {
		at := x + float64(width*h.at(t.value))
		length := tickLength
		if t.text == "" {
			length /= 2
		}
		s.line(framePen, point{at, y + 7}, point{at, y + 7 + length})
		s.write(plainText, point{at, y + 7 + tickLength + plainText.size}, center, t.text)
	}
	return y + 13 + tickLength + plainText.lead()
}
