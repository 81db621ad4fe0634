package lint

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const overrateAbove = 1.001 // beyond the rounding of what was printed

// overrate finds rows with more requests a second than there were requests in
// that time.
func overrate(rule string, t *table) (found []assay.Finding) {
	n := t.counted(assay.RoleRequests)
	throughput, x := t.measured(assay.RoleThroughput, perSecond)
	duration, d := t.measured(assay.RoleDuration, seconds)
	if throughput == nil || n == nil || duration == nil || t.has(assay.RoleTime) { // a row of a time series is no test
		return nil
	}
	ratio := func(row int) float64 { return throughput[row] * duration[row] / n[row] }
	where := t.condition()
	for _, rows := range group(t.rows, where...) {
		var hits, off []int
		var all []float64
		seen := 0
		ds, xs := halfStep(d, rows)*units[d.Unit].scale, halfStep(x, rows)*units[x.Unit].scale
		for _, row := range rows {
			r := ratio(row)
			if !(r > 0) || math.IsInf(r, 0) {
				continue
			}
			seen++
			rounding := ds/duration[row] + xs/throughput[row]
			if r > overrateAbove+rounding {
				hits, all = append(hits, row), append(all, r)
			}
			if r > littleAbove+rounding {
				off = append(off, row)
			}
		}
		if len(hits) == 0 {
			continue
		}
		worst := stats.Quantile(all, 1)
		severity, shown := assay.SeverityWarning, hits
		if len(off) > 0 {
			severity, shown = assay.SeverityError, off
		}
		f := t.found(rule, severity, facts(where, rows[0]), hits, seen, ratio)
		f.Examples = t.found(rule, severity, nil, shown, seen, ratio).Examples
		f.Number = plain(worst, "x", "highest throughput × duration / requests", len(all))
		f.Says = fmt.Sprintf("throughput × duration / requests is up to %.3f, more than 1 beyond rounding; in %d rows by over 5%%", worst, len(off))
		f.Effect = "the rate is not that of these requests in this time: rates of several load generators that did not run all the time together were added up; peaks are too high"
		f.Remedy = "use requests / duration, or measure with one load generator"
		found = append(found, f)
	}
	return found
}
