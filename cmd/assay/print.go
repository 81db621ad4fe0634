package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/graph"
)

// A printer writes results: as JSON lines with --json, else as text.
type printer struct {
	out  io.Writer
	json bool
}

func newPrinter(cmd *cobra.Command) printer {
	asJSON, _ := cmd.Flags().GetBool("json")
	return printer{cmd.OutOrStdout(), asJSON}
}

// object prints v as one JSON line with the type kind, or calls text.
func (p printer) object(kind string, v any, text func(io.Writer)) error {
	if !p.json {
		var said bytes.Buffer
		text(&said)
		_, err := io.WriteString(p.out, visible(said.String()))
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print %s: %w", kind, err)
	}
	if string(b) == "{}" {
		_, err = fmt.Fprintf(p.out, "{\"type\":%q}\n", kind)
	} else {
		_, err = fmt.Fprintf(p.out, "{\"type\":%q,%s\n", kind, b[1:])
	}
	return err
}

// list prints each of vs as a JSON line, or all as a table with that header and
// the cells of a row for each.
func list[T any](p printer, kind string, vs []T, header string, row func(T) []any) error {
	if p.json {
		for _, v := range vs {
			if err := p.object(kind, v, nil); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	if len(vs) > 0 {
		fmt.Fprintln(w, header)
	}
	for _, v := range vs {
		var cells []string
		for _, cell := range row(v) {
			cells = append(cells, inRow.Replace(visible(fmt.Sprint(cell))))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// inRow escapes what would end a cell of a table.
var inRow = strings.NewReplacer("\n", `\n`, "\t", `\t`)

// visible returns text with everything escaped that is not visible, but for tabs,
// the ends of lines and spaces that do not break: names in it are of strangers,
// and must not move the cursor.
func visible(text string) string {
	shown := func(r rune) bool {
		return r == '\n' || r == '\t' || r == '\u00a0' || unicode.IsPrint(r) && r != unicode.ReplacementChar
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return !shown(r) }) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if shown(r) {
			b.WriteString(text[:size])
		} else {
			b.WriteString(graph.Printable(text[:size]))
		}
		text = text[size:]
	}
	return b.String()
}

// A typed writer gives each JSON object that begins a line a type.
type typed struct {
	out    io.Writer
	kind   string
	inLine bool // the last byte was not the end of a line
}

func (t *typed) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if !t.inLine && b[0] == '{' {
			if _, err := fmt.Fprintf(t.out, "{\"type\":%q,", t.kind); err != nil {
				return 0, err
			}
			b, t.inLine = b[1:], true
			continue
		}
		end := bytes.IndexByte(b, '\n') + 1
		t.inLine = end == 0
		if end == 0 {
			end = len(b)
		}
		if _, err := t.out.Write(b[:end]); err != nil {
			return 0, err
		}
		b = b[end:]
	}
	return n, nil
}
