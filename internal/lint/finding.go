package lint

import (
	"math"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	examples   = 5 // rows that a finding names
	confidence = 0.95
)

// found begins a finding of rows of t, of as many as were looked at; value is
// that which the finding's number is of.
func (t *table) found(rule string, s assay.Severity, where []assay.Fact, rows []int, of int, value func(row int) float64) assay.Finding {
	f := assay.Finding{Rule: rule, Severity: s, Subject: t.subject, Trace: t.name, Where: where, Rows: len(rows), Of: of}
	source, line := t.first(assay.RoleSource), t.first(assay.RoleLine)
	for i := range min(examples, len(rows)) {
		row := rows[i*len(rows)/min(examples, len(rows))]
		at := assay.RowAt{Row: int64(row), Value: finite(value(row))}
		if source != nil && source.Kind == trace.String {
			at.Source = source.Strings[row]
		}
		if line != nil && line.Kind == trace.Int {
			at.Line = line.Ints[row]
		}
		f.Examples = append(f.Examples, at)
	}
	return f
}

// finite makes a number one that JSON has.
func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// median is the estimate of a finding: of the values of rows, with no interval
// where they are not independent.
func (t *table) median(rows []int, unit string, value func(row int) float64) *assay.Estimate {
	x := make([]float64, len(rows))
	for i, row := range rows {
		x[i] = value(row)
	}
	slices.Sort(x)
	e := &assay.Estimate{Value: finite(stats.SortedMedian(x)), Unit: unit, N: len(x), Statistic: "median"}
	if i, ok := stats.SortedMedianInterval(x, confidence); ok && !t.single() {
		e.Low, e.High, e.Confidence, e.Interval = &i.Low, &i.High, confidence, "order statistics"
	}
	return e
}

// number is the estimate of a finding that is one number.
func plain(value float64, unit, statistic string, n int) *assay.Estimate {
	return &assay.Estimate{Value: finite(value), Unit: unit, N: n, Statistic: statistic}
}

// digits writes a number with three significant digits, or all before the point.
func digits(x float64) string {
	n := 3
	if size := math.Abs(x); size >= 1000 && size < 1e15 {
		n = len(strconv.FormatInt(int64(size), 10))
	}
	return strconv.FormatFloat(x, 'g', n, 64)
}

// percent writes a share.
func percent(share float64) string { return digits(100*share) + "%" }

// in milliseconds and the like: a time as people say it.
func duration(s float64) string {
	for _, u := range []struct {
		unit  string
		scale float64
	}{{"s", 1}, {"ms", 1e3}, {"us", 1e6}} {
		if math.Abs(s)*u.scale >= 1 {
			return digits(s*u.scale) + " " + u.unit
		}
	}
	return digits(s*1e9) + " ns"
}
