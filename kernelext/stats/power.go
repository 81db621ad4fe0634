package stats

import "math"

// DetectableRatio returns the smallest ratio above 1 of two geometric means
// that Difference is at most alpha for with the probability power, each side having n independent values whose logarithms
// are normal with that deviation. Deviations of both sides are alike; a ratio
// below 1 is its inverse. It is what an experiment can show, to be known
// before it is made; of one that was made it says how small a difference it
// would have missed. Cohen, "Statistical Power Analysis for the Behavioral
// Sciences", 2nd ed., 1988, chapter 2, with the noncentral t distribution. NaN
// for n below 2, a negative deviation, and probabilities outside (0, 1) or a
// power not above alpha.
func DetectableRatio(n int, deviation, alpha, power float64) float64 {
	if n < 2 || !(deviation >= 0) || !(alpha > 0) || !(power > alpha && power < 1) {
		return math.NaN()
	}
	freedom := 2 * float64(n-1)
	critical := studentQuantile(1-alpha/2, float64(n-1)) // as Difference has it, which need not know that deviations are alike
	sees := func(shift float64) float64 {
		return 1 - shiftedCDF(critical, freedom, shift) + shiftedCDF(-critical, freedom, shift)
	}
	low, high := 0.0, 1.0
	for sees(high) < power {
		low, high = high, 2*high
	}
	for high-low > 1e-9*high {
		if middle := (low + high) / 2; sees(middle) < power {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp(high * deviation * math.Sqrt(2/float64(n)))
}

// shiftedCDF is the distribution function of the noncentral t: of
// (Z + shift)/S with Z standard normal and S the root of a chi-squared over its
// degrees of freedom. It integrates over S by Simpson's rule.
func shiftedCDF(t, freedom, shift float64) float64 {
	const steps = 400
	width := 9 / math.Sqrt(2*freedom)
	from, to := math.Max(0, 1-width), 1+width
	gamma, _ := math.Lgamma(freedom / 2)
	constant := math.Ln2 + freedom/2*math.Log(freedom/2) - gamma
	sum := 0.0
	for k := range steps + 1 {
		s := from + (to-from)*float64(k)/steps
		weight := 2 + 2*float64(k%2)
		if k == 0 || k == steps {
			weight = 1
		}
		if s > 0 {
			sum += weight * math.Exp(constant+(freedom-1)*math.Log(s)-freedom*s*s/2) * normalCDF(t*s-shift)
		}
	}
	return sum * (to - from) / (3 * steps)
}
