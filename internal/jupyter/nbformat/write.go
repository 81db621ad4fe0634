package nbformat

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bytes returns the notebook as Python's nbformat writes it: keys sorted,
// indented by one space, strings of many lines as lists of lines.
func (nb *Notebook) Bytes() []byte {
	all := maps.Clone(nb.rest)
	if all == nil {
		all = map[string]any{}
	}
	metadata := maps.Clone(nb.Metadata)
	for _, transient := range []string{"orig_nbformat", "orig_nbformat_minor", "signature"} {
		delete(metadata, transient)
	}
	cells := make([]any, len(nb.Cells))
	for i, c := range nb.Cells {
		cells[i] = c.object()
	}
	all["nbformat"], all["nbformat_minor"], all["metadata"], all["cells"] = 4, nb.Minor, metadata, cells
	return append(appendValue(nil, all, "\n"), '\n')
}

func (c *Cell) object() map[string]any {
	m := maps.Clone(c.rest)
	if m == nil {
		m = map[string]any{}
	}
	metadata := maps.Clone(c.Metadata)
	delete(metadata, "trusted")
	m["cell_type"], m["metadata"], m["source"] = c.Type, metadata, lines(c.Source)
	if c.ID != "" {
		m["id"] = c.ID
	}
	if attachments, ok := m["attachments"].(map[string]any); ok {
		split := map[string]any{}
		for name, a := range attachments {
			split[name] = a
			if bundle, ok := a.(map[string]any); ok {
				split[name] = splitBundle(bundle)
			}
		}
		m["attachments"] = split
	}
	if c.Type != Code {
		return m
	}
	outputs := make([]any, len(c.Outputs))
	for i, o := range c.Outputs {
		copied := maps.Clone(map[string]any(o))
		switch o.Kind() {
		case "display_data", "execute_result":
			if data := o.Object("data"); data != nil {
				copied["data"] = splitBundle(data)
			}
		case "stream":
			if s, ok := o["text"].(string); ok {
				copied["text"] = lines(s)
			}
		}
		outputs[i] = copied
	}
	m["outputs"], m["execution_count"] = outputs, nil
	if c.ExecutionCount != nil {
		m["execution_count"] = *c.ExecutionCount
	}
	return m
}

func splitBundle(bundle map[string]any) map[string]any {
	split := maps.Clone(bundle)
	for kind, v := range bundle {
		if s, ok := v.(string); ok && (strings.HasPrefix(kind, "text/") || kind == "application/javascript" || kind == "image/svg+xml") {
			split[kind] = lines(s)
		}
	}
	return split
}

// lines splits as Python's str.splitlines(True) does.
func lines(s string) []any {
	split := []any{}
	start := 0
	for i, r := range s {
		switch r {
		case '\r':
			if strings.HasPrefix(s[i+1:], "\n") {
				continue
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		end := i + len(string(r))
		split = append(split, s[start:end])
		start = end
	}
	if start < len(s) {
		split = append(split, s[start:])
	}
	return split
}

// appendValue appends v as Python's json.dumps writes it. newline is the line
// end with the indentation of what v is in.
func appendValue(b []byte, v any, newline string) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return appendNumber(b, json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
	case json.Number:
		return appendNumber(b, v)
	case string:
		return appendString(b, v)
	case []any:
		if len(v) == 0 {
			return append(b, "[]"...)
		}
		inner := newline + " "
		for i, e := range v {
			b = append(append(b, "[,"[min(i, 1)]), inner...)
			b = appendValue(b, e, inner)
		}
		return append(append(b, newline...), ']')
	case map[string]any:
		if len(v) == 0 {
			return append(b, "{}"...)
		}
		inner := newline + " "
		for i, key := range slices.Sorted(maps.Keys(v)) {
			b = append(append(b, "{,"[min(i, 1)]), inner...)
			b = append(appendString(b, key), ": "...)
			b = appendValue(b, v[key], inner)
		}
		return append(append(b, newline...), '}')
	default:
		panic(fmt.Sprintf("nbformat: a %T in a notebook", v))
	}
}

// appendNumber writes whole numbers as they are and others as Python's repr
// does, which is how they come back from a program in Python.
func appendNumber(b []byte, n json.Number) []byte {
	if !strings.ContainsAny(string(n), ".eE") {
		if n == "-0" {
			n = "0"
		}
		return append(b, n...)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil { // beyond what Python can hold: it is kept
		return append(b, n...)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return append(b, s...)
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return append(b, s...)
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
