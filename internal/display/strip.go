package display

import (
	"math"
	"strings"

	"github.com/assay-notebooks/assay"
)

// stripWidth is how many characters an axis has.
const stripWidth = 17

// An axis places values along a line of text: positions, not lengths, so that
// it may begin anywhere.
type axis struct {
	from, to float64
	log      bool
}

// axisOf spans estimates and further values; it is logarithmic when they
// differ tenfold. It reports whether there is anything to place.
func axisOf(es []*assay.Estimate, more ...float64) (axis, bool) {
	a := axis{math.Inf(1), math.Inf(-1), false}
	for _, e := range es {
		if e != nil {
			more = append(more, e.Value)
			if e.Low != nil && e.High != nil {
				more = append(more, *e.Low, *e.High)
			}
		}
	}
	for _, v := range more {
		a.from, a.to = min(a.from, v), max(a.to, v)
	}
	a.log = a.from > 0 && a.to > 10*a.from
	return a, a.to > a.from && !math.IsInf(a.to-a.from, 0)
}

func (a axis) place(v float64) int {
	share := (v - a.from) / (a.to - a.from)
	if a.log {
		share = math.Log(v/a.from) / math.Log(a.to/a.from)
	}
	return min(max(int(math.Round(share*(stripWidth-1))), 0), stripWidth-1)
}

// strip draws an estimate's interval and value, and bounds.
func (a axis) strip(e *assay.Estimate, bounds ...float64) string {
	line := []rune(strings.Repeat("─", stripWidth))
	if e != nil {
		if e.Low != nil && e.High != nil {
			for i := a.place(*e.Low); i <= a.place(*e.High); i++ {
				line[i] = '━'
			}
		}
	}
	for _, b := range bounds {
		line[a.place(b)] = '┼'
	}
	if e != nil {
		line[a.place(e.Value)] = '╋'
	}
	return string(line)
}

// ends says what the axis spans.
func (a axis) ends(unit string) string {
	text := fixed(a.from, significant(a.from, 3)) + " to " + fixed(a.to, significant(a.to, 3)) + " " + unit
	if a.log {
		text += ", logarithmic"
	}
	return text
}
