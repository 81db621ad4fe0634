package summary

import (
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const confidence = 0.95

// median returns the median of xs and its interval, nil for no samples.
func median(xs []float64, unit string) *assay.Estimate {
	if len(xs) == 0 {
		return nil
	}
	e := &assay.Estimate{Value: stats.Median(xs), Unit: unit, N: len(xs), Confidence: confidence, Statistic: "median", Interval: "order statistics"}
	if i, ok := stats.MedianInterval(xs, confidence); ok {
		e.Low, e.High = &i.Low, &i.High
	}
	return e
}

// medianTime returns the median of the times ns in unit, and its interval; of
// several of one invocation, by their seqs, the median of the invocations'
// medians; nil for none.
func medianTime(ns []float64, seqs []int64, unit string) *assay.Estimate {
	medians := slices.Clone(ns)
	if seqs != nil {
		medians = stats.GroupMedians(ns, seqs)
	}
	for i := range medians {
		medians[i] /= timeUnits[unit]
	}
	e := median(medians, unit)
	if e != nil && seqs != nil {
		e.Statistic, e.Interval = "median of the invocations' medians", "order statistics of the invocations' medians"
	}
	return e
}

// timeUnits are the units of time, in nanoseconds.
var timeUnits = map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}

// timeUnit returns the unit in which so many nanoseconds are read well.
func timeUnit(ns float64) string {
	switch {
	case ns < 1e3:
		return "ns"
	case ns < 1e6:
		return "us"
	}
	return "ms"
}

// inMS writes a time in the unit of wall times of processes.
func inMS(e assay.Estimate) string {
	scale := timeUnits[e.Unit] / timeUnits["ms"]
	e.Value *= scale
	for _, end := range []**float64{&e.Low, &e.High} {
		if *end != nil {
			scaled := **end * scale
			*end = &scaled
		}
	}
	return cell(&e) + " ms"
}
