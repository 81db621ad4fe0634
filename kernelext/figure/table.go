package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay/kernelext/table"
)

// A Table is a view of a table: some of its rows. Its methods never fail at
// once: what is wrong, such as a column that does not exist, is the error of
// the method of Figure that is given the result, so that a figure function
// reads as one sentence.
type Table struct {
	data *table.Table
	rows []int // nil: all
	err  error
}

// NewTable returns a view of all rows of t.
func NewTable(t *table.Table) Table { return Table{data: t} }

// Err returns what is wrong with the view, nil if nothing is.
func (t Table) Err() error { return t.err }

// Len returns the number of rows.
func (t Table) Len() int {
	switch {
	case t.data == nil:
		return 0
	case t.rows != nil:
		return len(t.rows)
	}
	return t.data.Rows
}

// row returns the index in data of a row of the view.
func (t Table) row(i int) int {
	if t.rows != nil {
		return t.rows[i]
	}
	return i
}

// same reports whether two views have the same rows.
func (t Table) same(u Table) bool {
	return t.data == u.data && (t.rows == nil) == (u.rows == nil) && slices.Equal(t.rows, u.rows)
}

// column returns a column, or the error that names those that exist.
func (t Table) column(name string) (*table.Column, error) {
	switch {
	case t.err != nil:
		return nil, t.err
	case t.data == nil:
		return nil, fmt.Errorf("column %q of no table", name)
	}
	return t.data.Column(name)
}

// Where returns the rows whose column has one of the values, compared as text.
func (t Table) Where(column string, values ...string) Table { return t.pick(column, true, values) }

// Without returns the rows whose column has none of the values, compared as text.
func (t Table) Without(column string, values ...string) Table { return t.pick(column, false, values) }

func (t Table) pick(column string, with bool, values []string) Table {
	c, err := t.column(column)
	if err != nil {
		return Table{err: err}
	}
	spelled := speller(c)
	keep := make([]int, 0)
	for i := range t.Len() {
		if row := t.row(i); slices.Contains(values, spelled(row)) == with {
			keep = append(keep, row)
		}
	}
	return Table{data: t.data, rows: keep}
}

// Or returns the rows of either view; both must be of one table.
func (t Table) Or(u Table) Table {
	switch {
	case t.err != nil:
		return t
	case u.err != nil:
		return u
	case t.data != u.data:
		return Table{err: errors.New("the two views are not of the same table")}
	}
	rows := make([]int, 0, t.Len()+u.Len())
	for _, v := range []Table{t, u} {
		for i := range v.Len() {
			rows = append(rows, v.row(i))
		}
	}
	slices.Sort(rows)
	return Table{data: t.data, rows: slices.Compact(rows)}
}

// And returns the rows of t and, after them, those of u, which may be of
// another run. Both have the same columns, of the same kinds and units.
func (t Table) And(u Table) Table {
	switch {
	case t.err != nil:
		return t
	case u.err != nil:
		return u
	case t.data == nil || u.data == nil:
		return Table{err: errors.New("one of the two tables is none")}
	case len(t.data.Columns) != len(u.data.Columns):
		return Table{err: fmt.Errorf("a table of %d columns and one of %d: name the same for both", len(t.data.Columns), len(u.data.Columns))}
	}
	out := &table.Table{Rows: t.Len() + u.Len()}
	for i := range t.data.Columns {
		c := &t.data.Columns[i]
		other, err := u.column(c.Name)
		switch {
		case err != nil:
			return Table{err: err}
		case other.Kind != c.Kind || other.Unit != c.Unit:
			return Table{err: fmt.Errorf("column %q is %v in %q here and %v in %q there", c.Name, c.Kind, c.Unit, other.Kind, other.Unit)}
		}
		out.Columns = append(out.Columns, joined(c, t.picks(), other, u.picks()))
	}
	return NewTable(out)
}

// picks returns the rows of the data that the view has.
func (t Table) picks() []int {
	rows := make([]int, t.Len())
	for i := range rows {
		rows[i] = t.row(i)
	}
	return rows
}

