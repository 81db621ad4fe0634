package figure

import (
	"fmt"
	"math"
	"slices"
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

// counts says how many values were drawn: "n = 30 per runtime, but 0 for v8."
func (g grouped) counts() string {
	n, same := g.sameN()
	if !same && len(g.panels) == 1 {
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
	for _, r := range g.remarks(func(c *cell) string {
		if len(c.values) == n {
			return ""
		}
		return fmt.Sprint(len(c.values))
	}) {
		others = append(others, r.text+" for "+r.name)
	}
	if len(others) > mostRemarks {
		least, most := g.extremeN()
		return fmt.Sprintf("n = %d to %d per %s.", least, most, g.group)
	}
	text := fmt.Sprintf("n = %d per %s", n, g.group)
	if others != nil {
		text += ", but " + strings.Join(others, ", ")
	}
	return text + "."
}

// short says why a category has no interval, "" if each has one.
func (g grouped) short() string {
	if g.all(func(c *cell) bool { return len(c.values) == 0 || g.estimate.of(c.values).ok }) {
		return ""
	}
	return g.estimate.short()
}

// mostRemarks is how many exceptions a note lists before it sums up.
const mostRemarks = 6

// extremeN returns the least and the greatest number of values of a category.
func (g grouped) extremeN() (least, most int) {
	least = math.MaxInt
	for _, p := range g.panels {
		for _, c := range p.cells {
			least, most = min(least, len(c.values)), max(most, len(c.values))
		}
	}
	return least, most
}

// A remark is something to say of a category, or of it in one panel.
type remark struct {
	category string
	name     string // "wazero", "wazero (noop)"
	every    bool   // it holds in each of several panels
	text     string
}

// remarks returns what say says of each cell, if that is not "": once for a
// category of which it says the same in every panel.
func (g grouped) remarks(say func(c *cell) string) []remark {
	var out []remark
	for i := range g.panels[0].cells {
		var here []remark
		every := len(g.panels) > 1
		for _, p := range g.panels {
			c := &p.cells[i]
			text := say(c)
			every = every && text == say(&g.panels[0].cells[i])
			if text != "" {
				here = append(here, remark{category: c.category, name: c.in(p), text: text})
			}
		}
		if every && here != nil {
			here = []remark{{category: here[0].category, name: here[0].category, every: true, text: here[0].text}}
		}
		out = append(out, here...)
	}
	return out
}

// in returns "wazero (noop)", the category and its panel.
func (c *cell) in(p panel) string {
	if p.name == "" {
		return c.category
	}
	return c.category + " (" + p.name + ")"
}

// notes returns how the drawing is to be read, which rows are not in its
// numbers, and why a category has none, unless the drawing has said that.
func (g grouped) notes(how string, said func(*cell) bool) []string {
	empties := g.empties(said)
	if n, same := g.sameN(); n > 0 || !same {
		return slices.Concat([]string{how}, g.leftOuts(), empties)
	}
	if empties == nil {
		empties = []string{"No samples."}
	}
	return slices.Concat(empties, g.leftOuts())
}

// leftOuts says which rows were left out of the numbers.
func (g grouped) leftOuts() []string {
	if same := leftOutText(g.panels[0].cells[0].leftOut); same != "" && len(g.panels)*len(g.panels[0].cells) > mostRemarks &&
		g.all(func(c *cell) bool { return leftOutText(c.leftOut) == same }) {
		return []string{fmt.Sprintf("Left out: %s per %s.", same, g.group)}
	}
	var parts []string
	for _, r := range g.remarks(func(c *cell) string { return leftOutText(c.leftOut) }) {
		if r.every {
			r.text += " per panel"
		}
		parts = append(parts, r.name+": "+r.text)
	}
	if parts == nil {
		return nil
	}
	return []string{"Left out: " + strings.Join(parts, "; ") + "."}
}

// all reports whether what is asked holds of every cell.
func (g grouped) all(holds func(c *cell) bool) bool {
	for _, p := range g.panels {
		for i := range p.cells {
			if !holds(&p.cells[i]) {
				return false
			}
		}
	}
	return true
}

// empties says which categories have no samples and why, each reason once.
func (g grouped) empties(said func(*cell) bool) []string {
	of := make(map[string][]remark)
	var reasons []string
	for _, r := range g.remarks(func(c *cell) string {
		if len(c.values) > 0 || said(c) {
			return ""
		}
		return c.reason()
	}) {
		reason := withoutName(r.text, r.category)
		if of[reason] == nil {
			reasons = append(reasons, reason)
		}
		of[reason] = append(of[reason], r)
	}
	var parts []string
	for _, reason := range reasons {
		var names []string
		for _, r := range of[reason] {
			names = append(names, r.name)
		}
		switch {
		case reason == noSamples:
			parts = append(parts, names...)
		case len(names) == 1:
			parts = append(parts, names[0]+" – "+of[reason][0].text)
		default:
			parts = append(parts, listed(names)+" – "+reason)
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
		parts = append(parts, o.text())
	}
	return strings.Join(parts, ", ")
}

// listed returns "a", "a and b", "a, b and c".
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// withoutName returns a reason that begins with the name of what it is the
// reason of, as in "unsupported: wasmi has no shim", without that, so that others'
// are alike.
func withoutName(reason, name string) string {
	for _, end := range []string{": ", " "} {
		if short := strings.Replace(reason, ": "+name+end, ": ", 1); short != reason {
			return short
		}
	}
	return reason
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
	header := []string{g.group, "n", g.estimate.value() + unitSuffix(g.values), g.estimate.span(), "left out"}
	faceted := len(g.panels) > 1 || g.panels[0].name != ""
	if faceted {
		header = append([]string{"panel"}, header...)
	}
	out := [][]string{header}
	for _, p := range g.panels {
		for i := range p.cells {
			c := &p.cells[i]
			e := g.estimate.of(c.values)
			row := []string{c.category, fmt.Sprint(e.n), "–", "–", c.account()}
			if e.n > 0 {
				row[2] = estimateText(e.value)
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
