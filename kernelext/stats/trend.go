package stats

import (
	"math"
	"slices"
)

// MannKendall tests values in order of time for a monotonic trend: s is the
// number of pairs that rise less the number of those that fall, p the
// two-sided probability of so large an |s| if there is none, by the normal
// approximation with the variance corrected for ties and no correction for
// continuity. Mann, "Nonparametric tests against trend", Econometrica 13(3),
// 1945; Kendall, "Rank Correlation Methods", 1975. Fewer than two different
// values have no trend: p is 1. It takes time quadratic in their number.
func MannKendall(x []float64) (s int, p float64) {
	for i, a := range x {
		for _, b := range x[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	n := float64(len(x))
	variance := n * (n - 1) * (2*n + 5)
	for _, t := range ties(x) {
		variance -= t * (t - 1) * (2*t + 5)
	}
	if variance <= 0 {
		return s, 1
	}
	return s, math.Erfc(math.Abs(float64(s)) / math.Sqrt(variance/18) / math.Sqrt2)
}

// Pettitt finds where values in order of time change their level: the first
// at values are of one level and the rest of another, and p is about the
// probability of so clear a change if there is none. Pettitt, "A
// non-parametric approach to the change-point problem", Applied Statistics
// 28(2), 1979. Fewer than two values have no such place: at is 0 and p is 1.
// It takes time quadratic in their number.
func Pettitt(x []float64) (at int, p float64) {
	u, k := 0, 0
	for t := 1; t < len(x); t++ {
		for _, b := range x {
			switch a := x[t-1]; {
			case a > b:
				u++
			case a < b:
				u--
			}
		}
		if abs := max(u, -u); abs > k {
			k, at = abs, t
		}
	}
	if at == 0 {
		return 0, 1
	}
	n := float64(len(x))
	return at, min(1, 2*math.Exp(-6*float64(k)*float64(k)/(n*n*n+n*n)))
}

// ties returns how often each value is there.
func ties(x []float64) []float64 {
	s := slices.Sorted(slices.Values(x))
	var out []float64
	for i, v := range s {
		if i > 0 && v == s[i-1] {
			out[len(out)-1]++
		} else {
			out = append(out, 1)
		}
	}
	return out
}
