package claims

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay"
)

// Add returns file, a book that stands on another one, with what more has; what
// is in it stays as it is written, comments and order included. It refuses a
// claim or policy that file has already.
func Add(file []byte, more, on Book) ([]byte, error) {
	old, err := Parse(file, on)
	if err != nil {
		return nil, err
	}
	for _, c := range more.Claims {
		if _, ok := old.Find(c.ID); ok {
			return nil, fmt.Errorf("claim %s is there already: edit it, or give another id", c.ID)
		}
	}
	for id := range more.Checks {
		if _, ok := old.Checks[id]; ok {
			return nil, fmt.Errorf("claim %s has checks already: edit them", id)
		}
	}
	for id := range more.Needs {
		if _, ok := old.Needs[id]; ok {
			return nil, fmt.Errorf("what claim %s needs is said already: edit it", id)
		}
	}
	want := old.With(more)
	if err := want.problems(on.With(want).ids()); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		key   string
		value any
		empty bool
	}{
		{"claims", more.Claims, len(more.Claims) == 0},
		{"checks", plainChecks(more.Checks), len(more.Checks) == 0},
		{"needs", more.Needs, len(more.Needs) == 0},
	} {
		if part.empty {
			continue
		}
		if file, err = insert(file, part.key, part.value); err != nil {
			return nil, err
		}
	}
	got, err := Parse(file, on)
	if err != nil || !reflect.DeepEqual(Book{}.With(got), Book{}.With(want)) {
		return nil, fmt.Errorf("the file is written in a way that nothing can be added to (%v): write claims and checks as blocks, an item a line", err)
	}
	return file, nil
}

// plainChecks are checks as they are written: one without a list.
func plainChecks(all map[string]Checks) map[string]any {
	plain := map[string]any{}
	for id, checks := range all {
		plain[id] = []assay.Check(checks)
		if len(checks) == 1 {
			plain[id] = checks[0]
		}
	}
	return plain
}

// insert adds the items of value, a list or a map, behind those of the key.
func insert(file []byte, key string, value any) ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	items := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	var doc yaml.Node
	if err := yaml.Unmarshal(file, &doc); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(file), "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		lines = nil
	}
	indent, at := 2, len(lines)
	var root []*yaml.Node
	if len(doc.Content) > 0 {
		root = doc.Content[0].Content
	}
	i := 0
	for i < len(root) && root[i].Value != key {
		i += 2
	}
	if i < len(root) {
		indent = root[i+1].Column - 1
		if i+2 < len(root) {
			at = root[i+2].Line - 1
			for at > 0 && (strings.TrimSpace(lines[at-1]) == "" || strings.HasPrefix(lines[at-1], "#")) {
				at-- // what stands above the next key is of that
			}
		}
	} else {
		items = append([]string{key + ":"}, indented(items, indent)...)
		indent = 0
	}
	return []byte(strings.Join(slices.Insert(lines, at, indented(items, indent)...), "\n") + "\n"), nil
}

func indented(lines []string, by int) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l
		if l != "" {
			out[i] = strings.Repeat(" ", by) + l
		}
	}
	return out
}
