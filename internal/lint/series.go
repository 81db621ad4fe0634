package lint

import (
	"cmp"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	shortest = 12  // samples of a series before it is tested for drift
	longest  = 400 // more are thinned to medians of neighbours: the tests take quadratic time
	inOne    = 5   // samples a replicate on average, from which each is a series of its own
)

// A series are samples of one treatment in order of time.
type series struct {
	rows []int
	x    []float64
}

// samples returns the series of the values of rows: of each replicate, or of each
// treatment where a replicate is one sample. Where most have the start of another
// one, as in whole seconds, nothing tells their order.
func (t *table) samples(rows []int, x []float64) []series {
	rows = slices.DeleteFunc(slices.Clone(t.ok(rows)), func(row int) bool { return !(x[row] > 0) })
	cells := slices.Concat(t.cell(), t.by[assay.RoleLoad])
	of := group(rows, cells...)
	if finer := group(rows, slices.Concat(cells, t.by[assay.RoleReplicate])...); len(rows) >= inOne*len(finer) {
		of = finer
	}
	var out []series
	for _, rows := range of {
		if !t.sort(rows) {
			continue
		}
		s := series{rows: rows}
		for _, row := range rows {
			s.x = append(s.x, x[row])
		}
		out = append(out, s)
	}
	return out
}

// sort puts rows in order of time: by block, then replicate, then iteration, or
// else start. It reports whether that is their order.
func (t *table) sort(rows []int) (ordered bool) {
	roles := []assay.Role{assay.RoleBlock, assay.RoleReplicate, assay.RoleIteration}
	started := t.counted(assay.RoleIteration) == nil && t.counted(assay.RoleStart) != nil
	if started {
		roles[2] = assay.RoleStart
	}
	var keys [][]float64
	for _, role := range roles {
		if x := t.counted(role); x != nil {
			keys = append(keys, x)
		}
	}
	order := func(a, b int) int {
		for _, x := range keys {
			if c := cmp.Compare(x[a], x[b]); c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortStableFunc(rows, order)
	ties := 0
	for i := 1; started && i < len(rows); i++ {
		if order(rows[i-1], rows[i]) == 0 {
			ties++
		}
	}
	return 2*ties <= len(rows)
}

// thinned returns at most longest values, and how many samples each is of.
func (s series) thinned() (x []float64, each int) {
	each = (len(s.x) + longest - 1) / longest
	if each <= 1 {
		return s.x, 1
	}
	for part := range slices.Chunk(s.x, each) {
		x = append(x, stats.Median(part))
	}
	return x, each
}
