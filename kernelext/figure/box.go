package figure

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// Box draws each category's quartiles as a box with the median in it, whiskers
// to the last values within 1.5 times the height of the box, and the values
// beyond as points: Tukey, "Exploratory Data Analysis", 1977.
func (f *Figure) Box(g Group, v Values) error {
	if err := f.onlyLogX("Box"); err != nil {
		return err
	}
	all, err := f.gather("Box", g, v)
	if err != nil {
		return err
	}
	low, high := all.extent()
	x, err := f.values(v.title(), f.logX, false, low, high)
	if err != nil {
		return fmt.Errorf("Box: %w", err)
	}
	f.chart = box{all, x}
	return nil
}

type box struct {
	grouped
	x axis
}

func (b box) legend() []key { return nil }

func (b box) notes(said func(*cell) bool) []string {
	how := "Box: quartiles and median; whiskers: last value within 1.5 interquartile ranges; points: values beyond."
	return b.grouped.notes(sentences(how, b.counts()), said)
}

func (b box) body(s *scene, top float64) float64 {
	return multiples{
		names: b.names(), x: b.x, y: axis{categories: b.categories()},
		height: b.rowsHeight(), minWidth: 110,
		draw: func(f frame, panel int) {
			for i := range b.panels[panel].cells {
				c := &b.panels[panel].cells[i]
				if len(c.values) == 0 {
					drawMissing(f, f.py(float64(i)), c)
					continue
				}
				drawBox(f, lookOf(i), f.py(float64(i)), c.values)
			}
		},
	}.body(s, top)
}

// drawBox draws ascending values at the height y.
func drawBox(f frame, l look, y float64, values []float64) {
	first, third := stats.SortedQuantile(values, 0.25), stats.SortedQuantile(values, 0.75)
	reach := 1.5 * (third - first)
	low, high := math.Inf(1), math.Inf(-1)
	drawn := math.Inf(-1)
	for _, v := range values {
		if v >= first-reach && v <= third+reach {
			low, high = math.Min(low, v), math.Max(high, v)
			continue
		}
		if x := f.px(v); x-drawn >= finest {
			ring.draw(f.s, l.color, point{x, y}, 1.8)
			drawn = x
		}
	}
	f.s.line(thinPen, point{f.px(low), y}, point{f.px(first), y})
	f.s.line(thinPen, point{f.px(third), y}, point{f.px(high), y})
	for _, v := range []float64{low, high} {
		f.s.line(thinPen, point{f.px(v), y - 2.5}, point{f.px(v), y + 2.5})
	}
	l.hatch.fill(f.s, l.color, point{f.px(first), y - 5}, point{f.px(third), y + 5})
	m := f.px(stats.SortedMedian(values))
	f.s.line(pen{color: white, width: 3}, point{m, y - 5}, point{m, y + 5})
	f.s.line(pen{color: ink, width: 1.4}, point{m, y - 5}, point{m, y + 5})
}
