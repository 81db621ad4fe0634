package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// TestVisible prints what a stranger called things: it stays in its row and does
// not move the cursor.
func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain, µs, n\u00a0=\u00a03": "plain, µs, n\u00a0=\u00a03",
		"\x1b[2Jx":                   `\x1b[2Jx`,
		"\r\x7f\x00":                 `\r\x7f\x00`,
		"\x9b2J \u009b2J":            `\x9b2J \u009b2J`,
		"a\u202eb\ufffd":             `a\u202eb` + "\ufffd",
	} {
		var row, object bytes.Buffer
		err := list(printer{out: &row}, "name", []string{text + "\n2nd\t"}, "NAME", func(s string) []any { return []any{s, 3} })
		if got, want := row.String(), "NAME\n"+want+"\\n2nd\\t  3\n"; err != nil || got != want {
			t.Errorf("list of %q prints %q, %v; want %q", text, got, err, want)
		}
		err = printer{out: &object}.object("name", text, func(out io.Writer) { fmt.Fprintln(out, text) })
		if got := object.String(); err != nil || got != want+"\n" {
			t.Errorf("object %q prints %q, %v; want %q", text, got, err, want)
		}
	}
}
