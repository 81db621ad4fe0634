package stats

import "math"

// A contrast is the difference of two means of logarithms, or the mean of
// several such differences.
type contrast struct{ difference, deviation, freedom float64 } // the deviation is that of the difference

// A Pair is independent values of two systems, for one workload. Both are
// positive. Calls of one process are not independent: give their GroupMedians.
type Pair struct{ X, Y []float64 }

// contrastOf compares the pairs' logarithms, each pair with equal weight, by
// Welch's approximation of the degrees of freedom: Welch, "The generalization
// of 'Student's' problem when several different population variances are
// involved", Biometrika 34, 1947; Satterthwaite, Biometrics Bulletin 2(6), 1946.
// They are at most the sum over the pairs of the smaller side's. For one pair
// that is always less, and then no sizes and spreads of normal values are found
// to differ too often: Mickey and Brown, "Bounds on the distribution functions
// of the Behrens-Fisher statistic", Ann. Math. Statist. 37(3), 1966. By Welch
// alone 3 against 30 values differ in 7.6% of A/A pairs.
func contrastOf(pairs []Pair) (c contrast, ok bool) {
	variance, squares, most := 0.0, 0.0, 0.0
	for _, p := range pairs {
		var means [2]float64
		for side, values := range [2][]float64{p.X, p.Y} {
			var s spread
			for _, v := range values {
				if !(v > 0) || math.IsInf(v, 0) {
					return c, false
				}
				s.add(math.Log(v))
			}
			if s.n < 2 {
				return c, false
			}
			v := s.variance() / s.n
			means[side] = s.mean
			variance += v
			squares += v * v / (s.n - 1)
		}
		c.difference += means[0] - means[1]
		most += float64(min(len(p.X), len(p.Y)) - 1)
	}
	n := float64(len(pairs))
	c.difference /= n
	c.deviation = math.Sqrt(variance) / n
	c.freedom = math.Min(most, variance*variance/squares)
	return c, n > 0
}

// RatioOfGeometricMeans returns the geometric mean over the workloads of a
// suite of the ratio of X's geometric mean to Y's, and its interval by Welch's
// t on logarithms. Every workload has equal weight.
//
// The unit that is random is the value, within its workload; the workloads are
// taken as they are. So the interval says how far the ratio for this suite is
// known, and nothing of other workloads: for that, take the workload as the
// unit, with GeometricMeanInterval of the workloads' ratios. A workload with
// fewer than two values on a side, or one that is not positive, gives none.
func RatioOfGeometricMeans(suite []Pair, level float64) (ratio float64, i Interval, ok bool) {
	c, ok := contrastOf(suite)
	if !ok || !(level > 0 && level < 1) {
		return math.NaN(), Interval{}, false
	}
	half := 0.0
	if c.deviation > 0 {
		half = studentQuantile(1-(1-level)/2, c.freedom) * c.deviation
	}
	return math.Exp(c.difference), Interval{Low: math.Exp(c.difference - half), High: math.Exp(c.difference + half), Level: level}, true
}

// Difference returns the two-sided probability of a ratio of geometric means
// as far from 1 as that of x to y if the true one is 1, by the t test on
// logarithms with the degrees of freedom of the smaller side. It assumes that
// these are independent and about normal. It is NaN where there are fewer than
// two values on a side or one is not positive. Two constants, such as counts
// that are the same each time, are alike (1) or differ (0).
func Difference(x, y []float64) float64 {
	c, ok := contrastOf([]Pair{{x, y}})
	if !ok {
		return math.NaN()
	}
	return math.Min(1, 2*c.beyond(math.Abs(c.difference)))
}

// Equivalence returns the probability of a ratio of geometric means so well
// within [1/margin, margin] if it is outside: where it is at most 0.05, x and y
// are alike at that level, which is more than that no difference was found.
// Where it is at least 0.975 they are not: there are two sides to be outside on.
// Two one-sided tests as of Difference: Schuirmann, "A comparison of the two
// one-sided tests procedure and the power approach", J. Pharmacokinetics and
// Biopharmaceutics 15(6), 1987. The margin, above 1, is what matters to the one
// who asks, and is chosen before the samples are seen. NaN is as of
// Difference; two constants are within the margin (0) or not (1).
func Equivalence(x, y []float64, margin float64) float64 {
	c, ok := contrastOf([]Pair{{x, y}})
	if !ok || !(margin > 1) {
		return math.NaN()
	}
	return c.beyond(math.Log(margin) - math.Abs(c.difference))
}

// beyond returns the one-sided probability of such a distance or a larger one
// by chance; of constants none but 0 is.
func (c contrast) beyond(distance float64) float64 {
	switch {
	case c.deviation > 0:
		return studentTail(distance/c.deviation, c.freedom)
	case distance > 0:
		return 0
	}
	return 1
}

// studentTail returns P(T > t).
func studentTail(t, freedom float64) float64 {
	tail := incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t)) / 2
	if t < 0 {
		return 1 - tail
	}
	return tail
}
