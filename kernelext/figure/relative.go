package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay/kernelext/stats"
	"github.com/assay-notebooks/assay/kernelext/table"
)

// Per returns the values divided by those of the same rows, and says in which
// unit that is: the size of an answer is
//
//	s.Float("transfer").Per(s.Float("rps"), "KiB")
//
// It keeps the name of v. Where the divisor has no value, or is 0, there is none.
func (v Values) Per(divisor Values, unit string) Values {
	switch {
	case v.err != nil:
		return v
	case divisor.err != nil:
		v.err = divisor.err
		return v
	case !v.of.same(divisor.of):
		v.err = fmt.Errorf("%s and %s are not of the same rows; say the same Where for both", v.label, divisor.label)
		return v
	}
	by := make([]float64, v.of.Len())
	divisor.reader()(0, by)
	for i := range by {
		if by[i] == 0 {
			by[i] = math.NaN()
		}
	}
	v.divide(by)
	v.unit = unit
	return v
}

// divide divides each value by a number.
func (v *Values) divide(by []float64) {
	for i := range v.divisors {
		by[i] *= v.divisors[i]
	}
	v.divisors = by
}

const noBaseline = "no baseline" // what a value is counted as that has nothing to be divided by

// Over returns the values divided by the median of the baseline's in the rows
// with the same keys: the ratio to native of the same benchmark is
//
//	s.Float("time").Over(s.Where("runtime", "native").Float("time"), "benchmark")
//
// Their unit is "x". A value whose keys the baseline does not have, or has with
// a median of 0, is left out and counted. Both must be in the same unit.
func (v Values) Over(baseline Values, keys ...string) Values {
	switch {
	case v.err != nil:
		return v
	case baseline.err != nil:
		v.err = fmt.Errorf("baseline: %w", baseline.err)
		return v
	case v.unit != baseline.unit:
		v.err = fmt.Errorf("%s in %q over %s in %q; convert one with In", v.label, v.unit, baseline.label, baseline.unit)
		return v
	}
	key, err := v.of.key(keys)
	if err != nil {
		v.err = err
		return v
	}
	groups, err := baseline.measurements(keys)
	if err != nil {
		v.err = fmt.Errorf("baseline: %w", err)
		return v
	}
	medians := make(map[string]float64)
	for _, g := range groups {
		if m := stats.Median(g.values); m != 0 { // a time below the resolution of its clock divides nothing
			medians[g.key] = m
		}
	}
	divisors := make([]float64, v.of.Len())
	for i := range divisors {
		if m, ok := medians[key(i)]; ok {
			divisors[i] = m
		} else {
			divisors[i] = math.NaN()
		}
	}
	v.divide(divisors)
	v.unit, v.label, v.relative = "x", v.label+", relative", true
	return v
}

// Medians returns a table with a row per combination of the keys' values: the
// keys, and under the name of the values' column the median of those that are
// measurements. So each benchmark counts once in a mean over benchmarks,
// however many samples it has. Rows that are no measurements stay as they are,
// without a value.
func (v Values) Medians(keys ...string) Table { return v.each(stats.Median, keys) }

// GeometricMeans is Medians with the geometric mean in place of the median: of
// ratios on several machines, the one of each benchmark. A value that is not
// positive is an error.
func (v Values) GeometricMeans(keys ...string) Table { return v.each(stats.GeometricMean, keys) }

// Means is Medians with the mean in place of the median. By Kalibera and Jones
// the interval of values in units in units is that of the outermost units'
// means: of calls in invocations in runs,
//
//	byRun := s.Float("wall_ns").Means("runtime", "run", "seq").Float("wall_ns").Means("runtime", "run")
//
// and then f.Estimate(figure.Mean), whose n is the number of runs. stats.Nest
// says what each level adds.
func (v Values) Means(keys ...string) Table { return v.each(stats.Mean, keys) }

