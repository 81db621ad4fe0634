package lint

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay"
)

const (
	failedSome  = 0.001 // share from which it is a warning: any is worth a note
	failedLarge = 0.05  // and an error: the quick refusals are part of the result
)

// failures counts what had no good answer, and tests that have no result.
func failures(rule string, t *table) []assay.Finding {
	return append(t.failed(rule), t.noResult(rule)...)
}

// failed finds the share of requests, or of rows that are one request or
// invocation, that failed.
func (t *table) failed(rule string) (found []assay.Finding) {
	weight, bad := t.failing()
	if bad == nil {
		return nil
	}
	where := t.condition()
	if w := t.first(assay.RoleWorkload); w != nil {
		where = append(where, w)
	}
	for _, rows := range group(t.rows, where...) {
		var hits []int
		failed, all, seen := 0.0, 0.0, 0
		for _, row := range rows {
			if b := bad(row); b > 0 {
				hits, failed = append(hits, row), failed+b
			}
			if w := weight(row); w > 0 {
				all, seen = all+w, seen+1
			}
		}
		share := failed / all
		if !(share > 0) {
			continue
		}
		severity := assay.SeverityNote
		switch {
		case share >= failedLarge:
			severity = assay.SeverityError
		case share >= failedSome:
			severity = assay.SeverityWarning
		}
		f := t.found(rule, severity, facts(where, rows[0]), hits, max(seen, len(hits)), bad)
		f.Number = plain(share, "", "share that failed", int(math.Round(all)))
		f.Says = fmt.Sprintf("%s of %.0f had no good answer", percent(share), all)
		switch {
		case all == 0:
			f.Number = plain(failed, "attempts", "attempts that failed", int(math.Round(failed)))
			f.Says = fmt.Sprintf("all %.0f attempts failed: there is no answer", failed)
		case share > 1:
			f.Says = fmt.Sprintf("%.0f failed beside %.0f requests: not all that failed is counted as a request, or one of the counts is wrong", failed, all)
		}
		f.Effect = "rates count what was refused, and latencies what was quick to refuse; medians of the others are of survivors"
		f.Remedy = "report the share beside every number; measure again below the load at which it fails"
		if !t.has(assay.RoleStatus) && !t.has(assay.RoleRequests) && !t.has(assay.RoleLatency) && !t.has(assay.RoleThroughput) { // no load test
			f.Effect = "means and medians are of what succeeded: who fails where others are slow looks quick"
			f.Remedy = "report the share beside every number; compare what all systems have finished"
		}
		found = append(found, f)
	}
	return found
}

// failing returns how many requests a row is of, and how many of them failed;
// nil if nothing says so.
func (t *table) failing() (weight, bad func(row int) float64) {
	requests, failed, status := t.counted(assay.RoleRequests), t.counted(assay.RoleFailed), t.counted(assay.RoleStatus)
	known := func(x float64) float64 {
		if math.IsNaN(x) {
			return 0
		}
		return x
	}
	if failed != nil && requests != nil {
		return func(row int) float64 { return known(requests[row]) }, func(row int) float64 { return known(failed[row]) }
	}
	if requests != nil && status != nil { // a row counts the requests of a status
		return func(row int) float64 { return known(requests[row]) }, func(row int) float64 { return known(requests[row]) * truth(refused(status[row])) }
	}
	if requests != nil {
		return nil, nil // a row is a test: noResult
	}
	outcome := t.first(assay.RoleOutcome)
	if status == nil && outcome == nil {
		return nil, nil
	}
	weight = func(row int) float64 {
		return truth(status != nil && !math.IsNaN(status[row]) || outcome != nil && !outcome.IsNull(row))
	}
	return weight, func(row int) float64 {
		return truth(!ended(outcome, row) || status != nil && refused(status[row]))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// noResult finds tests that have requests and no rate or time: they did not
// end, and a zero is not a measurement.
func (t *table) noResult(rule string) (found []assay.Finding) {
	requests := t.counted(assay.RoleRequests)
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if requests == nil || throughput == nil || t.has(assay.RoleTime) { // a row of a time series is no test
		return nil
	}
	outcome := t.first(assay.RoleOutcome)
	where := t.condition()
	for _, rows := range group(t.rows, where...) {
		var hits []int
		for _, row := range rows {
			if requests[row] > 0 && (!(throughput[row] > 0) || !ended(outcome, row)) {
				hits = append(hits, row)
			}
		}
		if len(hits) == 0 {
			continue
		}
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return throughput[row] })
		f.Number = plain(float64(len(hits)), "tests", "tests without a result", len(rows))
		f.Says = fmt.Sprintf("%d of %d tests have requests and no result: they did not end", len(hits), len(rows))
		f.Effect = "taken as 0 they falsify means and peaks; left out they hide the load at which the system gives up"
		f.Remedy = "leave them out of means and draw where each sweep ends"
		found = append(found, f)
	}
	return found
}
