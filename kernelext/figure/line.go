package figure

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Line draws, for each category, the estimate of y (by default the median) at
// each value of x, joined by a line, with the 95% interval as a band. Peaks has it mark the highest.
func (f *Figure) Line(g Group, x, y Values) error {
	all, err := f.gatherPairs("Line", g, x, y)
	if err != nil {
		return err
	}
	l := line{grouped: all, xValues: x, peaks: f.peaks, decimals: f.decimals, lines: make([][][]spot, len(all.panels))}
	low, high := pair{math.Inf(1), math.Inf(1)}, pair{math.Inf(-1), math.Inf(-1)}
	for i, p := range all.panels {
		for _, c := range p.cells {
			spots := all.estimate.along(c.pairs)
			for _, s := range spots {
				low.x, high.x = math.Min(low.x, s.x), math.Max(high.x, s.x)
				low.y, high.y = s.reach(low.y, high.y)
			}
			l.lines[i] = append(l.lines[i], spots)
		}
	}
	if f.peaks {
		high.y = headroom(f.logY, low.y, high.y)
	}
	if l.x, l.y, err = f.axes(x, y, low, high); err != nil {
		return fmt.Errorf("Line: %w", err)
	}
	f.chart = l
	return nil
}

// A spot is the estimate at one x.
type spot struct {
	x float64
	estimate
}

// along estimates y at each x, in ascending order of x.
func (e Estimator) along(pairs []pair) []spot {
	at := make(map[float64][]float64)
	for _, p := range pairs {
		at[p.x] = append(at[p.x], p.y)
	}
	var out []spot
	for _, x := range slices.Sorted(maps.Keys(at)) {
		slices.Sort(at[x])
		out = append(out, spot{x, e.of(at[x])})
	}
	return out
}

type line struct {
	grouped
	x, y    axis
	xValues Values
	lines   [][][]spot // by panel and category

	peaks    bool // mark them, to so many decimals
	decimals int
}

func (l line) legend() []key { return l.keys(lineKey) }

func (l line) notes(said func(*cell) bool) []string {
	return l.grouped.notes(sentences(l.perPoint(), l.peakNote()), said)
}

// perPoint says what a point is, how many samples it has, and where these are
// too few for a band.
func (l line) perPoint() string {
	least, most := math.MaxInt, 0
	bare, banded := 0, false // the most samples without an interval; whether any have one
	for _, p := range l.lines {
		for _, spots := range p {
			for _, s := range spots {
				least, most, banded = min(least, s.n), max(most, s.n), banded || s.ok
				if !s.ok {
					bare = max(bare, s.n)
				}
			}
		}
	}
	text := l.estimate.name() + fmt.Sprintf(" n = %d per point.", most)
	switch {
	case most == 1:
		return "Each point is one sample. n = 1: no interval."
	case least < most:
		text = l.estimate.name() + fmt.Sprintf(" n = %d to %d per point.", least, most)
	}
	switch {
	case !banded:
		text += " No band: too few samples for an interval."
	case bare > 0:
		text += fmt.Sprintf(" No band where n < %d.", bare+1)
	}
	return text
}

func (l line) body(s *scene, top float64) float64 {
	return multiples{
		names: l.names(), x: l.x, y: l.y, height: panelHeight(len(l.panels)), minWidth: 95,
		draw: func(f frame, panel int) {
			for i, spots := range l.lines[panel] {
				drawBand(f, lookOf(i), spots)
			}
			for i, spots := range l.lines[panel] {
				drawLine(f, lookOf(i), spots)
			}
			if l.peaks {
				l.drawPeaks(f, panel)
			}
		},
	}.body(s, top)
}

// drawBand fills between the ends of the intervals, where neighbours have them.
func drawBand(f frame, l look, spots []spot) {
	c := l.color
	c.A = 60
	var upper, lower []point
	flush := func() {
		if len(upper) > 1 {
			slices.Reverse(lower)
			f.s.area(c, append(upper, lower...)...)
		}
		upper, lower = nil, nil
	}
	for _, s := range spots {
		if !s.ok {
			flush()
			continue
		}
		upper = append(upper, f.point(s.x, s.interval.High))
		lower = append(lower, f.point(s.x, s.interval.Low))
	}
	flush()
}

func drawLine(f frame, l look, spots []spot) {
	var pts []point
	for _, s := range spots {
		pts = append(pts, f.point(s.x, s.value))
	}
	f.s.line(pen{color: l.color, width: 1.2, dash: l.dash}, pts...)
	for _, p := range pts {
		l.marker.draw(f.s, l.color, p, 2)
	}
}

// rows is the text form: a line per point.
func (l line) rows() [][]string {
	header := []string{"panel", l.group, l.xValues.title(), "n", l.estimate.value() + unitSuffix(l.values), l.estimate.span()}
	faceted := l.panels[0].name != ""
	out := [][]string{header}
	for i, p := range l.panels {
		for k := range p.cells {
			c := &p.cells[k]
			for _, s := range l.lines[i][k] {
				row := []string{p.name, c.category, number(s.x), fmt.Sprint(s.n), estimateText(s.value), "–"}
				if s.ok {
					row[5] = s.intervalText()
				}
				out = append(out, row)
			}
			if len(l.lines[i][k]) == 0 {
				out = append(out, []string{p.name, c.category, "–", "0", "–", c.account()})
			}
		}
	}
	if !faceted {
		for i := range out {
			out[i] = out[i][1:]
		}
	}
	return out
}
