package stats

import "math"

// MedianInterval returns the order-statistic interval of the population's
// median: the narrowest pair of values x(k), x(n+1-k) that covers it with at
// least the probability level whatever the distribution is, by the binomial
// distribution of the number of values below the median. David and Nagaraja,
// "Order Statistics", 3rd ed., 2003, section 7.1. It involves no resampling
// and no assumption but independence; with ties it covers more often still.
//
// Too few values give no interval: at the level 0.95 there must be six.
func MedianInterval(x []float64, level float64) (Interval, bool) {
	return SortedMedianInterval(sorted(x), level)
}

// SortedMedianInterval is MedianInterval of values in ascending order.
func SortedMedianInterval(x []float64, level float64) (Interval, bool) {
	n := len(x)
	if n == 0 || !(level > 0 && level < 1) || math.IsNaN(x[0]) {
		return Interval{}, false
	}
	tail := (1 - level) / 2
	if binomialHalf(n, 0) > tail {
		return Interval{}, false
	}
	// k is the largest number with P(Binomial(n, 1/2) < k) <= tail.
	low, high := 1, n/2+1
	for high-low > 1 {
		k := low + (high-low)/2
		if binomialHalf(n, k-1) <= tail {
			low = k
		} else {
			high = k
		}
	}
	return Interval{Low: x[low-1], High: x[n-low], Level: level}, true
}

// binomialHalf returns P(Binomial(n, 1/2) <= k).
func binomialHalf(n, k int) float64 {
	if k >= n {
		return 1
	}
	return incompleteBeta(float64(n-k), float64(k+1), 0.5)
}

// MeanInterval returns the interval of the population's mean by Student's t:
// exact for normal values, approximate else (Student, "The probable error of a
// mean", Biometrika 6(1), 1908). Fewer than two values, or one that is not
// finite, give none.
func MeanInterval(x []float64, level float64) (Interval, bool) {
	mean, deviation := moments(x)
	if len(x) < 2 || math.IsNaN(deviation) || math.IsInf(deviation, 0) || !(level > 0 && level < 1) {
		return Interval{}, false
	}
	half := studentQuantile(1-(1-level)/2, float64(len(x)-1)) * deviation / math.Sqrt(float64(len(x)))
	return Interval{Low: mean - half, High: mean + half, Level: level}, true
}

// GeometricMeanInterval returns the interval of the population's geometric
// mean: MeanInterval of the logarithms, so exact for log-normal values. Fewer
// than two values, or one that is not positive, give none.
func GeometricMeanInterval(x []float64, level float64) (Interval, bool) {
	logs, ok := logarithms(x)
	if !ok {
		return Interval{}, false
	}
	i, ok := MeanInterval(logs, level)
	if !ok {
		return Interval{}, false
	}
	return Interval{Low: math.Exp(i.Low), High: math.Exp(i.High), Level: level}, true
}

// studentQuantile returns the p-quantile, p >= 0.5, of Student's t with that
// many degrees of freedom, by bisection of its distribution function.
func studentQuantile(p, freedom float64) float64 {
	low, high := 0.0, 1.0
	for studentCDF(high, freedom) < p {
		high *= 2
	}
	for range 200 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if studentCDF(middle, freedom) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// studentCDF returns P(T <= t) for t >= 0.
func studentCDF(t, freedom float64) float64 {
	return 1 - incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t))/2
}

// incompleteBeta returns the regularised incomplete beta function I_x(a, b) by
// its continued fraction, evaluated with Lentz's method: Press et al.,
// "Numerical Recipes", 3rd ed., 2007, section 6.4.
func incompleteBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - incompleteBeta(b, a, 1-x)
	}
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	front := math.Exp(ab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a

	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	f := d
	for m := 1.0; m <= 100000; m++ {
		for _, term := range [2]float64{
			m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m)),
			-(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1)),
		} {
			if d = 1 + term*d; math.Abs(d) < tiny {
				d = tiny
			}
			if c = 1 + term/c; math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			f *= c * d
		}
		if math.Abs(c*d-1) < 1e-15 {
			break
		}
	}
	return front * f
}
