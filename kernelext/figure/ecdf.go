package figure

import (
	"fmt"
	"sort"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// ECDF draws the empirical distribution function of each category's values: at
// x, the fraction of samples that are at most x. A marker stands at the median.
func (f *Figure) ECDF(g Group, v Values) error {
	if err := f.onlyLogX("ECDF"); err != nil {
		return err
	}
	all, err := f.gather("ECDF", g, v)
	if err != nil {
		return err
	}
	low, high := all.extent()
	x, err := numeric(v.title(), f.logX, false, low, high)
	if err != nil {
		return fmt.Errorf("ECDF: %w", err)
	}
	f.chart = ecdf{all, x}
	return nil
}

type ecdf struct {
	grouped
	x axis
}

func (e ecdf) legend() []key { return e.keys(lineKey) }

// keys returns a key per category; one without samples in any panel says so.
func (g grouped) keys(how keyKind) []key {
	var out []key
	for i, name := range g.categories() {
		k := key{look: lookOf(i), name: name, how: how}
		if g.inLegend(g.panels[0], i) {
			k.missing = g.panels[0].cells[i].reason()
		}
		out = append(out, k)
	}
	return out
}

// inLegend reports whether the legend says that the category has no samples:
// it does where none of the panels has any.
func (g grouped) inLegend(_ panel, i int) bool {
	for _, p := range g.panels {
		if len(p.cells[i].values) > 0 {
			return false
		}
	}
	return true
}

func (e ecdf) notes() []string {
	notes := append([]string{sentences("Empirical distribution; the marker is the median.", e.counts())}, e.leftOuts()...)
	return append(notes, e.empties(e.inLegend)...)
}

func (e ecdf) body(s *scene, top float64) float64 {
	return multiples{
		names: e.names(), x: e.x, y: axis{title: "fraction of samples", max: 1},
		height: panelHeight(len(e.panels)), minWidth: 95,
		draw: func(f frame, panel int) {
			for i, c := range e.panels[panel].cells {
				if len(c.values) > 0 {
					drawSteps(f, lookOf(i), c.values)
				}
			}
		},
	}.body(s, top)
}

const finest = 0.1 // points: nearer steps are drawn as one

// drawSteps draws the distribution of ascending values. Steps that print would
// not tell apart are one, so ten million values cost no more than a thousand.
func drawSteps(f frame, l look, values []float64) {
	n := float64(len(values))
	line := []point{f.point(values[0], 0)}
	for i := 0; i < len(values); {
		x := f.px(values[i])
		next := f.x.value((x + finest - f.left) / (f.right - f.left))
		i += max(1, sort.Search(len(values)-i, func(k int) bool { return values[i+k] > next }))
		line = append(line, point{x, line[len(line)-1].y}, point{x, f.py(float64(i) / n)})
	}
	f.s.line(pen{color: l.color, width: 1.2, dash: l.dash}, line...)
	l.marker.draw(f.s, l.color, f.point(stats.SortedMedian(values), 0.5), 2.3) // on the line, for any n
}
