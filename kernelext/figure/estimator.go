package figure

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// An Estimator is one number for many samples, with its interval.
type Estimator string

// The estimators.
const (
	Median        Estimator = "median"         // with the order-statistic interval
	GeometricMean Estimator = "geometric mean" // with Student's t on logarithms
	Mean          Estimator = "mean"           // with Student's t
	Quartiles     Estimator = "quartiles"      // the median; in place of an interval, the first and third quartile
)

const level = 0.95 // of every interval that is drawn

// An estimate is what an estimator found in one cell.
type estimate struct {
	value    float64 // NaN: no samples
	interval stats.Interval
	ok       bool // there is an interval
	n        int
}

// of estimates from ascending values.
func (e Estimator) of(values []float64) estimate {
	got := estimate{n: len(values)}
	switch e {
	case GeometricMean:
		got.value = stats.GeometricMean(values)
		got.interval, got.ok = stats.GeometricMeanInterval(values, level)
	case Mean:
		got.value = stats.Mean(values)
		got.interval, got.ok = stats.MeanInterval(values, level)
	case Quartiles:
		got.value = stats.SortedMedian(values)
		got.interval = stats.Interval{Low: stats.SortedQuantile(values, 0.25), High: stats.SortedQuantile(values, 0.75)}
		got.ok = len(values) > 1
	default:
		got.value = stats.SortedMedian(values)
		got.interval, got.ok = stats.SortedMedianInterval(values, level)
	}
	return got
}

// check reports an estimator that there is not, or that cannot be.
func (e Estimator) check(panels []panel) error {
	switch e {
	case Median, Mean, Quartiles:
		return nil
	case GeometricMean:
	default:
		return fmt.Errorf("no estimator %q; there are %q, %q, %q and %q", e, Median, GeometricMean, Mean, Quartiles)
	}
	for _, p := range panels {
		for _, c := range p.cells {
			if len(c.values) > 0 && c.values[0] <= 0 {
				return fmt.Errorf("%s: the geometric mean needs positive values, not %v", c.category, c.values[0])
			}
		}
	}
	return nil
}

// name says what is drawn and what the interval is.
func (e Estimator) name() string {
	switch e {
	case GeometricMean:
		return "Geometric mean with 95% interval (Student's t on logarithms)."
	case Mean:
		return "Mean with 95% interval (Student's t)."
	case Quartiles:
		return "Median with first and third quartile: how far samples spread, not an interval of the median."
	}
	return "Median with 95% interval (order statistics)."
}

// value is what a column of estimates is called.
func (e Estimator) value() string {
	if e == Quartiles {
		return string(Median)
	}
	return string(e)
}

// span is what a column of intervals is called.
func (e Estimator) span() string {
	if e == Quartiles {
		return "quartiles"
	}
	return "95% interval"
}

// bracket is what stands in a head for the two numbers after an estimate.
func (e Estimator) bracket() string {
	if e == Quartiles {
		return "[quartiles]"
	}
	return "[95%]"
}

// short says what "[–]" is.
func (e Estimator) short() string {
	if e == Median || e == "" {
		return "[–]: too few samples for an interval."
	}
	return "[–]: n = 1, no " + e.span() + "."
}

// text returns "12.3 [11.9, 12.8]".
func (e estimate) text() string {
	if e.n == 0 {
		return ""
	}
	return estimateText(e.value) + " " + e.intervalText()
}

func (e estimate) intervalText() string {
	if !e.ok {
		return "[–]"
	}
	return "[" + estimateText(e.interval.Low) + ", " + estimateText(e.interval.High) + "]"
}

// reach widens a range to hold the estimate and its interval.
func (e estimate) reach(low, high float64) (float64, float64) {
	if e.n == 0 {
		return low, high
	}
	low, high = math.Min(low, e.value), math.Max(high, e.value)
	if e.ok {
		low, high = math.Min(low, e.interval.Low), math.Max(high, e.interval.High)
	}
	return low, high
}
