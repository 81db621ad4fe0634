// Package table is the byte encoding of what a figure reads: named, typed
// columns of equal length. It is canonical (one content, one encoding), so
// that the digest of a table is the same on every machine; docs/table.md
// describes the bytes.
//
// It reads and writes whole tables in memory. It does no projection, no
// arithmetic and no I/O, and it has one version.
package table

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// A Kind is the type of a column's values.
type Kind uint8

// The kinds.
const (
	Int64   Kind = 1
	Float64 Kind = 2
	String  Kind = 3
)

// String returns "int64", "float64" or "string".
func (k Kind) String() string {
	switch k {
	case Int64:
		return "int64"
	case Float64:
		return "float64"
	case String:
		return "string"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// A Column is one named series of values. Kind says which slices hold it:
// Ints, Floats, or Dict with Codes.
type Column struct {
	Name    string // not empty, unique in its table
	Unit    string // "ns", "bytes", "" for none
	Meaning string // one phrase for people, fit for an axis label
	Kind    Kind
	Ints    []int64
	Floats  []float64
	Dict    []string
	Codes   []uint32 // a row's value is Dict[Codes[row]]
	Null    []bool   // true: the row has no value, whatever stands in the slices; nil: every row has one
}

// Ints returns a column of integers; it keeps values.
func Ints(name, unit, meaning string, values []int64) Column {
	return Column{Name: name, Unit: unit, Meaning: meaning, Kind: Int64, Ints: values}
}

// Floats returns a column of floating-point numbers; it keeps values.
func Floats(name, unit, meaning string, values []float64) Column {
	return Column{Name: name, Unit: unit, Meaning: meaning, Kind: Float64, Floats: values}
}

// Strings returns a column of strings.
func Strings(name, unit, meaning string, values []string) Column {
	c := Column{Name: name, Unit: unit, Meaning: meaning, Kind: String, Codes: make([]uint32, len(values))}
	seen := make(map[string]uint32)
	for i, v := range values {
		code, ok := seen[v]
		if !ok {
			code = uint32(len(c.Dict))
			seen[v] = code
			c.Dict = append(c.Dict, v)
		}
		c.Codes[i] = code
	}
	return c
}

// Len returns the number of rows.
func (c *Column) Len() int {
	switch c.Kind {
	case Int64:
		return len(c.Ints)
	case Float64:
		return len(c.Floats)
	}
	return len(c.Codes)
}

// IsNull reports whether the row has no value.
func (c *Column) IsNull(row int) bool { return c.Null != nil && c.Null[row] }

// check reports what makes c unfit to be encoded in a table of that many rows.
func (c *Column) check(rows int) error {
	switch {
	case c.Name == "":
		return errors.New("column without a name")
	case !utf8.ValidString(c.Name), !utf8.ValidString(c.Unit), !utf8.ValidString(c.Meaning):
		return fmt.Errorf("column %q: name, unit or meaning is not UTF-8", c.Name)
	case c.Kind < Int64 || c.Kind > String:
		return fmt.Errorf("column %q: no such %v; want Int64, Float64 or String", c.Name, c.Kind)
	case c.Len() != rows:
		return fmt.Errorf("column %q has %d rows, the first column %d", c.Name, c.Len(), rows)
	case c.Null != nil && len(c.Null) != rows:
		return fmt.Errorf("column %q has %d rows and %d null marks", c.Name, rows, len(c.Null))
	case uint64(len(c.Dict)) > math.MaxUint32:
		return fmt.Errorf("column %q: dictionary of %d strings; at most 2^32-1", c.Name, len(c.Dict))
	}
	for row, code := range c.Codes {
		if int(code) >= len(c.Dict) && !c.IsNull(row) {
			return fmt.Errorf("column %q row %d: code %d of a dictionary of %d", c.Name, row, code, len(c.Dict))
		}
	}
	for _, s := range c.Dict {
		if !utf8.ValidString(s) {
			return fmt.Errorf("column %q: value %q is not UTF-8", c.Name, s)
		}
	}
	return nil
}

// A Table is columns of equal length. It is safe for concurrent readers.
type Table struct {
	Rows    int
	Columns []Column
}

// Column returns the column of that name. An error names those that exist.
func (t *Table) Column(name string) (*Column, error) {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i], nil
		}
		names[i] = t.Columns[i].Name
	}
	slices.Sort(names)
	return nil, fmt.Errorf("no column %q; there are %q", name, names)
}
