package lint

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A table is a trace, by the roles of its columns.
type table struct {
	subject, name string
	noise         float64
	by            map[assay.Role][]*trace.Values
	rows          []int           // that are samples of the result
	conditions    []*trace.Values // the system, and factors that are no sweep
}

// numeric are the roles of which a column that holds no numbers is of no use.
var numeric = []assay.Role{
	assay.RoleLoad, assay.RoleRate, assay.RoleRequests, assay.RoleFailed, assay.RoleDuration, assay.RoleThroughput, assay.RoleLatency, assay.RoleInterval,
	assay.RoleTransfer, assay.RoleSize, assay.RoleStatus, assay.RoleSample, assay.RoleMean, assay.RoleSpread, assay.RoleCPU, assay.RoleMemory, assay.RoleLine,
}

func newTable(s Subject, t Trace) *table {
	out := &table{subject: s.Name, name: t.Name, noise: t.Noise, by: map[assay.Role][]*trace.Values{}}
	rows := 0
	for _, c := range t.Columns {
		rows = c.Len()
		if c.Role != "" && (c.Kind == trace.Int || c.Kind == trace.Float || !slices.Contains(numeric, c.Role)) {
			out.by[c.Role] = append(out.by[c.Role], c)
		}
	}
	out.conditions = slices.Clone(out.by[assay.RoleSystem])
	for _, v := range out.by[assay.RoleFactor] {
		if !sweeps(v) {
			out.conditions = append(out.conditions, v)
		}
	}
	warmup := out.first(assay.RoleWarmup)
	for row := range rows {
		if warmup == nil || warmup.Kind != trace.Bool || !warmup.Bools[row] {
			out.rows = append(out.rows, row)
		}
	}
	return out
}

func (t *table) first(role assay.Role) *trace.Values {
	if all := t.by[role]; len(all) > 0 {
		return all[0]
	}
	return nil
}

func (t *table) has(roles ...assay.Role) bool {
	return !slices.ContainsFunc(roles, func(r assay.Role) bool { return len(t.by[r]) == 0 })
}

// numbers returns a column's values by row, NaN where there is none.
func numbers(v *trace.Values) []float64 {
	out := make([]float64, v.Len())
	for row := range out {
		switch {
		case v.IsNull(row):
			out[row] = math.NaN()
		case v.Kind == trace.Int:
			out[row] = float64(v.Ints[row])
		case v.Kind == trace.Float:
			out[row] = v.Floats[row]
		default:
			out[row] = math.NaN()
		}
	}
	return out
}

// measured returns the first column of a role whose unit is of a dimension, and
// its values in the unit of that; nil if there is none.
func (t *table) measured(role assay.Role, of dimension) ([]float64, *trace.Values) {
	for _, v := range t.by[role] {
		if x := in(v, of); x != nil {
			return x, v
		}
	}
	return nil, nil
}

// in returns a column's values in the unit of a dimension, nil if its unit is of another.
func in(v *trace.Values, of dimension) []float64 {
	u, ok := units[v.Unit]
	if !ok || u.of != of {
		return nil
	}
	x := numbers(v)
	for i := range x {
		x[i] *= u.scale
	}
	return x
}

// counted returns the values of the first column of a role that has no unit.
func (t *table) counted(role assay.Role) []float64 {
	if v := t.first(role); v != nil && (v.Kind == trace.Int || v.Kind == trace.Float) {
		return numbers(v)
	}
	return nil
}

// sweeps reports whether a factor is one that is varied step by step: all its
// values are numbers. The others are conditions.
func sweeps(v *trace.Values) bool {
	switch v.Kind {
	case trace.Int, trace.Float:
		return true
	case trace.Bool:
		return false
	}
	some := false
	for row, s := range v.Strings {
		if v.IsNull(row) {
			continue
		}
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return false
		}
		some = true
	}
	return some
}

// condition are the columns within which a defect is looked for.
func (t *table) condition() []*trace.Values { return slices.Clone(t.conditions) }

// cell are the columns that make a treatment, but for the load.
func (t *table) cell() []*trace.Values {
	var out []*trace.Values
	for _, role := range []assay.Role{assay.RoleSystem, assay.RoleWorkload, assay.RoleFactor, assay.RoleRate, assay.RoleScope, assay.RoleMode, assay.RoleCache} {
		out = append(out, t.by[role]...)
	}
	return out
}

// group splits rows by the values of columns, in the order in which these
// appear; within a group rows keep their order.
func group(rows []int, columns ...*trace.Values) [][]int {
	code := make([]int, len(rows))
	n := min(1, len(rows))
	for _, v := range columns {
		code, n = refine(code, rows, v)
	}
	out := make([][]int, n)
	for i, row := range rows {
		out[code[i]] = append(out[code[i]], row)
	}
	return out
}

// refine splits groups further by one column's values.
func refine(code, rows []int, v *trace.Values) (finer []int, n int) {
	type key[T comparable] struct {
		before int
		value  T
		null   bool
	}
	finer = make([]int, len(rows))
	switch v.Kind {
	case trace.String:
		return number(finer, func(i int) key[string] { return key[string]{code[i], v.Strings[rows[i]], v.IsNull(rows[i])} })
	case trace.Int:
		return number(finer, func(i int) key[int64] { return key[int64]{code[i], v.Ints[rows[i]], v.IsNull(rows[i])} })
	case trace.Float:
		return number(finer, func(i int) key[uint64] {
			return key[uint64]{code[i], math.Float64bits(v.Floats[rows[i]]), v.IsNull(rows[i])}
		})
	}
	return number(finer, func(i int) key[bool] { return key[bool]{code[i], v.Bools[rows[i]], v.IsNull(rows[i])} })
}

// number gives each key a number, in the order in which they appear.
func number[K comparable](out []int, key func(i int) K) ([]int, int) {
	seen := map[K]int{}
	for i := range out {
		k := key(i)
		at, ok := seen[k]
		if !ok {
			at = len(seen)
			seen[k] = at
		}
		out[i] = at
	}
	return out, len(seen)
}

// facts says what a row is of, by those columns.
func facts(columns []*trace.Values, row int) []assay.Fact {
	var out []assay.Fact
	for _, v := range columns {
		if s := v.Text(row); s != "" {
			out = append(out, assay.Fact{Name: v.Name, Value: s})
		}
	}
	return out
}

// words says facts as people do.
func words(where []assay.Fact) string {
	said := make([]string, len(where))
	for i, f := range where {
		said[i] = f.Name + " " + f.Value
	}
	return strings.Join(said, ", ")
}

// ok drops rows that did not end well, or got no good answer.
func (t *table) ok(rows []int) []int {
	outcome, status := t.first(assay.RoleOutcome), t.counted(assay.RoleStatus)
	return slices.DeleteFunc(slices.Clone(rows), func(row int) bool { return !ended(outcome, row) || status != nil && refused(status[row]) })
}

// refused reports whether a status is known and not that of a good answer: 200
// to 299.
func refused(status float64) bool { return status < 200 || status >= 300 }

// single reports whether rows are samples of one test or process: they are in
// order, and nothing tells repetitions apart.
func (t *table) single() bool {
	return (t.has(assay.RoleIteration) || t.has(assay.RoleTime) || t.has(assay.RoleStart)) && !t.has(assay.RoleReplicate) && !t.has(assay.RoleBlock)
}

// ended reports whether a row ended well, or nothing says how.
func ended(outcome *trace.Values, row int) bool {
	return outcome == nil || outcome.Kind != trace.String || outcome.IsNull(row) || outcome.Strings[row] == string(assay.OK)
}
