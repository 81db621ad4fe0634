package figure

import (
	"fmt"
	"math"
	"strings"
)

// A grouped holds what ECDF, Box, Bar and TableText have in common: the
// samples of categories, in panels.
type grouped struct {
	panels   []panel
	group    string // what the categories are: "runtime"
	values   Values
	estimate Estimator
}

// gather collects the samples for a method.
func (f *Figure) gather(method string, g Group, v Values) (grouped, error) {
	if err := f.begin(method); err != nil {
		return grouped{}, err
	}
	panels, err := collect(f.facet, g, v)
	if err != nil {
		return grouped{}, fmt.Errorf("%s: %w", method, err)
	}
	e := f.estimator
	if e == "" {
		e = Median
	}
	if err := e.check(panels); err != nil {
		return grouped{}, fmt.Errorf("%s: %w", method, err)
	}
	return grouped{panels: panels, group: g.name, values: v, estimate: e}, nil
}

func (g grouped) names() []string {
	var out []string
	for _, p := range g.panels {
		out = append(out, p.name)
	}
	return out
}

// extent returns the range of all values; low > high if there are none.
func (g grouped) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range g.panels {
		for _, c := range p.cells {
			if n := len(c.values); n > 0 {
				low, high = math.Min(low, c.values[0]), math.Max(high, c.values[n-1])
			}
		}
	}
	return low, high
}

// sameN returns how many values each category with any has, if that is one
// number.
func (g grouped) sameN() (n int, same bool) {
	for _, p := range g.panels {
		for _, c := range p.cells {
			switch {
			case len(c.values) == 0 || len(c.values) == n:
			case n == 0:
				n = len(c.values)
			default:
				return 0, false
			}
		}
	}
	return n, true
}

// categories returns the names, with n where the categories of the only panel
// differ in it.
func (g grouped) categories() []string {
	_, same := g.sameN()
	var out []string
	for _, c := range g.panels[0].cells {
		name := c.category
		if !same && len(g.panels) == 1 && len(c.values) > 0 {
			name += fmt.Sprintf(" (n = %d)", len(c.values))
		}
		out = append(out, name)
	}
	return out
}

// counts says how many values were drawn: "n = 30 per runtime."
func (g grouped) counts() string {
	n, same := g.sameN()
	switch {
	case n == 0 && same:
		return "No samples."
	case same:
		return fmt.Sprintf("n = %d per %s.", n, g.group)
	case len(g.panels) == 1:
		return "" // the names say it
	}
	var parts []string
	for _, p := range g.panels {
		var of []string
		for _, c := range p.cells {
			if len(c.values) > 0 {
				of = append(of, fmt.Sprintf("%s %d", c.category, len(c.values)))
			}
		}
		parts = append(parts, p.name+": "+strings.Join(of, ", "))
	}
	return "n = " + strings.Join(parts, "; ") + "."
}

// gone says which rows were left out of the numbers, and, where the drawing
// has no place for it, which categories have no samples.
func (g grouped) gone(emptyToo bool) []string {
	var some, all []string
	for _, p := range g.panels {
		for _, c := range p.cells {
			name := c.category
			if p.name != "" {
				name = p.name + ", " + name
			}
			switch {
			case len(c.values) == 0 && emptyToo:
				all = append(all, name+" ("+c.reason()+")")
			case len(c.values) > 0 && len(c.leftOut) > 0:
				some = append(some, name+": "+leftOutText(c.leftOut))
			}
		}
	}
	var out []string
	if len(some) > 0 {
		out = append(out, "Left out: "+strings.Join(some, "; ")+".")
	}
	if len(all) > 0 {
		out = append(out, "No samples: "+strings.Join(all, "; ")+".")
	}
	return out
}

// leftOutText returns "2 timeout, 1 trap".
func leftOutText(l []leftOut) string {
	var parts []string
	for _, o := range l {
		parts = append(parts, fmt.Sprintf("%d %s", o.n, o.outcome))
	}
	return strings.Join(parts, ", ")
}

// sentences joins those that are not empty, so that notes stay short.
func sentences(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " ")
}

// rows is the text form: a line per category.
func (g grouped) rows() [][]string {
	header := []string{g.group, "n", string(g.estimate) + unitSuffix(g.values), "95% interval", "left out"}
	faceted := len(g.panels) > 1 || g.panels[0].name != ""
	if faceted {
		header = append([]string{"panel"}, header...)
	}
	out := [][]string{header}
	for _, p := range g.panels {
		for _, c := range p.cells {
			e := g.estimate.of(c.values)
			row := []string{c.category, fmt.Sprint(e.n), "–", "–", leftOutText(c.leftOut)}
			if e.n > 0 {
				row[2] = estimateText(e.value)
			} else {
				row[4] = sentences(row[4], "("+c.reason()+")")
			}
			if e.ok {
				row[3] = e.intervalText()
			}
			if faceted {
				row = append([]string{p.name}, row...)
			}
			out = append(out, row)
		}
	}
	return out
}

func unitSuffix(v Values) string {
	if v.unit == "" {
		return ""
	}
	return " (" + printedUnit(v.unit) + ")"
}
