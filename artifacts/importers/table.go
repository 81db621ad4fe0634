package importers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

var table = Format{
	Name:     "table",
	Title:    "a tidy CSV or TSV, and a mapping that says what its columns mean",
	Revision: 1,
	read:     readTable,
}

// A mapping says what the columns of a table mean. It is YAML.
type mapping struct {
	Trace   string                  // name of the trace: "table" if not said
	Meaning string                  // what a row is
	Columns map[string]mappedColumn // by the name in the header; others are text that nobody explains
}

// A mappedColumn is what a mapping says of one column.
type mappedColumn struct {
	Name     string // in the trace: the header's if not said
	Kind     trace.Kind
	Unit     string
	Role     assay.Role
	Meaning  string
	Missing  []string          // texts that are no value; an empty one never is
	Outcomes map[string]string // texts that are no value but a result: what the column outcome says then
}

// Roles that only a number can have.
var numericRoles = []assay.Role{
	assay.RoleLoad, assay.RoleRate, assay.RoleIteration, assay.RoleRequests, assay.RoleFailed, assay.RoleDuration, assay.RoleThroughput,
	assay.RoleLatency, assay.RoleInterval, assay.RoleTransfer, assay.RoleSize, assay.RoleTime, assay.RoleStart, assay.RoleEnd,
	assay.RoleSample, assay.RoleMean, assay.RoleSpread, assay.RoleCPU, assay.RoleMemory,
}

// Other roles a column of a table can have: source and line are the importer's,
// outcome is what Outcomes make.
var otherRoles = []assay.Role{
	assay.RoleSystem, assay.RoleWorkload, assay.RoleFactor, assay.RoleReplicate, assay.RoleBlock, assay.RoleWarmup, assay.RoleStatus,
	assay.RoleScope, assay.RoleMode, assay.RoleCache, assay.RoleOutcome,
}

const noMapping = "a table needs a mapping that says what its columns mean: --mapping FILE (docs/import.md shows one)"

// readMapping reads and checks a mapping.
func readMapping(b []byte) (*mapping, error) {
	if len(b) == 0 {
		return nil, errors.New(noMapping)
	}
	var m mapping
	if err := strictyaml.Decode(b, &m); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	if m.Trace == "" {
		m.Trace = "table"
	}
	if len(m.Columns) == 0 {
		return nil, errors.New("mapping: columns: there are none")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Columns)) {
		c := m.Columns[name]
		if c.Name == "" {
			c.Name = name
		}
		if c.Kind == "" {
			c.Kind = trace.String
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("mapping: column %s: %w", name, err)
		}
		m.Columns[name] = c
	}
	return &m, nil
}

func (c *mappedColumn) check() error {
	numeric := c.Kind == trace.Int || c.Kind == trace.Float
	switch {
	case !numeric && c.Kind != trace.String && c.Kind != trace.Bool:
		return fmt.Errorf("kind %q: want int, float, string or bool", c.Kind)
	case slices.Contains(numericRoles, c.Role) && !numeric:
		return fmt.Errorf("role %s: want a column of the kind int or float", c.Role)
	case c.Role != "" && !slices.Contains(numericRoles, c.Role) && !slices.Contains(otherRoles, c.Role):
		return fmt.Errorf("role %q: want one of %s", c.Role, join(slices.Concat(otherRoles, numericRoles)))
	case c.Name == "source" || c.Name == "line":
		return fmt.Errorf("every trace has a column of that name; give it another: name: their_%s", c.Name)
	case c.Name == "outcome" && len(c.Outcomes) > 0:
		return errors.New("outcomes make a column outcome; give this one another name")
	}
	for _, token := range c.Missing {
		if _, ok := c.Outcomes[token]; ok {
			return fmt.Errorf("%q is both missing and an outcome", token)
		}
	}
	return nil
}

func join[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}

// A tableReader makes the trace of a table.
type tableReader struct {
	mapping *mapping
	trace   *Trace
	cells   map[string]*tableCell // by the name in the header
	outcome *column[string]       // nil if no column has outcomes
}

func readTable(ctx context.Context, in *Input, out *Output) error {
	m, err := readMapping(in.Mapping)
	if err != nil {
		return err
	}
	files, err := in.read(ctx, out, nil)
	if err != nil {
		return err
	}
	r := &tableReader{mapping: m, trace: out.trace(m.Trace, m.Meaning), cells: map[string]*tableCell{}}
	for _, f := range files {
		f.kind = "table"
		if err := r.read(f); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Columns)) {
		if r.cells[name] == nil && len(r.cells) > 0 {
			return fmt.Errorf("mapping: column %s: no file has it; there are %s", name, strings.Join(slices.Sorted(maps.Keys(r.cells)), ", "))
		}
	}
	return nil
}

