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
	all := grouped{panels: panels, group: g.name(), values: v, estimate: f.estimate()}
	if err := all.estimate.check(panels); err != nil {
		return grouped{}, fmt.Errorf("%s: %w", method, err)
	}
	return all, nil
}

// estimate returns the estimator that was asked for.
func (f *Figure) estimate() Estimator {
	if f.estimator == "" {
		return Median
	}
	return f.estimator
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
			name += fmt.Sprintf(" (n\u00a0=\u00a0%d)", len(c.values))
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
	often := make(map[int]int)
	for _, p := range g.panels {
		for _, c := range p.cells {
			if len(c.values) > 0 {
				often[len(c.values)]++
			}
		}
	}
	for size, times := range often {
		if times > often[n] || times == often[n] && size > n {
			n = size
		}
	}
	var others []string
	for _, p := range g.panels {
		for _, c := range p.cells {
			if size := len(c.values); size != 0 && size != n {
				others = append(others, fmt.Sprintf("%d for %s", size, c.in(p)))
			}
		}
	}
	return fmt.Sprintf("n = %d per %s, but %s.", n, g.group, strings.Join(others, ", "))
}

// in returns "wazero (noop)", the category and its panel.
func (c *cell) in(p panel) string {
	if p.name == "" {
		return c.category
	}
	return c.category + " (" + p.name + ")"
}

// leftOuts says which rows were left out of the numbers.
func (g grouped) leftOuts() []string {
	var parts []string
	for _, p := range g.panels {
		for _, c := range p.cells {
			if len(c.values) > 0 && len(c.leftOut) > 0 {
				parts = append(parts, c.in(p)+": "+leftOutText(c.leftOut))
			}
		}
	}
	if parts == nil {
		return nil
	}
	return []string{"Left out: " + strings.Join(parts, "; ") + "."}
}

// empties says which categories have no samples and why, of those that the
// drawing does not say it of in full.
func (g grouped) empties(said func(p panel, i int) bool) []string {
	var parts []string
	for _, p := range g.panels {
		for i := range p.cells {
			if c := &p.cells[i]; len(c.values) == 0 && !said(p, i) {
				text := c.in(p)
				if reason := c.reason(); reason != noSamples {
					text += " – " + reason
				}
				parts = append(parts, text)
			}
		}
	}
	if parts == nil {
		return nil
	}
	return []string{"No samples: " + strings.Join(parts, "; ") + "."}
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
