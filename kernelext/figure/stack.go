package figure

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
)

// Stack draws what a whole is made of: a bar per category of g, and in it the
// estimates (by default the medians) of the categories of parts, one after
// another, in their order. A part whose name joins others by "+", which a
// runtime cannot tell apart, stands where the first of these would. The sum of
// the estimates is written beside the bar: it is the mean of the whole if they
// are means, and not its median if they are medians.
func (f *Figure) Stack(g, parts Group, v Values) error {
	if f.logX || f.logY {
		return fmt.Errorf("Stack: parts do not add up on a log axis; leave LogX and LogY out")
	}
	all, err := f.gather("Stack", pairs(g, parts), v)
	if err != nil {
		return err
	}
	c := stack{parts: all, whole: all, names: parts.names}
	c.whole.group, c.whole.panels = g.name(), nil
	high := math.Inf(-1)
	for _, p := range all.panels {
		whole := panel{name: p.name}
		for i, name := range g.names {
			sum, w := 0.0, cell{category: name}
			for k := range parts.names {
				part := &p.cells[i*len(parts.names)+k]
				for _, l := range part.leftOut {
					for range l.n {
						w.leave(l.outcome, l.detail)
					}
				}
				if e := all.estimate.of(part.values); e.n > 0 {
					if e.value < 0 {
						return fmt.Errorf("Stack: %s: a part cannot be %v", part.category, e.value)
					}
					sum += e.value
					w.values = []float64{sum}
				}
			}
			if len(w.values) > 0 {
				high = math.Max(high, sum)
			}
			whole.cells = append(whole.cells, w)
		}
		c.whole.panels = append(c.whole.panels, whole)
	}
	c.order = stackOrder(parts.names)
	low := 0.0
	if math.IsInf(high, -1) {
		low = math.Inf(1)
	}
	if c.x, err = f.values(v.title(), false, true, low, high); err != nil {
		return fmt.Errorf("Stack: %w", err)
	}
	f.chart = c
	return nil
}

