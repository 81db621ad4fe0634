package lint

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// fewest repetitions for a 95% interval of the median, whatever the
// distribution: 2·(1/2)^n <= 0.05. David and Nagaraja, "Order Statistics",
// 3rd ed., 2003, section 7.1.
const fewest = 6

// replicates counts the repetitions of each treatment: independent ones, if
// the columns tell them from samples of one process.
func replicates(rule string, tables []*table) (found []assay.Finding) {
	for _, t := range tables {
		v := t.result()
		if v == nil && t.single() {
			v = t.first(assay.RoleLatency) // of every request
		}
		if v == nil || t.has(assay.RoleTime) && !t.ofOneTest(v) { // a row of a time series is no test
			continue
		}
		if v.Role == assay.RoleMean && slices.ContainsFunc(tables, func(o *table) bool { return o.subject == t.subject && o.has(assay.RoleSample) }) {
			continue // its samples are there
		}
		found = append(found, t.few(rule, v)...)
	}
	return found
}

// ofOneTest reports whether a column holds samples of one test.
func (t *table) ofOneTest(v *trace.Values) bool {
	return (v.Role == assay.RoleSample || v.Role == assay.RoleLatency) && t.single()
}

func (t *table) few(rule string, result *trace.Values) (found []assay.Finding) {
	x := numbers(result)
	cells := append(t.cell(), t.by[assay.RoleLoad]...)
	where := t.condition()
	of := t.first(assay.RoleReplicate)
	if of == nil && result.Role == assay.RoleSample {
		of = t.first(assay.RoleBlock)
	}
	for _, rows := range group(t.ok(t.rows), where...) {
		var hits []int
		few, seen := 0, 0
		least, most := len(rows), 0
		for _, cell := range group(rows, cells...) {
			var measured []int
			for _, row := range cell {
				if x[row] > 0 {
					measured = append(measured, row)
				}
			}
			if len(measured) == 0 {
				continue
			}
			seen++
			count := len(measured)
			switch {
			case result.Role == assay.RoleMean && count == 1:
				count = 0
			case of != nil:
				count = len(group(measured, of))
			case t.ofOneTest(result):
				count = 1
			}
			if count < fewest {
				few++
				least, most = min(least, count), max(most, count)
				hits = append(hits, measured...)
			}
		}
		if few == 0 {
			continue
		}
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return x[row] })
		f.Number = plain(float64(least), "repetitions", "fewest repetitions of a treatment", few)
		f.Says = fmt.Sprintf("%d of %d treatments have %s repetitions, fewer than the %d that a 95%% interval of the median needs", few, seen, span(float64(least), float64(most)), fewest)
		f.Effect = "no interval without assumptions about the distribution: a difference may be chance"
		switch {
		case most == 0:
			f.Number = plain(0, "samples", "samples that are there", few)
			f.Says = fmt.Sprintf("%d of %d treatments are means of samples that are not there", few, seen)
			f.Effect = "no interval can be computed, and nothing that the mean hides can be seen"
		case most == 1:
			f.Says = fmt.Sprintf("%d of %d treatments were measured once", few, seen)
			f.Effect = "no interval at all: what one repetition says of the next is not known"
			if t.ofOneTest(result) {
				f.Says += fmt.Sprintf(": their %d samples are in order, and nothing says that they are of several tests or processes", len(hits))
				f.Effect = "samples of one test are not independent: an interval over them is too narrow by any factor"
			}
		}
		f.Remedy = fmt.Sprintf("repeat each treatment %d times or more, in fresh processes and in random order", fewest)
		found = append(found, f)
	}
	return found
}

// result is the column of what was measured: throughput, samples, or means.
func (t *table) result() *trace.Values {
	for _, role := range []assay.Role{assay.RoleThroughput, assay.RoleSample, assay.RoleMean} {
		if v := t.first(role); v != nil {
			return v
		}
	}
	return nil
}

// sampled are the columns of single measurements: samples, and latencies that
// are not said to be a mean or another statistic.
func (t *table) sampled() []*trace.Values {
	return append(slices.Clone(t.by[assay.RoleSample]), slices.DeleteFunc(slices.Clone(t.by[assay.RoleLatency]), func(v *trace.Values) bool {
		mean, other := statistics(v)
		return mean || other
	})...)
}

// levels are the columns whose levels are compared: throughput, and what is sampled.
func (t *table) levels() []*trace.Values {
	return append(slices.Clone(t.by[assay.RoleThroughput]), t.sampled()...)
}

func span(low, high float64) string {
	if low == high {
		return fmt.Sprintf("%.0f", low)
	}
	return fmt.Sprintf("%.0f to %.0f", low, high)
}
