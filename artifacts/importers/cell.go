package importers

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// known is a column that the format defines.
func known(name, unit string, role assay.Role, meaning string) trace.Column {
	return trace.Column{Name: name, Unit: unit, Role: role, Meaning: meaning, Basis: assay.Known}
}

// inferred is a column that follows from others, as evidence says.
func inferred(name, unit string, role assay.Role, meaning, evidence string) trace.Column {
	return trace.Column{Name: name, Unit: unit, Role: role, Meaning: meaning, Basis: assay.Inferred, Evidence: evidence}
}

// A cell is where a column takes its values from texts. All cells of a row are
// parsed before the first is set, so that a row is there as a whole or not.
type cell struct {
	column   trace.Column
	optional bool // "", "-" and "N/A" are null

	ints   column[int64]
	floats column[float64]
	texts  column[string]

	null bool // what was parsed last
	int  int64
	num  float64
	text string
}

func (t *Trace) intCell(c trace.Column) *cell {
	return &cell{column: c, ints: t.int(c)}
}

func (t *Trace) floatCell(c trace.Column) *cell {
	return &cell{column: c, floats: t.float(c)}
}

func (t *Trace) textCell(c trace.Column) *cell {
	return &cell{column: c, texts: t.text(c)}
}

// maybe makes the cell optional.
func (c *cell) maybe() *cell {
	c.optional = true
	return c
}

// parse takes the value from s.
func (c *cell) parse(s string) (err error) {
	c.null = c.optional && (s == "" || s == "-" || s == "N/A")
	switch {
	case c.null:
	case c.ints.v != nil:
		c.int, err = integer(s)
	case c.floats.v != nil:
		c.num, err = number(s)
	default:
		c.text = s
		if len(s) > maxLine {
			err = fmt.Errorf("a text of %d bytes, want at most %d", len(s), maxLine)
		}
	}
	if err == nil && !c.null {
		err = negative(c.column, c.number())
	}
	if err != nil {
		return fmt.Errorf("column %s: %w", c.column.Name, err)
	}
	return nil
}

// number is what was parsed last, 0 if that is no number.
func (c *cell) number() float64 {
	switch {
	case c.ints.v != nil:
		return float64(c.int)
	case c.floats.v != nil:
		return c.num
	}
	return 0
}

// set gives the column what was parsed, in the row last begun.
func (c *cell) set() {
	switch {
	case c.null:
	case c.ints.v != nil:
		c.ints.set(c.int)
	case c.floats.v != nil:
		c.floats.set(c.num)
	default:
		c.texts.set(c.text)
	}
}

// row begins a row of t with the cells' values from the texts, which have to
// be as many. A row that cannot be read is rejected: it returns false.
func (f *file) row(t *Trace, line int, cells []*cell, texts []string, raw string) bool {
	if why := t.full(1); why != "" {
		f.reject(line, raw, why)
		return false
	}
	if len(texts) != len(cells) {
		f.reject(line, raw, fmt.Sprintf("%d columns, want %d", len(texts), len(cells)))
		return false
	}
	for i, c := range cells {
		if err := c.parse(texts[i]); err != nil {
			f.reject(line, raw, err.Error())
			return false
		}
	}
	t.row(f.path, line)
	for _, c := range cells {
		c.set()
	}
	return true
}

// maxValues bounds the values of all traces, with those that are null: few rows
// can make many columns, and the others are as long.
const maxValues = 1 << 26

var tooMany = fmt.Sprintf("more than %d values in all, with those that are null; import a part of the files at a time", maxValues)

// full says why a trace cannot have so many more rows, "" if it can.
func (t *Trace) full(more int) string {
	if t.out.values+more*t.width() > maxValues {
		return tooMany
	}
	return ""
}

// expects makes room for the rows of a trace that will have so many columns.
func (t *Trace) expects(rows, columns int) error {
	if t.out.values+rows*columns > maxValues {
		return errors.New(tooMany)
	}
	t.expect = rows
	return nil
}

// hold says why the files cannot have so many more values before there are
// traces of them, "" if they can.
func (f *file) hold(more int) string {
	if f.held.Add(int64(more)) > maxValues {
		return tooMany
	}
	return ""
}

// number parses a finite decimal number, such as "-1.5e3": not what Go reads
// beside these, hexadecimal ones and words such as "Inf".
func number(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, fmt.Errorf("%.100q is not a number", s)
	}
	return x, nil
}

func integer(s string) (int64, error) {
	x, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.100q is not a whole number", s)
	}
	return x, nil
}