// joined returns those rows of c and, after them, those of d.
func joined(c *table.Column, rows []int, d *table.Column, others []int) table.Column {
	a, b := picked(c, rows), picked(d, others)
	if c.Kind == table.String {
		var texts []string
		for _, part := range []*table.Column{&a, &b} {
			spelled := speller(part)
			for i := range part.Codes {
				texts = append(texts, spelled(i))
			}
		}
		return table.Strings(c.Name, c.Unit, c.Meaning, texts)
	}
	if a.Null != nil || b.Null != nil {
		null := make([]bool, 0, len(rows)+len(others))
		for i := range rows {
			null = append(null, a.IsNull(i))
		}
		for i := range others {
			null = append(null, b.IsNull(i))
		}
		a.Null = null
	}
	a.Ints, a.Floats = append(a.Ints, b.Ints...), append(a.Floats, b.Floats...)
	return a
}

// Strings returns the values of a column as text; null is "".
func (t Table) Strings(column string) ([]string, error) {
	c, err := t.column(column)
	if err != nil {
		return nil, err
	}
	spelled := speller(c)
	out := make([]string, t.Len())
	for i := range out {
		out[i] = spelled(t.row(i))
	}
	return out, nil
}

// speller returns the text of a row's value; null is "".
func speller(c *table.Column) func(row int) string {
	return func(row int) string {
		switch {
		case c.IsNull(row):
			return ""
		case c.Kind == table.Int64:
			return fmt.Sprint(c.Ints[row])
		case c.Kind == table.Float64:
			return fmt.Sprint(c.Floats[row])
		}
		return c.Dict[c.Codes[row]]
	}
}

const paramPrefix = "param." // of the column of a parameter of the trial

// A Group puts each row of a table in a category: a line, a bar, a panel.
type Group struct {
	of      Table
	columns []string // as people call them: "runtime"; "n" for "param.n"
	params  []bool   // by column: it is a parameter
	names   []string
	code    []uint32 // by row of the view
	err     error
}

// name returns what the categories are: "runtime".
func (g Group) name() string { return strings.Join(g.columns, ", ") }

// title returns a category as it stands alone, where nothing says what its
// columns are: "wazero", but "n = 9" for a parameter.
func (g Group) title(category string) string {
	parts := []string{category}
	if len(g.columns) > 1 {
		parts = strings.Split(category, ", ")
	}
	if len(parts) != len(g.columns) {
		return category // one of Order, or with a comma in it
	}
	for i, part := range parts {
		switch {
		case g.params[i] && part == "":
			parts[i] = "no " + g.columns[i]
		case g.params[i]:
			parts[i] = g.columns[i] + "\u00a0=\u00a0" + part
		}
	}
	return strings.Join(parts, ", ")
}

// Group returns the categories that the columns' values form, in order of
// first appearance; those of several columns are joined by ", ".
func (t Table) Group(columns ...string) Group {
	g := Group{of: t}
	for _, column := range columns {
		name, param := strings.CutPrefix(column, paramPrefix)
		g.columns, g.params = append(g.columns, name), append(g.params, param)
	}
	if len(columns) == 0 {
		g.err = fmt.Errorf("group by no column")
		return g
	}
	g.code = make([]uint32, t.Len())
	code := make(map[string]uint32)
	spelled := make([]func(int) string, len(columns))
	for i, name := range columns {
		c, err := t.column(name)
		if err != nil {
			g.err = err
			return g
		}
		if len(columns) == 1 && c.Kind == table.String && c.Null == nil && t.rows == nil {
			g.names, g.code = c.Dict, c.Codes // ten million rows need no look at each
			return g
		}
		spelled[i] = speller(c)
	}
	parts := make([]string, len(columns))
	for i := range g.code {
		for k := range spelled {
			parts[k] = spelled[k](t.row(i))
		}
		key := strings.Join(parts, ", ")
		id, ok := code[key]
		if !ok {
			id = uint32(len(g.names))
			code[key] = id
			g.names = append(g.names, key)
		}
		g.code[i] = id
	}
	return g
}

