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
	x, err := f.values(v.title(), f.logX, false, low, high)
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
		k.cells, k.missing = g.missing(i)
		out = append(out, k)
	}
	return out
}

// missing returns why no panel has samples of a category, "" if one has, and
// the cells of which that is the reason.
func (g grouped) missing(category int) (cells []*cell, reason string) {
	reason = g.panels[0].cells[category].reason()
	for _, p := range g.panels {
		c := &p.cells[category]
		if len(c.values) > 0 {
			return nil, ""
		}
		if c.reason() == reason {
			cells = append(cells, c)
		}
	}
	return cells, reason
}

func (e ecdf) notes(said func(*cell) bool) []string {
	return e.grouped.notes(sentences("Empirical distribution; the marker is the median.", e.counts()), said)
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
