// Package trace is the immutable raw record of a run, one row per sample, or a
// table of an import, in Parquet that other programs read, too. docs/trace.md
// describes the columns and which part of Parquet is used.
//
// It averages nothing, drops nothing and edits nothing: cleaning makes another
// data set. A trace is named by the digest of its bytes and is never encoded
// again, so it does not matter that encoders differ between processors.
package trace

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/parquet-go/parquet-go"
)

// Errors that Open and what reads after it match.
var (
	ErrFormat  = errors.New("not an assay trace")
	ErrCorrupt = errors.New("trace is corrupt")
)

// A Trace reads one trace. It is safe for concurrent use if its io.ReaderAt is.
type Trace struct {
	file    *parquet.File
	meta    Meta
	indices map[string]int // of meta.Columns, by name
}

// Open opens the trace in the first size bytes of r, which it retains, and
// reads all of them once: every checksum is compared and every size that a
// reader would trust is bounded before anything is decoded. Errors match
// ErrFormat where the bytes are not a trace of a version we know, and
// ErrCorrupt where they are a damaged one.
func Open(r io.ReaderAt, size int64) (t *Trace, err error) {
	defer contain(&err)
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("open trace: %w: %w", err, ErrCorrupt)
	}
	meta, err := readMeta(file)
	if err != nil {
		return nil, err
	}
	t = &Trace{file: file, meta: meta, indices: make(map[string]int)}
	for i, c := range meta.Columns {
		t.indices[c.Name] = i
	}
	if len(t.indices) != len(meta.Columns) {
		return nil, fmt.Errorf("open trace: two columns of one name: %w", ErrFormat)
	}
	if err := t.checkSamples(); err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	if err := checkPages(r, size, file, meta.Columns); err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	return t, nil
}

// checkSamples makes sure that a run's trace has the columns of its samples.
func (t *Trace) checkSamples() error {
	if t.meta.Import != "" {
		return nil
	}
	leaves := t.file.Root().Columns()
	for _, c := range columnsFor(t.meta.Params) {
		i, ok := t.indices[c.Name]
		if !ok && c.later {
			continue
		}
		if !ok || t.meta.Columns[i].Kind != c.Kind || leaves[i].Optional() != c.optional {
			return fmt.Errorf("column %s is missing or of another type: %w", c.Name, ErrFormat)
		}
	}
	return nil
}

// Meta returns what the trace says about itself. The caller must not change
// its slices.
func (t *Trace) Meta() Meta { return t.meta }

// Rows returns the number of rows.
func (t *Trace) Rows() int64 { return t.file.NumRows() }

// Samples yields every sample of a run in order, or an error as its last pair:
// of an import, that alone. It holds one row group at a time; columns that are
// not of assay.Sample are left out.
func (t *Trace) Samples() iter.Seq2[assay.Sample, error] {
	if t.meta.Import != "" {
		return func(yield func(assay.Sample, error) bool) {
			yield(assay.Sample{}, fmt.Errorf("the trace is of the import %s: it has columns, not samples of a run", t.meta.Import))
		}
	}
	var columns []column
	var indices []int
	for _, c := range columnsFor(t.meta.Params) {
		if i, ok := t.indices[c.Name]; ok {
			columns, indices = append(columns, c), append(indices, i)
		}
	}
	return func(yield func(assay.Sample, error) bool) {
		for g := range t.file.RowGroups() {
			values, rows, err := t.group(g, indices)
			if err != nil {
				yield(assay.Sample{}, err)
				return
			}
			for row := range rows {
				var s assay.Sample
				for i, c := range columns {
					if values[i].IsNull(row) {
						continue
					}
					if err := c.set(&s, &values[i], row); err != nil {
						yield(assay.Sample{}, fmt.Errorf("trace: row group %d, row %d, column %s: %w: %w",
							g, row, c.Name, err, ErrCorrupt))
						return
					}
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// Project returns the named columns, each with a value per row. Names may
// repeat. The error for a name that is not there says which ones are.
func (t *Trace) Project(names []string) ([]Values, error) {
	indices := make([]int, len(names))
	for i, name := range names {
		index, ok := t.indices[name]
		if !ok {
			return nil, fmt.Errorf("trace has no column %q; it has %s", name, strings.Join(t.names(), ", "))
		}
		indices[i] = index
	}
	all := t.empty(indices)
	for i := range all {
		all[i].reserve(int(t.Rows())) // as many as Open has counted
	}
	for g := range t.file.RowGroups() {
		if _, err := t.read(all, g, indices); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t *Trace) names() []string {
	names := make([]string, len(t.meta.Columns))
	for i, c := range t.meta.Columns {
		names[i] = c.Name
	}
	return names
}

// empty returns no values of the columns at the indices.
func (t *Trace) empty(indices []int) []Values {
	values := make([]Values, len(indices))
	for i, index := range indices {
		values[i].Column = t.meta.Columns[index]
	}
	return values
}

// group returns the columns at the indices of one row group, and its rows.
func (t *Trace) group(g int, indices []int) (values []Values, rows int, err error) {
	values = t.empty(indices)
	rows, err = t.read(values, g, indices)
	return values, rows, err
}

// read appends the columns at the indices of one row group to values, and
// returns its rows.
func (t *Trace) read(values []Values, g int, indices []int) (rows int, err error) {
	defer contain(&err)
	group := t.file.RowGroups()[g]
	rows = int(group.NumRows())
	for i, index := range indices {
		before := values[i].Len()
		if err := values[i].read(group.ColumnChunks()[index]); err != nil {
			return 0, fmt.Errorf("trace: row group %d, column %s: %w: %w", g, values[i].Name, err, ErrCorrupt)
		}
		if n := values[i].Len() - before; n != rows {
			return 0, fmt.Errorf("trace: row group %d, column %s: %d values in %d rows: %w",
				g, values[i].Name, n, rows, ErrCorrupt)
		}
	}
	return rows, nil
}

// contain turns a panic of the Parquet decoder into an error.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("trace: decoder: %v: %w", p, ErrCorrupt)
	}
}