// read reads one file.
func (r *tableReader) read(f *file) error {
	var header []string
	var cells []*tableCell
	var broken error
	f.records(func(line int, fields []string, raw string) {
		switch {
		case broken != nil:
		case header == nil:
			header = slices.Clone(fields)
			cells, broken = r.header(header)
			if broken != nil {
				broken = fmt.Errorf("%s:%d: %w", f.path, line, broken)
			}
		case len(fields) != len(cells):
			f.reject(line, raw, fmt.Sprintf("%d columns, the header has %d", len(fields), len(cells)))
		default:
			if why := r.trace.full(1); why != "" {
				f.reject(line, raw, why)
				return
			}
			if err := parseCells(cells, fields); err != nil {
				f.reject(line, raw, err.Error())
				return
			}
			r.row(f, line, cells)
		}
	})
	if header == nil {
		f.kind = ""
	}
	return broken
}

// header returns the cells of a file's columns; those that are new are added to
// the trace.
func (r *tableReader) header(names []string) (cells []*tableCell, err error) {
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	if err := checkHeader(names); err != nil {
		return nil, err
	}
	for _, name := range names {
		if r.cells[name] == nil {
			if r.cells[name], err = r.add(name); err != nil {
				return nil, err
			}
		}
		cells = append(cells, r.cells[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.mapping.Columns)) {
		if !slices.Contains(cells, r.cells[name]) {
			return nil, fmt.Errorf("there is no column %s, which the mapping has; there are %s", name, strings.Join(names, ", "))
		}
	}
	return cells, nil
}

func (r *tableReader) add(name string) (*tableCell, error) {
	said, ok := r.mapping.Columns[name]
	if !ok {
		said = mappedColumn{Name: name, Kind: trace.String}
	}
	if len(r.cells) >= maxNamed {
		return nil, fmt.Errorf("more than %d different columns", maxNamed)
	}
	if !ok && (name == "source" || name == "line" || name == "outcome") || strings.Contains(name, "\x00") {
		return nil, fmt.Errorf("column %q: give it another name in the mapping", name)
	}
	c := trace.Column{Name: said.Name, Unit: said.Unit, Role: said.Role, Meaning: said.Meaning, Basis: assay.Given}
	if !ok {
		c.Basis, c.Meaning = assay.Unknown, "the mapping does not say"
	}
	cell := &tableCell{said: said}
	switch said.Kind {
	case trace.Int:
		cell.cell = r.trace.intCell(c)
	case trace.Float:
		cell.cell = r.trace.floatCell(c)
	case trace.Bool:
		cell.truth = r.trace.truth(c)
	default:
		cell.cell = r.trace.textCell(c)
	}
	if len(said.Outcomes) > 0 && r.outcome == nil {
		o := r.trace.text(trace.Column{Name: "outcome", Role: assay.RoleOutcome, Basis: assay.Given,
			Meaning: "ok, or what the mapping makes of a text that stands for a number"})
		r.outcome = &o
	}
	return cell, nil
}

// row adds a row of what the cells have parsed.
func (r *tableReader) row(f *file, line int, cells []*tableCell) {
	r.trace.row(f.path, line)
	f.rows++
	outcome, results := "", 0
	for _, c := range cells {
		c.set()
		if len(c.said.Outcomes) == 0 {
			continue
		}
		if c.outcome != "" {
			outcome = firstOf(outcome, c.outcome)
		} else if !c.null {
			results++
		}
	}
	switch {
	case outcome != "":
		r.outcome.set(outcome)
	case results > 0:
		r.outcome.set("ok")
	}
}

// A tableCell is where a column takes its values from texts.
type tableCell struct {
	said    mappedColumn
	cell    *cell        // nil if the kind is bool
	truth   column[bool] // then it is this
	null    bool         // what was parsed last
	outcome string       // likewise
	bool    bool
}

// parseCells parses the fields of a row.
func parseCells(cells []*tableCell, fields []string) error {
	for i, c := range cells {
		if err := c.parse(strings.TrimSpace(fields[i])); err != nil {
			return err
		}
	}
	return nil
}

func (c *tableCell) parse(s string) error {
	c.outcome = c.said.Outcomes[s]
	c.null = s == "" || c.outcome != "" || slices.Contains(c.said.Missing, s)
	switch {
	case c.null:
		return nil
	case c.cell != nil:
		return c.cell.parse(s)
	case s == "true" || s == "false":
		c.bool = s == "true"
		return nil
	}
	return fmt.Errorf("column %s: %.100q is neither true nor false", c.said.Name, s)
}

func (c *tableCell) set() {
	switch {
	case c.null:
	case c.cell != nil:
		c.cell.set()
	default:
		c.truth.set(c.bool)
	}
}

// records gives every record of a CSV or TSV to each: it is a TSV if its name
// or its first line say so.
func (f *file) records(each func(line int, fields []string, raw string)) {
	first, _, _ := strings.Cut(f.text, "\n")
	base := strings.TrimSuffix(f.path, ".gz")
	if path.Ext(base) != ".tsv" && (strings.Contains(first, ",") || !strings.Contains(first, "\t")) {
		f.csv(each)
		return
	}
	for n, line := range f.lines() {
		if line != "" {
			each(n, strings.Split(line, "\t"), line)
		}
	}
}
