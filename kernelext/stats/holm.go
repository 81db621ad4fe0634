package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm returns the probabilities of several tests adjusted for their number,
// in the order given: those at most 0.05 are of differences, and the chance
// that any of them is not one is at most 0.05, whatever the tests have to do
// with each other. Holm, "A simple sequentially rejective multiple test
// procedure", Scandinavian Journal of Statistics 6(2), 1979. A NaN is no test:
// it stays one and does not count.
func Holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, p[i]*float64(len(order)-k)))
		adjusted[i] = least
	}
	return adjusted
}
