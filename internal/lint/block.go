package lint

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	fewestBlocks = 6
	fewestInside = 4    // rows of a block: one odd sample is an outlier, not a block
	odd          = 0.10 // so much off the others
	oddSpread    = 8    // and so many of their spreads (MAD, scaled to a normal deviation)
	leastSpread  = 0.005
	mostOdd      = 0.2 // of the blocks: if more are odd, none is
)

// block finds the few blocks, or replicates where there are no blocks, in
// which everything was slower or quicker than in the others. The spread is
// Hampel's, "The influence curve and its role in robust estimation", JASA
// 69(346), 1974.
func block(rule string, t *table) (found []assay.Finding) {
	of := t.first(assay.RoleBlock)
	if of == nil {
		of = t.first(assay.RoleReplicate)
	}
	if of == nil {
		return nil
	}
	for _, result := range t.levels() { // the first that shows it: rates and latencies do alike
		if found := t.odd(rule, numbers(result), of); len(found) > 0 {
			return found
		}
	}
	return nil
}

// odd finds the odd blocks of values, by row.
func (t *table) odd(rule string, x []float64, of *trace.Values) (found []assay.Finding) {
	relative := t.relative(x)
	for _, scope := range group(t.ok(t.rows), t.by[assay.RoleScope]...) {
		blocks := group(scope, of)
		if len(blocks) < fewestBlocks {
			continue
		}
		off := make([]float64, len(blocks))
		for i, rows := range blocks {
			off[i] = blockLevel(rows, relative)
		}
		middle := stats.Median(off)
		spread := max(1.4826*stats.MAD(off), leastSpread)
		var hits []int
		var names []string
		worst := 0.0
		for i, rows := range blocks {
			d := off[i] - middle
			if math.Abs(d) < math.Log1p(odd) || math.Abs(d) < oddSpread*spread || len(rows) < fewestInside || !together(rows, relative, d) {
				continue
			}
			hits, names = append(hits, rows...), append(names, of.Text(rows[0]))
			if math.Abs(d) > math.Abs(worst) {
				worst = d
			}
		}
		if len(names) == 0 || float64(len(names)) > mostOdd*float64(len(blocks)) {
			continue
		}
		f := t.found(rule, assay.SeverityWarning, facts(t.by[assay.RoleScope], scope[0]), hits, len(scope), func(row int) float64 { return x[row] })
		f.Number = plain(math.Exp(worst), "x", "level of the block over that of the others", len(blocks))
		f.Says = fmt.Sprintf("%s %s of %d is %.2f times the others, in all treatments at once", of.Name, few(names), len(blocks), math.Exp(worst))
		f.Effect = "something else ran on the host, or it was throttled: means move, and intervals that take samples for independent are too narrow"
		if of.Role != assay.RoleBlock {
			f.Says = fmt.Sprintf("%s %s of %d, of every treatment, is %.2f times the others", of.Name, few(names), len(blocks), math.Exp(worst))
			f.Effect = "equal numbers are off alike, so repetitions are not independent: means move, and intervals are too narrow"
		}
		f.Remedy = "look at the host's log of that time; measure that block again, or say that it is left out and why"
		found = append(found, f)
	}
	return found
}

// relative returns the logarithm of each row's value over the median of its
// treatment.
func (t *table) relative(x []float64) []float64 {
	out := make([]float64, len(x))
	for i := range out {
		out[i] = math.NaN()
	}
	for _, rows := range group(t.ok(t.rows), append(t.cell(), t.by[assay.RoleLoad]...)...) {
		var known []float64
		for _, row := range rows {
			if x[row] > 0 {
				known = append(known, x[row])
			}
		}
		middle := stats.Median(known)
		for _, row := range rows {
			if x[row] > 0 {
				out[row] = math.Log(x[row] / middle)
			}
		}
	}
	return out
}

// blockLevel is the median of the known values of rows, 0 for none.
func blockLevel(rows []int, of []float64) float64 {
	var known []float64
	for _, row := range rows {
		if !math.IsNaN(of[row]) {
			known = append(known, of[row])
		}
	}
	if len(known) == 0 {
		return 0
	}
	return stats.Median(known)
}

// together reports whether nearly all rows are off to the same side.
func together(rows []int, relative []float64, d float64) bool {
	same := 0
	for _, row := range rows {
		if relative[row]*d > 0 && math.Abs(relative[row]) > math.Abs(d)/4 {
			same++
		}
	}
	return float64(same) >= 0.8*float64(len(rows))
}
