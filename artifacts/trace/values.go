package trace

import (
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// Values are the values of one column. The slice that Kind names has a value
// per row, zero where the row is null; the others are nil.
type Values struct {
	Column
	Ints    []int64
	Floats  []float64
	Strings []string
	Bools   []bool
	Null    []bool // nil: no row is null
}

// Len returns the number of rows.
func (v *Values) Len() int { return len(v.Ints) + len(v.Floats) + len(v.Strings) + len(v.Bools) }

// IsNull reports whether the row has no value.
func (v *Values) IsNull(row int) bool { return v.Null != nil && v.Null[row] }

// Text returns the value of a row as CSV spells it: numbers with as few digits
// as tell them apart; "" for null.
func (v *Values) Text(row int) string {
	switch {
	case v.IsNull(row):
		return ""
	case v.Kind == Int:
		return strconv.FormatInt(v.Ints[row], 10)
	case v.Kind == Float:
		return strconv.FormatFloat(v.Floats[row], 'g', -1, 64)
	case v.Kind == Bool:
		return strconv.FormatBool(v.Bools[row])
	}
	return v.Strings[row]
}

// reserve makes room for so many rows.
func (v *Values) reserve(rows int) {
	switch v.Kind {
	case Int:
		v.Ints = slices.Grow(v.Ints, rows)
	case Float:
		v.Floats = slices.Grow(v.Floats, rows)
	case String:
		v.Strings = slices.Grow(v.Strings, rows)
	case Bool:
		v.Bools = slices.Grow(v.Bools, rows)
	}
}

// read appends the values of a column chunk.
func (v *Values) read(chunk parquet.ColumnChunk) error {
	pages := chunk.Pages()
	defer pages.Close()
	seen := make(map[string]string) // one copy of each text: a column has few
	buf := make([]parquet.Value, 1024)
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = v.readPage(page, buf, seen)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func (v *Values) readPage(page parquet.Page, buf []parquet.Value, seen map[string]string) error {
	values := page.Values()
	if direct, err := v.readDirect(values, int(page.NumValues())); direct {
		return err
	}
	for {
		n, err := values.ReadValues(buf)
		for _, x := range buf[:n] {
			v.append(x, seen)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readDirect appends the n values of a page that has them as they are: plain
// 64-bit numbers, none null. It reports whether this is one.
func (v *Values) readDirect(values parquet.ValueReader, n int) (direct bool, err error) {
	read := 0
	switch r := values.(type) {
	case parquet.Int64Reader:
		v.Ints = slices.Grow(v.Ints, n)
		read, err = r.ReadInt64s(v.Ints[len(v.Ints) : len(v.Ints)+n])
		v.Ints = v.Ints[:len(v.Ints)+read]
	case parquet.DoubleReader:
		v.Floats = slices.Grow(v.Floats, n)
		read, err = r.ReadDoubles(v.Floats[len(v.Floats) : len(v.Floats)+n])
		v.Floats = v.Floats[:len(v.Floats)+read]
	default:
		return false, nil
	}
	if err == io.EOF {
		err = nil
	}
	if v.Null != nil {
		v.Null = append(v.Null, make([]bool, read)...)
	}
	return true, err
}

func (v *Values) append(x parquet.Value, seen map[string]string) {
	null := x.IsNull()
	if null && v.Null == nil {
		v.Null = make([]bool, v.Len())
	}
	if v.Null != nil {
		v.Null = append(v.Null, null)
	}
	switch v.Kind {
	case Int:
		v.Ints = append(v.Ints, intOf(x))
	case Float:
		v.Floats = append(v.Floats, floatOf(x))
	case Bool:
		v.Bools = append(v.Bools, !null && x.Boolean())
	case String:
		s := ""
		if n := len(v.Strings); n > 0 && !null && v.Strings[n-1] == string(x.ByteArray()) {
			s = v.Strings[n-1] // as most texts are
		} else if !null {
			var ok bool
			if s, ok = seen[string(x.ByteArray())]; !ok {
				s = string(x.ByteArray())
				seen[s] = s
			}
		}
		v.Strings = append(v.Strings, s)
	}
}

func intOf(x parquet.Value) int64 {
	switch x.Kind() {
	case parquet.Int32:
		return int64(x.Int32())
	case parquet.Int64:
		return x.Int64()
	}
	return 0 // null
}

func floatOf(x parquet.Value) float64 {
	switch x.Kind() {
	case parquet.Float:
		return float64(x.Float())
	case parquet.Double:
		return x.Double()
	}
	return 0 // null
}
