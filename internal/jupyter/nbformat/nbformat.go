// Package nbformat reads and writes notebook files, format 4.0 to 4.5, byte
// for byte as Python's nbformat writes them, so that what git shows is what
// was changed. What it does not know it keeps.
//
// It executes nothing and does not validate outputs: it takes what has the
// shape of a notebook.
package nbformat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// MaxSize bounds a notebook file.
const MaxSize = 256 << 20

// The cell types.
const (
	Code     = "code"
	Markdown = "markdown"
	Raw      = "raw"
)

// A Notebook is a notebook file. Values in it that have no field are as
// encoding/json gives them, with numbers as json.Number.
type Notebook struct {
	Minor    int // of the format: 4.Minor
	Metadata map[string]any
	Cells    []*Cell
	rest     map[string]any
}

// A Cell is a cell of a notebook.
type Cell struct {
	ID             string // "" before format 4.5
	Type           string
	Source         string
	Metadata       map[string]any
	Outputs        []Output // of a code cell
	ExecutionCount *int     // of a code cell; nil if it was not executed
	rest           map[string]any
}

// An Output is an output of a code cell as the format has it; strings that are
// lists of lines in the file are one string.
type Output map[string]any

// Kind returns the output_type: stream, display_data, execute_result or error.
func (o Output) Kind() string { return o.String("output_type") }

// String returns the string that is at key, or "".
func (o Output) String(key string) string {
	s, _ := o[key].(string)
	return s
}

// Object returns the object that is at key, or nil.
func (o Output) Object(key string) map[string]any {
	m, _ := o[key].(map[string]any)
	return m
}

// HasTag reports whether the cell has the tag.
func (c *Cell) HasTag(tag string) bool {
	tags, _ := c.Metadata["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// Language returns the name of the notebook's language and of its kernelspec,
// each "" if it has none.
func (nb *Notebook) Language() (language, kernelspec string) {
	if info, ok := nb.Metadata["language_info"].(map[string]any); ok {
		language, _ = info["name"].(string)
	}
	if spec, ok := nb.Metadata["kernelspec"].(map[string]any); ok {
		if l, ok := spec["language"].(string); ok {
			language = l
		}
		kernelspec, _ = spec["name"].(string)
	}
	return language, kernelspec
}

// Read reads the notebook in the file.
func Read(path string) (*Notebook, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("notebook %s: %w", path, err)
	}
	nb, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("notebook %s: %w", path, err)
	}
	return nb, nil
}

// ErrVersion is matched by the error of a notebook of another major version.
var ErrVersion = errors.New(`not of format 4: convert it with "jupyter nbconvert --to notebook"`)

