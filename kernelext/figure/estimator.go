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
	if e == GeometricMean {
		got.value = stats.GeometricMean(values)
		got.interval, got.ok = stats.GeometricMeanInterval(values, level)
		return got
	}
	got.value = stats.SortedMedian(values)
	got.interval, got.ok = stats.SortedMedianInterval(values, level)
	return got
}

// check reports an estimator that there is not, or that cannot be.
func (e Estimator) check(panels []panel) error {
	if e != Median && e != GeometricMean {
		return fmt.Errorf("no estimator %q; there are %q and %q", e, Median, GeometricMean)
	}
	for _, p := range panels {
		for _, c := range p.cells {
			if e == GeometricMean && len(c.values) > 0 && c.values[0] <= 0 {
				return fmt.Errorf("%s: the geometric mean needs positive values, not %v", c.category, c.values[0])
			}
		}
	}
	return nil
}

// name says what is drawn and what the interval is.
func (e Estimator) name() string {
	if e == GeometricMean {
		return "Geometric mean with 95% interval (Student's t on logarithms)."
	}
	return "Median with 95% interval (order statistics)."
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
