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
// treatment where a replicate is one sample.
func (t *table) samples(rows []int, x []float64) []series {
	rows = slices.DeleteFunc(slices.Clone(t.ok(rows)), func(row int) bool { return !(x[row] > 0) })
	cells := slices.Concat(t.cell(), t.by[assay.RoleLoad])
	of := group(rows, cells...)
	if finer := group(rows, slices.Concat(cells, t.by[assay.RoleReplicate])...); len(rows) >= inOne*len(finer) {
		of = finer
	}
	out := make([]series, len(of))
	for i, rows := range of {
		t.sort(rows)
		out[i].rows = rows
		for _, row := range rows {
			out[i].x = append(out[i].x, x[row])
		}
	}
	return out
}

// sort puts rows in order of time: by block, then replicate, then iteration.
func (t *table) sort(rows []int) {
	var keys [][]float64
	for _, role := range []assay.Role{assay.RoleBlock, assay.RoleReplicate, assay.RoleIteration} {
		if x := t.counted(role); x != nil {
			keys = append(keys, x)
		}
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		for _, x := range keys {
			if c := cmp.Compare(x[a], x[b]); c != 0 {
				return c
			}
		}
		return 0
	})
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