// Parse parses a notebook. Its error names every problem.
func Parse(b []byte) (*Notebook, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("more than %d MiB", MaxSize>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var all map[string]any
	if err := dec.Decode(&all); err != nil {
		var kind *json.UnmarshalTypeError
		switch {
		case len(bytes.TrimSpace(b)) == 0:
			return nil, errors.New(`the file is empty: begin one with "assay notebook new"`)
		case bytes.HasPrefix(b, []byte("\ufeff")):
			return nil, errors.New("it begins with a byte order mark: save it as UTF-8 without one")
		case errors.As(err, &kind):
			return nil, fmt.Errorf("a JSON %s where a notebook is an object", kind.Value)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errors.New("not JSON: it ends in the middle; restore it from version control or a checkpoint")
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: more after its end")
	}
	if major, ok := integer(all["nbformat"]); ok && major > 4 {
		return nil, fmt.Errorf("nbformat %d is later than this assay knows, which is 4", major)
	} else if !ok || major != 4 {
		return nil, fmt.Errorf("nbformat %v: %w", all["nbformat"], ErrVersion)
	}
	var p problems
	nb := &Notebook{rest: all}
	var ok bool
	if nb.Minor, ok = integer(all["nbformat_minor"]); !ok || nb.Minor < 0 {
		p.add("nbformat_minor is %v", all["nbformat_minor"])
	}
	nb.Metadata = p.object("metadata", all["metadata"])
	cells, ok := all["cells"].([]any)
	if !ok {
		p.add("cells is not a list")
	}
	for i, v := range cells {
		nb.Cells = append(nb.Cells, p.cell(fmt.Sprintf("cell %d", i+1), v))
	}
	for _, key := range []string{"nbformat", "nbformat_minor", "metadata", "cells"} {
		delete(all, key)
	}
	return nb, errors.Join(p...)
}

type problems []error

// maxProblems is how many are listed: a file that is no notebook has as many
// as it has cells.
const maxProblems = 20

func (p *problems) add(format string, args ...any) {
	if len(*p) < maxProblems {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) object(name string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		p.add("%s is not an object", name)
		return map[string]any{}
	}
	return m
}

// text joins a string that may be a list of lines.
func (p *problems) text(name string, v any) string {
	s, ok := join(v)
	if !ok {
		p.add("%s is neither a string nor a list of strings", name)
	}
	return s
}

func (p *problems) cell(name string, v any) *Cell {
	m := p.object(name, v)
	c := &Cell{rest: m}
	c.Type, _ = m["cell_type"].(string)
	if c.Type != Code && c.Type != Markdown && c.Type != Raw {
		p.add("%s has the cell_type %v", name, m["cell_type"])
	}
	c.ID, _ = m["id"].(string)
	c.Source = p.text(name+": source", m["source"])
	c.Metadata = p.object(name+": metadata", m["metadata"])
	if tags, ok := c.Metadata["tags"].([]any); !ok && c.Metadata["tags"] != nil {
		p.add("%s: tags is not a list", name)
	} else if slices.ContainsFunc(tags, func(v any) bool { _, ok := v.(string); return !ok }) {
		p.add("%s: a tag is not a string", name)
	}
	if attachments, ok := m["attachments"].(map[string]any); ok {
		for _, a := range attachments {
			if bundle, ok := a.(map[string]any); ok {
				rejoin(bundle)
			}
		}
	}
	for _, key := range []string{"cell_type", "source", "metadata"} {
		delete(m, key)
	}
	if c.ID != "" {
		delete(m, "id")
	}
	if c.Type != Code {
		return c
	}
	outputs, ok := m["outputs"].([]any)
	if !ok {
		p.add("%s: outputs is not a list", name)
	}
	for i, v := range outputs {
		o := Output(p.object(fmt.Sprintf("%s: output %d", name, i+1), v))
		switch o.Kind() {
		case "display_data", "execute_result":
			if data := o.Object("data"); data != nil {
				rejoin(data)
			}
		case "":
			p.add("%s: output %d has no output_type", name, i+1)
		default:
			if s, ok := join(o["text"]); ok {
				o["text"] = s
			}
		}
		c.Outputs = append(c.Outputs, o)
	}
	if v := m["execution_count"]; v != nil {
		n, ok := integer(v)
		if !ok {
			p.add("%s: execution_count is %v", name, v)
		}
		c.ExecutionCount = &n
	}
	delete(m, "outputs")
	delete(m, "execution_count")
	return c
}

func integer(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

func join(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []any:
		var b strings.Builder
		for _, line := range v {
			s, ok := line.(string)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		return b.String(), true
	}
	return "", false
}

// rejoin joins the strings of a MIME bundle that are lists of lines.
func rejoin(bundle map[string]any) {
	for kind, v := range bundle {
		if isJSON := kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"); isJSON {
			continue
		}
		if s, ok := join(v); ok {
			bundle[kind] = s
		}
	}
}

// minor is the version that Upgrade makes: 4.5.
const minor = 5

// Upgrade makes the notebook one of format 4.5, in which each cell has an ID
// of its own. New IDs are made from the cells' place and source, so that the
// same notebook always gets the same.
func (nb *Notebook) Upgrade() {
	nb.Minor = max(nb.Minor, minor)
	taken := map[string]bool{}
	var without []*Cell
	for _, c := range nb.Cells {
		delete(c.rest, "id")
		if !validID(c.ID) || taken[c.ID] {
			without = append(without, c)
			continue
		}
		taken[c.ID] = true
	}
	for i, c := range without {
		for n := i; ; n += len(without) {
			sum := sha256.Sum256([]byte(strconv.Itoa(n) + " " + c.Source))
			if c.ID = hex.EncodeToString(sum[:4]); !taken[c.ID] {
				break
			}
		}
		taken[c.ID] = true
	}
}

func validID(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// NewCell returns a code cell.
func NewCell(source string) *Cell {
	return &Cell{Type: Code, Source: source, Metadata: map[string]any{}}
}

// Insert puts a cell in front of that with index i.
func (nb *Notebook) Insert(i int, c *Cell) { nb.Cells = slices.Insert(nb.Cells, i, c) }
