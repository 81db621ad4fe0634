package importers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// An Output is what the files hold.
type Output struct {
	Sources []assay.ImportSource // by path
	Traces  []*Trace             // the one named "rejected" last, if there is one
	Notes   []string             // what a reader must know and no column can say

	lenient  bool
	files    []*file // become Sources
	rejected []rejection
	refused  *atomic.Int64 // rows rejected, kept or not
	values   int           // of all traces, with those that are null
}

const shownRejections = 10 // named in the error

// trace begins a trace.
func (o *Output) trace(name, meaning string) *Trace {
	t := &Trace{Name: name, Meaning: meaning, out: o}
	o.Traces = append(o.Traces, t)
	return t
}

// finish makes the traces whole: rows that were rejected, facts, and where
// each row is from.
func (o *Output) finish(in *Input) error {
	for _, f := range o.files {
		f.kept.Kind, f.kept.Rows = f.kind, f.rows
		o.Sources = append(o.Sources, f.kept)
		o.rejected = append(o.rejected, f.rejected...)
	}
	if o.refused != nil && o.refused.Load() > maxRejections {
		return fmt.Errorf("more than %d rows cannot be read: is this the right format? The first is\n%w", maxRejections, o.rejected[0])
	}
	if len(o.rejected) > 0 && !o.lenient {
		var shown []error
		for _, r := range o.rejected[:min(len(o.rejected), shownRejections)] {
			shown = append(shown, r)
		}
		if more := len(o.rejected) - len(shown); more > 0 {
			shown = append(shown, fmt.Errorf("and %d more rows", more))
		}
		return fmt.Errorf("%d rows cannot be read; --lenient imports the others and keeps these as rejected:\n%w", len(o.rejected), errors.Join(shown...))
	}
	if len(o.rejected) > 0 {
		t := o.trace("rejected", "rows that could not be read, as they stand in the file")
		text, why := t.text(trace.Column{Name: "text", Meaning: "the row", Basis: assay.Known}),
			t.text(trace.Column{Name: "why", Meaning: "why it could not be read", Basis: assay.Known})
		for _, r := range o.rejected {
			t.row(r.path, r.line)
			text.set(r.text)
			why.set(r.why)
		}
	}
	slices.SortFunc(o.Sources, func(a, b assay.ImportSource) int { return cmp.Compare(a.Path, b.Path) })
	rows := 0
	for _, t := range o.Traces {
		if err := t.finish(in.Facts); err != nil {
			return fmt.Errorf("trace %s: %w", t.Name, err)
		}
		rows += t.rows
	}
	if rows == 0 {
		return errors.New("there is not one row in these files")
	}
	return nil
}

// A Trace is one table of an input. While it is made, row begins a row and the
// columns' set gives it values; a column that is not set is null there.
type Trace struct {
	Name    string
	Meaning string
	Columns []*trace.Values // once it is made: equally long, "source" and "line" last

	out     *Output
	rows    int
	calls   bool // a row is a call by itself: files say nothing of conditions
	expect  int  // rows, if that is known before the columns are added
	sources []string
	lines   []int64
}

// names lists the columns that there are already, and those that every trace has.
func (t *Trace) names() []string {
	names := []string{"source", "line"}
	for _, v := range t.Columns {
		names = append(names, v.Name)
	}
	return names
}

// row begins a row, which stands in a line, from 1, of the file at path.
func (t *Trace) row(path string, line int) {
	t.rows++
	t.out.values += t.width()
	t.sources, t.lines = append(t.sources, path), append(t.lines, int64(line))
}

// width is the number of columns, with those that say where a row is from.
func (t *Trace) width() int { return len(t.Columns) + 2 }

// A column is one column of a trace that is being made.
type column[T any] struct {
	trace *Trace
	v     *trace.Values
	to    *[]T // the values in v
}

