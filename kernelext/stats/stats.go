// Package stats is the statistics that cells, sealed figures and verdicts
// share: estimates of location and spread, ratios, and intervals for them. It
// is pure and seeded: equal input gives equal output.
//
// It averages nothing across groups, tests nothing it was not asked to, and
// invents no interval: where a sample is too small for one, it says so.
// docs/statistics.md has the definitions, their sources and how often each
// interval covers the truth.
package stats

import (
	"math"
	"slices"
)

// An Interval is a confidence interval, its ends included.
type Interval struct {
	Low, High float64
	Level     float64 // 0.95: what it aims at
}

// Contains reports whether v is in the interval.
func (i Interval) Contains(v float64) bool { return i.Low <= v && v <= i.High }

// Quantile returns the p-quantile of x, 0 <= p <= 1, by definition 7 of
// Hyndman and Fan, "Sample quantiles in statistical packages", The American
// Statistician 50(4), 1996: linear interpolation at h = (n-1)p, as R, NumPy
// and spreadsheets have it. It returns NaN for no values, for a p outside
// [0, 1], and where x has a NaN.
func Quantile(x []float64, p float64) float64 { return SortedQuantile(sorted(x), p) }

// SortedQuantile is Quantile of values in ascending order.
func SortedQuantile(x []float64, p float64) float64 {
	if len(x) == 0 || !(p >= 0 && p <= 1) || math.IsNaN(x[0]) {
		return math.NaN()
	}
	h := float64(len(x)-1) * p
	low := int(h)
	if low+1 >= len(x) || x[low] == x[low+1] {
		return x[low]
	}
	if frac := h - float64(low); frac > 0 {
		return x[low] + float64(frac*(x[low+1]-x[low]))
	}
	return x[low]
}

// Median returns the middle value, or the mean of the two middle values; NaN
// for no values.
func Median(x []float64) float64 { return SortedQuantile(sorted(x), 0.5) }

// SortedMedian is Median of values in ascending order.
func SortedMedian(x []float64) float64 { return SortedQuantile(x, 0.5) }

// MAD returns the median absolute deviation from the median, in the unit of x
// and not scaled to a normal standard deviation (multiply by 1.4826 for that).
// Hampel, "The influence curve and its role in robust estimation", JASA
// 69(346), 1974. It returns NaN for no values.
func MAD(x []float64) float64 {
	m := Median(x)
	d := make([]float64, len(x))
	for i, v := range x {
		d[i] = math.Abs(v - m)
	}
	return Median(d)
}

// Mean returns the arithmetic mean; NaN for no values.
func Mean(x []float64) float64 {
	mean, _ := moments(x)
	return mean
}

// moments returns the mean and the standard deviation (n-1).
func moments(x []float64) (mean, deviation float64) {
	if len(x) == 0 {
		return math.NaN(), math.NaN()
	}
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		d := v - mean
		deviation += d * d
	}
	return mean, math.Sqrt(deviation / float64(len(x)-1))
}

// GeometricMean returns the n-th root of the product; NaN for no values or a
// value that is not positive. It is the mean for ratios: Fleming and Wallace,
// "How not to lie with statistics: the correct way to summarize benchmark
// results", CACM 29(3), 1986.
func GeometricMean(x []float64) float64 {
	logs, ok := logarithms(x)
	if !ok {
		return math.NaN()
	}
	return math.Exp(Mean(logs))
}

// logarithms returns those of x, where all can be had.
func logarithms(x []float64) (logs []float64, ok bool) {
	logs = make([]float64, len(x))
	for i, v := range x {
		if !(v > 0) {
			return nil, false
		}
		logs[i] = math.Log(v)
	}
	return logs, true
}

// sorted returns a sorted copy; a NaN comes first.
func sorted(x []float64) []float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	return s
}
