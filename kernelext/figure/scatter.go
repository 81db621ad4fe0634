package figure

import (
	"fmt"
	"math"
)

// Scatter draws every sample as a point.
func (f *Figure) Scatter(g Group, x, y Values) error {
	all, err := f.gatherPairs("Scatter", g, x, y)
	if err != nil {
		return err
	}
	low, high := pair{math.Inf(1), math.Inf(1)}, pair{math.Inf(-1), math.Inf(-1)}
	for _, p := range all.panels {
		for _, c := range p.cells {
			for _, at := range c.pairs {
				low = pair{math.Min(low.x, at.x), math.Min(low.y, at.y)}
				high = pair{math.Max(high.x, at.x), math.Max(high.y, at.y)}
			}
		}
	}
	s := scatter{grouped: all}
	if s.x, s.y, err = f.axes(x, y, low, high); err != nil {
		return fmt.Errorf("Scatter: %w", err)
	}
	f.chart = s
	return nil
}

// gatherPairs is gather for two values a row.
func (f *Figure) gatherPairs(method string, g Group, x, y Values) (grouped, error) {
	if err := f.begin(method); err != nil {
		return grouped{}, err
	}
	panels, err := collectPairs(f.facet, g, x, y)
	if err != nil {
		return grouped{}, fmt.Errorf("%s: %w", method, err)
	}
	all := grouped{panels: panels, group: g.name(), values: y, estimate: f.estimate()}
	if err := all.estimate.check(panels); err != nil {
		return grouped{}, fmt.Errorf("%s: %w", method, err)
	}
	return all, nil
}

// axes returns the axes of a drawing whose both axes have values.
func (f *Figure) axes(x, y Values, low, high pair) (ax, ay axis, err error) {
	if ax, err = numeric(x.title(), f.logX, false, low.x, high.x); err != nil {
		return ax, ay, err
	}
	ay, err = f.values(y.title(), f.logY, false, low.y, high.y)
	return ax, ay, err
}

type scatter struct {
	grouped
	x, y axis
}

func (s scatter) legend() []key { return s.keys(markerKey) }

func (s scatter) notes(said func(*cell) bool) []string {
	return s.grouped.notes(sentences("Every sample is a point.", s.counts()), said)
}

func (s scatter) body(on *scene, top float64) float64 {
	return multiples{
		names: s.names(), x: s.x, y: s.y, height: panelHeight(len(s.panels)), minWidth: 95,
		draw: func(f frame, panel int) {
			for i, c := range s.panels[panel].cells {
				drawPoints(f, lookOf(i), c.pairs)
			}
		},
	}.body(on, top)
}

// panelHeight returns the height of the data of one of n panels.
func panelHeight(n int) float64 {
	if n > 1 {
		return 92
	}
	return 130
}

// drawPoints draws the pairs, those that print would not tell apart once.
func drawPoints(f frame, l look, pairs []pair) {
	const grain = 0.25 // points
	drawn := make(map[[2]int]bool)
	for _, p := range pairs {
		at := f.point(p.x, p.y)
		place := [2]int{int(math.Round(at.x / grain)), int(math.Round(at.y / grain))}
		if drawn[place] {
			continue
		}
		drawn[place] = true
		l.marker.draw(f.s, l.color, at, 1.5)
	}
}
