package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const neighbours = 100 // in order of median, with which a system is compared

// noise finds differences between systems that their samples show beyond
// chance, and that two equal treatments show on the host, too. Mytkowicz et
// al., "Producing wrong data without doing anything obviously wrong!", ASPLOS
// 2009.
func noise(rule string, t *table) []assay.Finding {
	if !(t.noise > 0) || !t.has(assay.RoleSystem) {
		return nil
	}
	for _, v := range t.levels() { // the first that shows it: rates and latencies do alike
		if found := t.tooSmall(rule, v, t.noise); len(found) > 0 {
			return found
		}
	}
	return nil
}

func (t *table) tooSmall(rule string, v *trace.Values, floor float64) []assay.Finding {
	x := numbers(v)
	system := t.by[assay.RoleSystem]
	same := slices.DeleteFunc(slices.Concat(t.cell(), t.by[assay.RoleLoad]), func(c *trace.Values) bool {
		return c.Role == assay.RoleSystem || c.Role == assay.RoleMode || c.Role == assay.RoleCache
	})
	var hits []int
	var by []float64
	said := ""
	pairs := 0
	for _, point := range group(t.ok(t.rows), same...) {
		var levels []medianOf
		for _, rows := range group(point, system...) {
			if l, ok := t.medianOf(rows, x); ok {
				levels = append(levels, l)
			}
		}
		pairs += len(levels) * (len(levels) - 1) / 2
		slices.SortStableFunc(levels, func(a, b medianOf) int { return cmp.Compare(a.median, b.median) })
		for i, a := range levels {
			for _, b := range levels[i+1 : min(i+1+neighbours, len(levels))] {
				ratio := b.median / a.median
				if !(ratio < 1+floor) {
					break
				}
				if a.interval.High >= b.interval.Low {
					continue
				}
				hits, by = append(append(hits, a.rows...), b.rows...), append(by, ratio-1)
				if said == "" {
					said = fmt.Sprintf("%s and %s (%s)", words(facts(system, a.rows[0])), words(facts(system, b.rows[0])), words(facts(same, a.rows[0])))
				}
			}
		}
	}
	if len(by) == 0 {
		return nil
	}
	slices.Sort(hits)
	hits = slices.Compact(hits) // a system is in many pairs
	f := t.found(rule, assay.SeverityNote, nil, hits, len(t.rows), func(row int) float64 { return x[row] })
	f.Number = plain(stats.Median(by), "", "median difference of those pairs", len(by))
	f.Says = fmt.Sprintf("%d of %d pairs of systems differ by less than the host's noise of %s, as %s", len(by), pairs, percent(floor), said)
	f.Effect = "the difference is beyond chance and still says nothing: two equal treatments differ as much on this host"
	f.Remedy = "call them equal, or lower the noise of the host and measure again"
	return []assay.Finding{f}
}

// independent returns the values of rows; the median of each replicate, or of
// the one test that they are samples of.
func (t *table) independent(rows []int, x []float64) []float64 {
	var out []float64
	for _, one := range group(rows, t.by[assay.RoleReplicate]...) {
		var known []float64
		for _, row := range one {
			if x[row] > 0 {
				known = append(known, x[row])
			}
		}
		switch {
		case !t.has(assay.RoleReplicate) && !t.single():
			return known
		case len(known) > 0:
			out = append(out, stats.Median(known))
		}
	}
	return out
}

// A medianOf is the median of a system under one condition.
type medianOf struct {
	rows     []int
	median   float64
	interval stats.Interval
}

// medianOf returns the median of rows; ok is false where there is no interval.
func (t *table) medianOf(rows []int, x []float64) (m medianOf, ok bool) {
	all := t.independent(rows, x)
	interval, ok := stats.MedianInterval(all, confidence)
	return medianOf{rows, stats.Median(all), interval}, ok
}
