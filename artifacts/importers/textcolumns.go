package importers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// Bounds on what the names in files can make of the columns of a trace.
const (
	maxNamed = 256 // columns
	maxName  = 200 // bytes
)

// textColumns are the columns of a trace that are named by what is in files:
// tags, parameters. They have a prefix, so that they are like no other column.
type textColumns struct {
	trace   *Trace
	prefix  string
	role    assay.Role
	roles   map[string]assay.Role // of names that have another
	meaning string
	columns map[string]column[string]
}

func (t *Trace) textColumns(prefix string, role assay.Role, meaning string) *textColumns {
	return &textColumns{trace: t, prefix: prefix, role: role, meaning: meaning, columns: make(map[string]column[string])}
}

// check says what keeps the values from being set, "" if nothing does.
func (c *textColumns) check(values map[string]string) string {
	if why := c.trace.full(1); why != "" {
		return why
	}
	added := 0
	for name, value := range values {
		if name == "" || strings.Contains(name, "\x00") || len(name) > maxName {
			return fmt.Sprintf("%.200q cannot name a column", name)
		}
		if why := tooLong(name, value); why != "" {
			return why
		}
		if _, ok := c.columns[name]; !ok {
			added++
		}
	}
	if len(c.columns)+added > maxNamed {
		return fmt.Sprintf("more than %d different names", maxNamed)
	}
	return ""
}

// set gives the columns their values in the row last begun. Columns that are
// new come in the order of their names.
func (c *textColumns) set(values map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		at, ok := c.columns[name]
		if !ok {
			role, ok := c.roles[name]
			if !ok {
				role = c.role
			}
			at = c.trace.text(known(c.prefix+name, "", role, c.meaning))
			c.columns[name] = at
		}
		at.set(values[name])
	}
}

// tooLong says that a value is too long for a text, "" if it is not.
func tooLong(name, value string) string {
	if len(value) > maxLine {
		return fmt.Sprintf("%s: a text of %d bytes, want at most %d", name, len(value), maxLine)
	}
	return ""
}

// firstOf returns the first of the texts that says something.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
