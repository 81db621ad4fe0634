package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"
)

// valuesAtOnce are handed to a column's encoder together.
const valuesAtOnce = 1024

// WriteColumns writes a trace of an import: the columns, in their order,
// whatever they are. meta.Import must be set. The same columns and Meta give
// the same bytes with the same binary on the same kind of processor. Columns
// that are not equally long, or of one name, and a text that is not UTF-8 or
// longer than 64 KiB are errors.
func WriteColumns(w io.Writer, meta Meta, columns []*Values) error {
	if meta.Import == "" {
		return errors.New("write trace: these columns belong to no import")
	}
	if err := checkColumns(columns); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	meta.Format = Format
	meta.Columns = make([]Column, len(columns))
	fields := make([]column, len(columns))
	for i, v := range columns {
		meta.Columns[i] = v.Column
		fields[i] = column{Column: v.Column, node: nodeOf(v.Kind), optional: slices.Contains(v.Null, true)}
	}
	said, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	out := newWriter(w, fields, string(said))
	if err := writeGroups(out, columns); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

// writeGroups encodes as many row groups at once as there are processors, and
// writes them in order.
func writeGroups(out *parquet.GenericWriter[any], columns []*Values) error {
	rows := columns[0].Len()
	groups := make([]*parquet.ConcurrentRowGroupWriter, runtime.GOMAXPROCS(0))
	for i := range groups {
		groups[i] = out.BeginRowGroup()
	}
	for first := 0; first < rows; first += len(groups) * rowsPerGroup {
		var work errgroup.Group
		for i, group := range groups {
			from, to := min(rows, first+i*rowsPerGroup), min(rows, first+(i+1)*rowsPerGroup)
			work.Go(func() error { return writeGroup(group, columns, from, to) })
		}
		if err := work.Wait(); err != nil {
			return err
		}
		for _, group := range groups {
			if _, err := group.Commit(); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeGroup encodes the rows [from, to) into a row group.
func writeGroup(group *parquet.ConcurrentRowGroupWriter, columns []*Values, from, to int) error {
	if from == to {
		return nil
	}
	var values [valuesAtOnce]parquet.Value
	for i, encoder := range group.ColumnWriters() {
		for at := from; at < to; at += valuesAtOnce {
			some := values[:min(valuesAtOnce, to-at)]
			columns[i].encode(some, at)
			if _, err := encoder.WriteRowValues(some); err != nil {
				return fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
		}
	}
	return group.Flush()
}

// encode fills values with the rows from the given one.
func (v *Values) encode(values []parquet.Value, from int) {
	switch v.Kind {
	case Int:
		for i, x := range v.Ints[from : from+len(values)] {
			values[i] = parquet.Int64Value(x)
		}
	case Float:
		for i, x := range v.Floats[from : from+len(values)] {
			values[i] = parquet.DoubleValue(x)
		}
	case Bool:
		for i, x := range v.Bools[from : from+len(values)] {
			values[i] = parquet.BooleanValue(x)
		}
	case String:
		texts := v.Strings[from : from+len(values)]
		for i, x := range texts {
			if i > 0 && x == texts[i-1] {
				values[i] = values[i-1] // as most texts are: one copy will do
				continue
			}
			values[i] = stringValue(x)
		}
	}
	if v.Null == nil {
		return
	}
	for i := range values {
		if v.Null[from+i] {
			values[i] = parquet.NullValue()
		} else {
			values[i] = values[i].Level(0, 1, 0)
		}
	}
}

func nodeOf(k Kind) parquet.Node {
	switch k {
	case Int:
		return plain(parquet.Int(64))
	case Float:
		return plain(parquet.Leaf(parquet.DoubleType))
	case Bool:
		return plain(parquet.Leaf(parquet.BooleanType))
	}
	return labels()
}

func checkColumns(columns []*Values) error {
	if len(columns) == 0 {
		return errors.New("there are no columns")
	}
	names := make(map[string]bool)
	for _, v := range columns {
		if err := v.check(columns[0].Len()); err != nil {
			return fmt.Errorf("column %q: %w", v.Name, err)
		}
		if names[v.Name] {
			return fmt.Errorf("column %q is given twice", v.Name)
		}
		names[v.Name] = true
	}
	return nil
}

// check makes sure that v is a column of so many rows that can be written.
func (v *Values) check(rows int) error {
	lengths := map[Kind]int{Int: len(v.Ints), Float: len(v.Floats), String: len(v.Strings), Bool: len(v.Bools)}
	n, ok := lengths[v.Kind]
	switch {
	case v.Name == "" || !utf8.ValidString(v.Name) || strings.Contains(v.Name, "\x00"):
		return errors.New("that cannot name a column")
	case !ok:
		return fmt.Errorf("there is no kind %q", v.Kind)
	case n != rows || v.Len() != rows || v.Null != nil && len(v.Null) != rows:
		return fmt.Errorf("%d values of the kind %s, %d in all and %d that may be null, in %d rows", n, v.Kind, v.Len(), len(v.Null), rows)
	}
	for row, s := range v.Strings {
		if row > 0 && s == v.Strings[row-1] {
			continue
		}
		if len(s) > maxText || !utf8.ValidString(s) {
			return fmt.Errorf("row %d: a text of %d bytes that is too long or not UTF-8", row, len(s))
		}
	}
	return nil
}
