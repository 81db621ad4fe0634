package importers

import (
	"fmt"
	"math"
	"slices"
)

// ratios are numbers that would all be one and the same, if the columns that
// they are made of are what they are thought to be. They are sorted.
type ratios []float64

// ratiosOf computes a number of each run that has all of the measures.
func ratiosOf(runs []abRun, f func(*abRun) float64, of ...int) (all ratios) {
	for i := range runs {
		if r := &runs[i]; r.measured(of...) {
			if x := f(r); !math.IsNaN(x) && !math.IsInf(x, 0) {
				all = append(all, x)
			}
		}
	}
	slices.Sort(all)
	return all
}

// median is 0 if there are no numbers.
func (r ratios) median() float64 {
	if len(r) == 0 {
		return 0
	}
	return r[len(r)/2]
}

// near counts the numbers that are within 1 % of x.
func (r ratios) near(x float64) (n int) {
	for _, y := range r {
		if math.Abs(y-x) <= 0.01*math.Abs(x) {
			n++
		}
	}
	return n
}

// say describes the numbers: what they are and what they should be.
func (r ratios) say(what, wanted string) string {
	m := r.median()
	return fmt.Sprintf("%s is %.3f (the median; within 1 %% of it in %d of %d rows, from %.3f to %.3f), where %s",
		what, m, r.near(m), len(r), r[0], r[len(r)-1], wanted)
}