// Order returns the group with its categories in the order named; those not
// named follow. A name that no row has becomes a category without samples,
// which is drawn as such.
func (g Group) Order(names ...string) Group {
	if g.err != nil {
		return g
	}
	order := slices.Clone(names)
	for _, name := range g.names {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	fresh := make([]uint32, len(g.names))
	for i, name := range g.names {
		fresh[i] = uint32(slices.Index(order, name))
	}
	code := make([]uint32, len(g.code))
	for i, old := range g.code {
		code[i] = fresh[old]
	}
	g.names, g.code = order, code
	return g
}

// Values are the numbers of a column, in a unit.
type Values struct {
	of     Table
	column *table.Column
	unit   string
	scale  float64
	label  string
	err    error

	divisors []float64 // by row of the view, of Over and Per; nil: none
	relative bool      // Over made them
}

// Float returns the numbers of an int64 or float64 column, in its own unit.
func (t Table) Float(column string) Values {
	v := Values{of: t, scale: 1}
	v.column, v.err = t.column(column)
	if v.err != nil {
		return v
	}
	if v.column.Kind == table.String {
		v.err = fmt.Errorf("column %q holds strings; a drawing needs numbers", column)
		return v
	}
	v.unit = v.column.Unit
	v.label = labelOf(v.column)
	return v
}

// In returns the values converted to another unit: ns, us, ms, s, or B, KiB,
// MiB, GiB.
func (v Values) In(unit string) Values {
	if v.err != nil {
		return v
	}
	factor, err := conversion(v.unit, unit)
	if err != nil {
		v.err = fmt.Errorf("column %q: %w", v.column.Name, err)
		return v
	}
	v.scale *= factor
	v.unit = unit
	return v
}

// Named returns the values with another name for the axis. The default is the
// column's meaning, where that is short, else its name.
func (v Values) Named(label string) Values {
	v.label = label
	return v
}

// Numbers returns the values, in the order of the rows; NaN where a row has
// none.
func (v Values) Numbers() ([]float64, error) {
	if v.err != nil {
		return nil, v.err
	}
	out := make([]float64, v.of.Len())
	v.reader()(0, out)
	return out, nil
}

// title returns "wall time (ms)".
func (v Values) title() string {
	if v.unit == "" {
		return v.label
	}
	return v.label + " (" + printedUnit(v.unit) + ")"
}

// reader returns what fills in the values of the rows of the view from a first
// one; NaN where a row has none.
func (v Values) reader() func(from int, out []float64) {
	if v.divisors != nil {
		whole := v
		whole.divisors = nil
		fill := whole.reader()
		return func(from int, out []float64) {
			fill(from, out)
			for k := range out {
				out[k] /= v.divisors[from+k]
			}
		}
	}
	c, scale := v.column, v.scale
	if c.Kind == table.Int64 && c.Null == nil && v.of.rows == nil { // the case of ten million rows
		return func(from int, out []float64) {
			for k, n := range c.Ints[from : from+len(out)] {
				out[k] = float64(n) * scale
			}
		}
	}
	return func(from int, out []float64) {
		for k := range out {
			row := v.of.row(from + k)
			switch {
			case c.IsNull(row):
				out[k] = math.NaN()
			case c.Kind == table.Int64:
				out[k] = float64(c.Ints[row]) * scale
			default:
				out[k] = c.Floats[row] * scale
			}
		}
	}
}

const longestMeaning = 40 // runes of a meaning that still is an axis label

// labelOf returns what people call a column.
func labelOf(c *table.Column) string {
	if c.Meaning != "" && len([]rune(c.Meaning)) <= longestMeaning {
		return c.Meaning
	}
	name := strings.TrimSuffix(strings.TrimSuffix(c.Name, "_"+c.Unit), "_bytes")
	return strings.ReplaceAll(name, "_", " ")
}
