package importers

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

var update = flag.Bool("update", false, "write the golden files and the tables of docs/import.md again")

// input is what a test imports.
func input(files fs.FS, facts ...assay.Fact) *Input {
	return &Input{Files: files, Facts: facts, Keep: func(_ string, b []byte) (assay.Digest, error) { return assay.DigestOf(b), nil }}
}

// The examples were made with the tools themselves, but for those of
// Sightglass, Sledge, SPRIGHT and Faasm, which were written by hand.
func examples(name string) fs.FS { return os.DirFS(filepath.Join("testdata", name)) }

// example is the input of a format's examples, with a mapping if it wants one.
func example(t *testing.T, name string) *Input {
	t.Helper()
	in := input(examples(name))
	mapping, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	in.Mapping = mapping
	return in
}

// Every format reads its examples as the golden files have it.
func TestExamples(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			out, err := f.Read(t.Context(), example(t, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", f.Name+".golden"), spell(out))
			for _, tr := range out.Traces {
				if err := trace.WriteColumns(io.Discard, trace.Meta{Import: f.Name, Of: tr.Name}, tr.Columns); err != nil {
					t.Errorf("trace %s: %v", tr.Name, err)
				}
			}
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -update writes it again. Got:\n%s", path, got)
	}
}

// spell writes all that was read.
func spell(out *Output) []byte {
	var b bytes.Buffer
	for _, s := range out.Sources {
		fmt.Fprintf(&b, "%s: %s, %d rows\n", s.Path, s.Kind, s.Rows)
	}
	for _, note := range out.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for _, t := range out.Traces {
		fmt.Fprintf(&b, "\n%s\n", t.Name)
		for i, v := range t.Columns {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(v.Name)
		}
		b.WriteByte('\n')
		for row := range t.rows {
			for i := range t.Columns {
				if i > 0 {
					b.WriteByte('|')
				}
				b.WriteString(value(t, i, row))
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// value spells a value, "~" for null.
func value(t *Trace, column, row int) string {
	v := t.Columns[column]
	switch {
	case v.IsNull(row):
		return "~"
	case v.Ints != nil:
		return fmt.Sprint(v.Ints[row])
	case v.Floats != nil:
		return fmt.Sprint(v.Floats[row])
	case v.Bools != nil:
		return fmt.Sprint(v.Bools[row])
	}
	return v.Strings[row]
}

// TestDocs writes the tables of columns in docs/import.md from the examples.
func TestDocs(t *testing.T) {
	const path = "../../docs/import.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, f := range Formats() {
		begin, end := fmt.Sprintf("<!-- columns of %s -->\n", f.Name), "<!-- end of columns -->\n"
		head, rest, ok := strings.Cut(doc, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Errorf("%s has no %q and %q", path, begin, end)
			continue
		}
		out, err := f.Read(t.Context(), example(t, f.Name))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		doc = head + begin + tables(out) + end + tail
	}
	golden(t, path, []byte(doc))
}

// tables describes the traces in Markdown; those that have the same columns
// share a table.
func tables(out *Output) string {
	var order []string
	titles := map[string]string{}
	for _, t := range out.Traces {
		table := tableOf(t)
		if titles[table] == "" {
			order = append(order, table)
		}
		titles[table] += fmt.Sprintf("\n`%s`: %s\n", t.Name, t.Meaning)
	}
	var b strings.Builder
	for _, table := range order {
		b.WriteString(titles[table] + "\n" + table)
	}
	return b.String() + "\n"
}

func tableOf(t *Trace) string {
	var b strings.Builder
	b.WriteString("| column | kind | unit | role | basis | meaning |\n|---|---|---|---|---|---|\n")
	for _, c := range t.Columns {
		if c.Role == assay.RoleSource || c.Role == assay.RoleLine {
			continue // the same everywhere
		}
		meaning := c.Meaning
		if c.Evidence != "" {
			meaning += " (" + c.Evidence + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", c.Name, c.Kind, c.Unit, c.Role, c.Basis, strings.ReplaceAll(meaning, "|", "\\|"))
	}
	return b.String()
}

// one is a file as an input.
func one(path, text string) fs.FS { return fstest.MapFS{path: {Data: []byte(text)}} }

// A redirect is no good answer, whatever the tool makes of it.
func TestRedirects(t *testing.T) {
	const (
		result  = `{"seq":0,"code":302,"timestamp":"2026-01-01T00:00:00Z","latency":5}` + "\n"
		report  = `{"latencies":{"mean":5},"earliest":"2026-01-01T00:00:00Z","latest":"2026-01-01T00:00:00Z","end":"2026-01-01T00:00:00Z","duration":1,"wait":1,"requests":3,"rate":1,"throughput":1,"success":1,"status_codes":{"200":1,"302":2}}` + "\n"
		point   = `{"type":"Point","metric":"m","data":{"time":"2026-01-01T00:00:00Z","value":1,"tags":{"status":"302","expected_response":"true"}}}` + "\n"
		summary = `{"metrics":{"http_req_failed":{"passes":1,"fails":5,"value":0.166}}}`
	)
	for _, test := range []struct {
		format              Format
		text, trace, column string
		want                string
	}{
		{vegeta, result, "requests", "outcome", "failed"},
		{vegeta, report, "reports", "failed", "2"},
		{k6, point, "m", "outcome", "failed"},
		{k6, strings.Replace(point, "302", "204", 1), "m", "outcome", "ok"},
		{k6, strings.Replace(point, `"status":"302",`, "", 1), "m", "outcome", "ok"},
		{k6, summary, "tests", "failed", "1"},
		{k6, summary, "tests", "requests", "6"},
	} {
		out, err := test.format.Read(t.Context(), input(one("f", test.text)))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		} else if got := columnText(t, out, test.trace, test.column); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.text, test.column, got, test.want)
		}
	}
}
