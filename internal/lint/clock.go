package lint

import (
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	coarse       = 0.02 // a step of so much of the median rounds by 1%
	fewestTicked = 20   // values before their common step is taken for the clock's
	mostDecimals = 9    // more are computed, not read from a clock
)

// clock finds times that are few multiples of one step.
func clock(rule string, t *table) (found []assay.Finding) {
	for _, v := range slices.Concat(t.sampled(), t.by[assay.RoleMean]) {
		if in(v, seconds) != nil {
			found = append(found, t.ticking(rule, v)...)
		}
	}
	return found
}

// ticking finds the times of a column that are few multiples of one step.
func (t *table) ticking(rule string, v *trace.Values) (found []assay.Finding) {
	x := numbers(v)
	where := t.condition()
	all := slices.DeleteFunc(t.ok(t.rows), func(row int) bool { return math.IsNaN(x[row]) || x[row] < 0 })
	for _, rows := range group(all, where...) {
		ticked := rows
		if len(rows) < fewestTicked {
			ticked = all // they are few: as the whole column is written
		}
		digits := decimals(v, ticked)
		if len(ticked) < fewestTicked || digits > mostDecimals {
			continue
		}
		step := commonStep(ticked, x, math.Pow(10, float64(digits)))
		var hits []int
		worst := 0.0
		for _, cell := range group(rows, append(t.cell(), t.by[assay.RoleLoad]...)...) {
			of := make([]float64, len(cell))
			for i, row := range cell {
				of[i] = x[row]
			}
			if len(of) == 1 && of[0] == 0 {
				continue // what took no time, rather than less than a step
			}
			share := step / stats.Median(of)
			if share >= coarse {
				hits = append(hits, cell...)
				worst = max(worst, min(share, 1))
			}
		}
		if len(hits) == 0 {
			continue
		}
		slices.Sort(hits)
		unit := units[v.Unit].scale
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return x[row] })
		f.Number = plain(worst, "", "step of the clock over the median, at the worst", len(hits))
		f.Says = fmt.Sprintf("all %d times of %s are multiples of %s, up to %s of what was measured", len(ticked), v.Name, duration(step*unit), percent(worst))
		f.Effect = "rounding is as large as the effect: ties hide differences, and a median jumps by a whole step"
		f.Remedy = "read a finer clock, or measure many calls at once and divide"
		found = append(found, f)
	}
	return found
}

// commonStep returns the largest step that all values are multiples of.
func commonStep(rows []int, x []float64, scale float64) float64 {
	step := int64(0)
	for _, row := range rows {
		a, b := step, int64(math.Round(x[row]*scale))
		for b != 0 {
			a, b = b, a%b
		}
		step = a
	}
	return float64(step) / scale
}