// each returns a table with the estimate of each combination of the keys' values.
func (v Values) each(estimate func([]float64) float64, keys []string) Table {
	if v.err != nil {
		return Table{err: v.err}
	}
	groups, err := v.measurements(keys)
	if err != nil {
		return Table{err: err}
	}
	var rows []int
	var estimates []float64
	var none []bool
	var outcome, detail []string
	for _, g := range groups {
		if len(g.values) > 0 {
			e := estimate(g.values)
			if math.IsNaN(e) {
				return Table{err: fmt.Errorf("%s: the geometric mean needs positive values, and %v is among them", v.label, slices.Min(g.values))}
			}
			rows, estimates, none = append(rows, g.first), append(estimates, e), append(none, false)
			outcome, detail = append(outcome, "ok"), append(detail, "")
		}
		for _, l := range g.leftOut {
			for range l.n {
				rows, estimates, none = append(rows, g.first), append(estimates, 0), append(none, true)
				outcome, detail = append(outcome, l.outcome), append(detail, l.detail)
			}
		}
	}
	out := &table.Table{Rows: len(rows)}
	for _, name := range keys {
		c, err := v.of.column(name)
		if err != nil {
			return Table{err: err}
		}
		out.Columns = append(out.Columns, picked(c, rows))
	}
	of := table.Floats(v.column.Name, v.unit, v.label, estimates)
	of.Null = none
	out.Columns = append(out.Columns, of,
		table.Strings(outcomeColumn, "", "", outcome), table.Strings(detailColumn, "", "", detail))
	return NewTable(out)
}

// A keyed is the rows of a view with one combination of keys.
type keyed struct {
	cell
	key   string
	first int // row of the data
}

// measurements returns the values of each combination of the keys' values, in
// order of first appearance.
func (v Values) measurements(keys []string) ([]*keyed, error) {
	key, err := v.of.key(keys)
	if err != nil {
		return nil, err
	}
	outcome, detail := measured(v.of)
	values := make([]float64, v.of.Len())
	v.reader()(0, values)
	at := make(map[string]*keyed)
	var out []*keyed
	for i, value := range values {
		k := key(i)
		g, ok := at[k]
		if !ok {
			g = &keyed{key: k, first: v.of.row(i)}
			at[k] = g
			out = append(out, g)
		}
		switch why := outcome(i); {
		case why != "":
			g.leave(why, detail(i))
		case math.IsNaN(value):
			g.leave(v.absence(i), detail(i))
		default:
			g.values = append(g.values, value)
		}
	}
	return out, nil
}

// key returns what tells of a row of the view which values it has in the columns.
func (t Table) key(columns []string) (func(i int) string, error) {
	if t.err != nil {
		return nil, t.err
	}
	var spelled []func(int) string
	for _, name := range columns {
		c, err := t.column(name)
		if err != nil {
			return nil, err
		}
		spelled = append(spelled, speller(c))
	}
	return func(i int) string {
		var b strings.Builder
		for _, s := range spelled {
			fmt.Fprintf(&b, "%q", s(t.row(i)))
		}
		return b.String()
	}, nil
}

// picked returns the column's values in those rows; a text that is null becomes "".
func picked(c *table.Column, rows []int) table.Column {
	if c.Kind == table.String { // the dictionary is of these rows alone: a category that none has would be drawn
		spelled := speller(c)
		texts := make([]string, len(rows))
		for i, row := range rows {
			texts[i] = spelled(row)
		}
		return table.Strings(c.Name, c.Unit, c.Meaning, texts)
	}
	out := table.Column{Name: c.Name, Unit: c.Unit, Meaning: c.Meaning, Kind: c.Kind}
	for _, row := range rows {
		if c.Kind == table.Int64 {
			out.Ints = append(out.Ints, c.Ints[row])
		} else {
			out.Floats = append(out.Floats, c.Floats[row])
		}
		if c.Null != nil {
			out.Null = append(out.Null, c.Null[row])
		}
	}
	return out
}

// absence returns why a row of the view has no value.
func (v Values) absence(i int) string {
	if v.relative && math.IsNaN(v.divisors[i]) {
		return noBaseline
	}
	return notMeasured
}
