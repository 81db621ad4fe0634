package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// rowsPerGroup bounds what a reader of samples holds at a time.
const rowsPerGroup = 1 << 16

// maxText is the longest text a trace holds, in bytes.
const maxText = 64 << 10

// maxDictionary is how large a column's dictionary grows before its texts are
// written one by one.
const maxDictionary = 4 << 20

// Write writes the trace of a run: the samples, in their order. The same samples and
// Meta give the same bytes with the same binary on the same kind of processor.
// A sample with a parameter that is not in meta.Params, or with a text that is
// not UTF-8 or longer than 64 KiB, is an error: nothing is left out silently.
func Write(w io.Writer, meta Meta, samples iter.Seq[assay.Sample]) error {
	if err := checkParams(meta.Params); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	columns := columnsFor(meta.Params)
	meta.Format = Format
	meta.Columns = make([]Column, len(columns))
	for i, c := range columns {
		meta.Columns[i] = c.Column
	}
	said, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	out := newWriter(w, columns, string(said))
	row := make(parquet.Row, len(columns))
	n := 0
	for s := range samples {
		if err := fill(row, columns, &s); err != nil {
			return fmt.Errorf("write trace: sample %d (invocation %d): %w", n, s.Seq, err)
		}
		if err := checkSampleParams(&s, meta.Params); err != nil {
			return fmt.Errorf("write trace: sample %d (invocation %d): %w", n, s.Seq, err)
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return fmt.Errorf("write trace: %w", err)
		}
		n++
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

// newWriter begins a file of the columns; said is its Meta.
func newWriter(w io.Writer, columns []column, said string) *parquet.GenericWriter[any] {
	return parquet.NewGenericWriter[any](w,
		parquet.NewSchema("trace", newRoot(columns)),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("assay", "v1", "parquet-go v0.32.0"),
		parquet.DataPageStatistics(false),
		parquet.DictionaryMaxBytes(maxDictionary),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.KeyValueMetadata(metaKey, said),
	)
}

// fill puts the values of s into row.
func fill(row parquet.Row, columns []column, s *assay.Sample) error {
	for i, c := range columns {
		v := c.get(s)
		if v.Kind() == parquet.ByteArray {
			if b := v.ByteArray(); len(b) > maxText || !utf8.Valid(b) {
				return fmt.Errorf("column %s: a text of %d bytes that is too long or not UTF-8", c.Name, len(b))
			}
		}
		definition := 0
		if c.optional && !v.IsNull() {
			definition = 1
		}
		row[i] = v.Level(0, definition, i)
	}
	return nil
}

func checkParams(params []string) error {
	for i, name := range params {
		if name == "" || !utf8.ValidString(name) || strings.Contains(name, "\x00") {
			return fmt.Errorf("parameter %q cannot name a column", name)
		}
		if slices.Contains(params[:i], name) {
			return fmt.Errorf("parameter %q is given twice", name)
		}
	}
	return nil
}

func checkSampleParams(s *assay.Sample, params []string) error {
	for name := range s.Params {
		if !slices.Contains(params, name) {
			return fmt.Errorf("parameter %q is not one of the trace's: %s", name, strings.Join(params, ", "))
		}
	}
	return nil
}

// A root is a group whose columns keep the order given; parquet.Group sorts them.
type root struct {
	parquet.Group
	fields []parquet.Field
}

func newRoot(columns []column) root {
	r := root{Group: make(parquet.Group)}
	place := make(map[string]int)
	for i, c := range columns {
		node := c.node
		if c.optional {
			node = parquet.Optional(node)
		}
		r.Group[c.Name] = node
		place[c.Name] = i
	}
	r.fields = slices.Clone(r.Group.Fields())
	slices.SortFunc(r.fields, func(a, b parquet.Field) int { return place[a.Name()] - place[b.Name()] })
	return r
}

// Fields returns the columns in the order given.
func (r root) Fields() []parquet.Field { return r.fields }
