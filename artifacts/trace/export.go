package trace

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
)

// CSV writes every row and column of t with a line of names first, as RFC 4180
// has it but for the line ends, which are "\n". A null and an empty text are
// both an empty field: where that matters, use Parquet or JSON.
func CSV(w io.Writer, t *Trace) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.names()); err != nil {
		return err
	}
	record := make([]string, len(t.meta.Columns))
	err := t.each(func(values []Values, row int) error {
		for i := range values {
			record[i] = values[i].Text(row)
		}
		return out.Write(record)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// JSON writes every row of t as one object a line, its keys in the order of
// the columns, null where there is no value. A float that JSON cannot express
// is a string: "NaN", "+Inf", "-Inf".
func JSON(w io.Writer, t *Trace) error {
	out := bufio.NewWriter(w)
	var keys [][]byte
	for _, name := range t.names() {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		keys = append(keys, append(key, ':'))
	}
	var line []byte
	err := t.each(func(values []Values, row int) error {
		line = append(line[:0], '{')
		for i := range values {
			if i > 0 {
				line = append(line, ',')
			}
			line = append(line, keys[i]...)
			value, err := values[i].json(row)
			if err != nil {
				return err
			}
			line = append(line, value...)
		}
		_, err := out.Write(append(line, '}', '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// each calls f for every row, with all columns of its row group.
func (t *Trace) each(f func(values []Values, row int) error) error {
	indices := make([]int, len(t.meta.Columns))
	for i := range indices {
		indices[i] = i
	}
	for g := range t.file.RowGroups() {
		values, rows, err := t.group(g, indices)
		if err != nil {
			return err
		}
		for row := range rows {
			if err := f(values, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// json returns the value of a row as JSON.
func (v *Values) json(row int) ([]byte, error) {
	switch {
	case v.IsNull(row):
		return []byte("null"), nil
	case v.Kind == String, v.Kind == Float && (math.IsNaN(v.Floats[row]) || math.IsInf(v.Floats[row], 0)):
		return json.Marshal(v.Text(row))
	}
	return []byte(v.Text(row)), nil
}