// stackOrder returns the indices of parts as they are stacked.
func stackOrder(names []string) []int {
	place := func(i int) int {
		for _, part := range strings.Split(names[i], "+") {
			if at := slices.Index(names, part); at >= 0 {
				return at
			}
		}
		return i
	}
	var order []int
	for i := range names {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	return order
}

type stack struct {
	parts grouped  // by category and part
	whole grouped  // its only value is the sum
	names []string // of the parts
	order []int
	x     axis
}

// part returns a part of a category.
func (c stack) part(panel, category, part int) *cell {
	return &c.parts.panels[panel].cells[category*len(c.names)+part]
}

// legend has the parts that are drawn.
func (c stack) legend() []key {
	var keys []key
	for i, k := range c.order {
		drawn := false
		for p := range c.parts.panels {
			for category := range c.whole.panels[p].cells {
				drawn = drawn || len(c.part(p, category, k).values) > 0
			}
		}
		if drawn {
			keys = append(keys, key{look: partLook(i), name: c.names[k], how: boxKey})
		}
	}
	return keys
}

func (c stack) notes(said func(*cell) bool) []string {
	least, most := math.MaxInt, 0
	for _, p := range c.parts.panels {
		for _, part := range p.cells {
			if n := len(part.values); n > 0 {
				least, most = min(least, n), max(most, n)
			}
		}
	}
	n := fmt.Sprintf("n = %d per part.", most)
	if least < most {
		n = fmt.Sprintf("n = %d to %d per part.", least, most)
	}
	name := c.parts.estimate.value()
	how := sentences("Part: "+name+" of its samples, in order. At the right their sum.", n)
	if c.parts.estimate != Mean {
		how = sentences("Part: "+name+" of its samples, in order. At the right their sum, which is not the "+name+" of the whole.", n)
	}
	if slices.ContainsFunc(c.legend(), func(k key) bool { return strings.Contains(k.name, "+") }) {
		how += " Parts joined by + cannot be told apart there."
	}
	if lacks := c.lacks(); len(lacks) > 0 {
		how += " Not told, so not in the bar and its sum: " + strings.Join(lacks, "; ") + "."
	}
	return c.whole.notes(how, said)
}

// insteadOf are parts of which a whole has one.
var insteadOf = map[string]string{"compile": "load-precompiled", "load-precompiled": "compile"}

// lacks says which of the others' parts a category has not, those that lack the
// same together, as in "engine-init and teardown of v8": sums of unlike parts
// are no ranking. What stands in place of another is not lacking.
func (c stack) lacks() []string {
	has := make([]map[string]bool, len(c.whole.panels[0].cells)) // by category: single parts
	var single []string
	for i := range has {
		has[i] = map[string]bool{}
		for _, k := range c.order {
			for p := range c.parts.panels {
				if len(c.part(p, i, k).values) == 0 {
					continue
				}
				for part := range strings.SplitSeq(c.names[k], "+") {
					has[i][part] = true
					if !slices.Contains(single, part) {
						single = append(single, part)
					}
				}
			}
		}
	}
	var lacking, all []string
	of := make(map[string][]string)
	for i, w := range c.whole.panels[0].cells {
		var without []string
		for _, part := range single {
			if !has[i][part] && !has[i][insteadOf[part]] {
				without = append(without, part)
			}
		}
		if len(without) == 0 || len(has[i]) == 0 { // one that has none says why
			continue
		}
		parts := listed(without)
		if of[parts] == nil {
			lacking = append(lacking, parts)
		}
		of[parts] = append(of[parts], w.category)
	}
	for _, parts := range lacking {
		all = append(all, parts+" of "+listed(of[parts]))
	}
	return all
}

// partLook returns the look of the i-th part: two more colours than lookOf has,
// for bars that touch.
func partLook(i int) look {
	l := lookOf(i)
	switch i % 9 {
	case 7:
		l.color = color.NRGBA{R: 136, G: 34, B: 85, A: 255} // wine
	case 8:
		l.color = grey
	}
	return l
}

func (c stack) body(s *scene, top float64) float64 {
	var categories []string
	for _, w := range c.whole.panels[0].cells {
		categories = append(categories, w.category)
	}
	m := multiples{
		names: c.whole.names(), x: c.x, y: axis{categories: categories},
		height: c.whole.rowsHeight(), minWidth: 90,
		draw: c.panel,
	}
	if c.x.empty {
		return m.body(s, top)
	}
	m.sideHead, m.side = "sum", make([][]string, len(c.whole.panels))
	for i, p := range c.whole.panels {
		for _, w := range p.cells {
			text := ""
			if len(w.values) > 0 {
				text = estimateText(w.values[0])
			}
			m.side[i] = append(m.side[i], text)
		}
	}
	return m.body(s, top)
}

func (c stack) panel(f frame, panel int) {
	half := math.Min(5, rowHeight(len(c.whole.panels[panel].cells))/2-1)
	for i := range c.whole.panels[panel].cells {
		y := f.py(float64(i))
		if len(c.whole.panels[panel].cells[i].values) == 0 {
			drawMissing(f, y, &c.whole.panels[panel].cells[i])
			continue
		}
		from := 0.0
		for at, k := range c.order {
			if e := c.parts.estimate.of(c.part(panel, i, k).values); e.n > 0 {
				l := partLook(at)
				l.hatch.fill(f.s, l.color, point{f.px(from), y - half}, point{f.px(from + e.value), y + half})
				from += e.value
			}
		}
	}
}

// rows is the text form: a line per part that there is, with its interval, and
// one per category without any.
func (c stack) rows() [][]string {
	out := [][]string{{c.whole.group, "part", "n", c.parts.estimate.value() + unitSuffix(c.parts.values), c.parts.estimate.span(), "left out"}}
	faceted := c.parts.panels[0].name != ""
	if faceted {
		out[0] = append([]string{"panel"}, out[0]...)
	}
	for i, p := range c.whole.panels {
		for category := range p.cells {
			w := &p.cells[category]
			var rows [][]string
			for _, k := range c.order {
				part := c.part(i, category, k)
				if e := c.parts.estimate.of(part.values); e.n > 0 {
					rows = append(rows, []string{w.category, c.names[k], fmt.Sprint(e.n), estimateText(e.value), e.intervalText(), part.account()})
				}
			}
			if rows == nil {
				rows = [][]string{{w.category, "–", "0", "–", "–", w.account()}}
			}
			for _, row := range rows {
				if faceted {
					row = append([]string{p.name}, row...)
				}
				out = append(out, row)
			}
		}
	}
	return out
}
