package trace

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// Format names the encoding.
const Format = "assay.trace.v1"

// metaKey is the key of Meta, as JSON, in the file's key-value metadata.
const metaKey = "assay"

// A Meta is what a trace says about itself.
type Meta struct {
	Format string `json:"format"` // Format; Write and WriteColumns fill it in

	// Of a run's trace.
	Run        string       `json:"run,omitempty"` // assay.Run.ID
	Plan       assay.Digest `json:"plan,omitzero"`
	Experiment assay.Digest `json:"experiment,omitzero"`
	Host       string       `json:"host,omitempty"`   // what the experiment calls it
	Params     []string     `json:"params,omitempty"` // names of the parameters: each has a column "param.NAME"

	// Of an import's.
	Import   string `json:"import,omitempty"`   // assay.Import.Name: "fs23"
	Of       string `json:"of,omitempty"`       // assay.ImportTrace.Name: "requests"
	Importer string `json:"importer,omitempty"` // assay.Import.Importer: "ab-sweep"
	Revision int    `json:"revision,omitempty"` // of the importer

	Columns []Column `json:"columns"` // every column in the file's order; Write and WriteColumns fill it in
}

// A Column says what the values of one column are.
type Column struct {
	Name     string      `json:"name"`
	Kind     Kind        `json:"kind"`
	Unit     string      `json:"unit,omitempty"` // "" where there is none
	Meaning  string      `json:"meaning,omitempty"`
	Role     assay.Role  `json:"role,omitempty"`     // of imported traces
	Basis    assay.Basis `json:"basis,omitempty"`    // likewise: how the meaning is known
	Evidence string      `json:"evidence,omitempty"` // likewise: what that rests on
}

// A Kind says which Go type holds a column's values.
type Kind string

// The kinds.
const (
	Int    Kind = "int"    // int64
	Float  Kind = "float"  // float64
	String Kind = "string" // UTF-8
	Bool   Kind = "bool"
)

// readMeta returns the file's Meta, with a Column for every column of the
// file, in its order: also for those that Meta does not mention.
func readMeta(file *parquet.File) (Meta, error) {
	text, ok := file.Lookup(metaKey)
	if !ok {
		return Meta{}, fmt.Errorf("a Parquet file without the metadata %q: %w", metaKey, ErrFormat)
	}
	var meta Meta
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return Meta{}, fmt.Errorf("metadata %q: %w: %w", metaKey, err, ErrFormat)
	}
	if meta.Format != Format {
		return Meta{}, fmt.Errorf("format %q, this assay reads %q: %w", meta.Format, Format, ErrFormat)
	}
	said := make(map[string]Column)
	for _, c := range meta.Columns {
		said[c.Name] = c
	}
	leaves := file.Root().Columns()
	meta.Columns = make([]Column, len(leaves))
	for i, leaf := range leaves {
		kind, err := kindOf(leaf)
		if err != nil {
			return Meta{}, fmt.Errorf("column %s: %w: %w", leaf.Name(), err, ErrFormat)
		}
		c := said[leaf.Name()]
		c.Name, c.Kind = leaf.Name(), kind
		meta.Columns[i] = c
	}
	return meta, nil
}

// kindOf returns the kind of a flat column of plain integers, floats, text or
// truth values; other columns have no place in a trace.
func kindOf(c *parquet.Column) (Kind, error) {
	if !c.Leaf() || c.Repeated() {
		return "", errors.New("nested or repeated")
	}
	var logical format.LogicalTypeValue
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch c.Type().Kind() {
	case parquet.Boolean:
		return Bool, nil
	case parquet.Int32, parquet.Int64:
		if i, ok := logical.(*format.IntType); logical == nil || ok && i.IsSigned {
			return Int, nil
		}
	case parquet.Float, parquet.Double:
		return Float, nil
	case parquet.ByteArray:
		if _, ok := logical.(*format.StringType); ok {
			return String, nil
		}
	}
	return "", fmt.Errorf("type %v", c.Type())
}
