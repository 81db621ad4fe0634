package lint

import (
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// noise finds differences between systems that their samples show beyond
// chance, and that two equal treatments show on the host, too. Mytkowicz et
// al., "Producing wrong data without doing anything obviously wrong!", ASPLOS
// 2009.
func noise(rule string, t *table) []assay.Finding {
	v := t.result()
	if !(t.noise > 0) || v == nil || !t.has(assay.RoleSystem) || v.Role == assay.RoleMean {
		return nil
	}
	return t.tooSmall(rule, v, t.noise)
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
		of := group(point, system...)
		for i, a := range of {
			for _, b := range of[i+1:] {
				pairs++
				ratio, ok := apartBeyondChance(t.independent(a, x), t.independent(b, x))
				if !ok || math.Abs(math.Log(ratio)) >= math.Log1p(floor) {
					continue
				}
				hits, by = append(append(hits, a...), b...), append(by, math.Exp(math.Abs(math.Log(ratio)))-1)
				if said == "" {
					said = fmt.Sprintf("%s and %s (%s)", words(facts(system, a[0])), words(facts(system, b[0])), words(facts(same, a[0])))
				}
			}
		}
	}
	if len(by) == 0 {
		return nil
	}
	f := t.found(rule, assay.SeverityNote, nil, hits, len(t.rows), func(row int) float64 { return x[row] })
	f.Number = plain(stats.Median(by), "", "median difference of those pairs", len(by))
	f.Says = fmt.Sprintf("%d of %d pairs of systems differ by less than the host's noise of %s, as %s", len(by), pairs, percent(floor), said)
	f.Effect = "the difference is beyond chance and still says nothing: two equal treatments differ as much on this host"
	f.Remedy = "call them equal, or lower the noise of the host and measure again"
	return []assay.Finding{f}
}

// independent returns the values of rows, of each replicate the median where
// it has several.
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
		case !t.has(assay.RoleReplicate):
			return known
		case len(known) > 0:
			out = append(out, stats.Median(known))
		}
	}
	return out
}

// apartBeyondChance returns the ratio of the medians; ok is false where their
// intervals have a value in common, or there are none.
func apartBeyondChance(a, b []float64) (ratio float64, ok bool) {
	ia, okA := stats.MedianInterval(a, confidence)
	ib, okB := stats.MedianInterval(b, confidence)
	if !okA || !okB || ia.Low <= ib.High && ib.Low <= ia.High {
		return 0, false
	}
	return stats.Median(a) / stats.Median(b), true
}