// set gives the column its value in the row last begun.
func (c column[T]) set(x T) {
	pad(c.v, c.trace.rows-1)
	*c.to = append((*c.to)[:c.trace.rows-1], x)
	if c.v.Null != nil {
		c.v.Null = append(c.v.Null[:c.trace.rows-1], false)
	}
}

// block begins as many rows as there are lines.
func (t *Trace) block(path string, lines []int64) {
	t.rows += len(lines)
	t.out.values += len(lines) * t.width()
	t.sources, t.lines = append(t.sources, slices.Repeat([]string{path}, len(lines))...), append(t.lines, lines...)
}

// setBlock gives the column its values in the rows last begun; null may be nil.
func (c column[T]) setBlock(values []T, null []bool) {
	before := c.trace.rows - len(values)
	pad(c.v, before)
	*c.to = append((*c.to)[:before], values...)
	if c.v.Null == nil && null != nil {
		c.v.Null = make([]bool, before, max(c.trace.rows, c.trace.expect))
	}
	if c.v.Null == nil {
		return
	}
	if null == nil {
		null = make([]bool, len(values))
	}
	c.v.Null = append(c.v.Null[:before], null...)
}

func (t *Trace) int(c trace.Column) column[int64] {
	v := t.add(c, trace.Int)
	v.Ints = make([]int64, 0, t.expect)
	return column[int64]{t, v, &v.Ints}
}

func (t *Trace) float(c trace.Column) column[float64] {
	v := t.add(c, trace.Float)
	v.Floats = make([]float64, 0, t.expect)
	return column[float64]{t, v, &v.Floats}
}

func (t *Trace) text(c trace.Column) column[string] {
	v := t.add(c, trace.String)
	v.Strings = make([]string, 0, t.expect)
	return column[string]{t, v, &v.Strings}
}

func (t *Trace) truth(c trace.Column) column[bool] {
	v := t.add(c, trace.Bool)
	v.Bools = make([]bool, 0, t.expect)
	return column[bool]{t, v, &v.Bools}
}

func (t *Trace) add(c trace.Column, kind trace.Kind) *trace.Values {
	c.Kind = kind
	t.out.values += t.rows
	v := &trace.Values{Column: c}
	t.Columns = append(t.Columns, v)
	return v
}

// pad makes v as long as rows with nulls.
func pad(v *trace.Values, rows int) {
	more := rows - v.Len()
	if more <= 0 {
		return
	}
	if v.Null == nil {
		v.Null = make([]bool, v.Len(), rows)
	}
	for range more {
		v.Null = append(v.Null, true)
	}
	switch v.Kind {
	case trace.Int:
		v.Ints = append(v.Ints, make([]int64, more)...)
	case trace.Float:
		v.Floats = append(v.Floats, make([]float64, more)...)
	case trace.String:
		v.Strings = append(v.Strings, make([]string, more)...)
	case trace.Bool:
		v.Bools = append(v.Bools, make([]bool, more)...)
	}
}

// finish adds the columns that every trace has, and checks the names.
func (t *Trace) finish(facts []assay.Fact) error {
	for _, f := range facts {
		if slices.Contains(t.names(), f.Name) {
			return &FactError{f, fmt.Sprintf("the trace %s has a column of that name: give the fact another", t.Name)}
		}
		v, err := factColumn(f, t.rows)
		if err != nil {
			return err
		}
		t.Columns = append(t.Columns, v)
	}
	v := t.add(trace.Column{Name: "source", Role: assay.RoleSource, Basis: assay.Known, Meaning: "path of the file that the row is from"}, trace.String)
	v.Strings = t.sources
	v = t.add(trace.Column{Name: "line", Role: assay.RoleLine, Basis: assay.Known, Meaning: "and its line there, from 1"}, trace.Int)
	v.Ints = t.lines
	names := map[string]bool{}
	for _, v := range t.Columns {
		if names[v.Name] {
			return fmt.Errorf("column %s: there are two", v.Name)
		}
		names[v.Name] = true
		pad(v, t.rows)
	}
	return nil
}
