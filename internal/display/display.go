// Package display makes what a notebook shows of assay's results: MIME bundles
// with HTML that needs no style sheet and no script, so that it reads the same
// in JupyterLab, in a static export and on GitHub, and with plain text for
// where there is no HTML. Each bundle has its facts in its metadata
// (wire.Facts): names, digests and verdicts, nothing of the moment, so that two
// executions from one archive can be compared.
//
// It formats. It computes nothing, reads no archive and writes no file.
package display

import (
	"embed"
	"fmt"
	"html/template"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Kind says what a display shows: the "kind" of its facts.
type Kind string

// The kinds. What Progress and Status show is of the moment: it differs from
// one execution to the next though nothing has changed.
const (
	KindProgress Kind = "progress"
	KindStatus   Kind = "status"
	KindWorkload Kind = "workload"
	KindRun      Kind = "run"
	KindImport   Kind = "import"
	KindFigure   Kind = "figure"
	KindClaim    Kind = "claim"
	KindLint     Kind = "lint"
	KindRuntimes Kind = "runtimes"
	KindHosts    Kind = "hosts"
)

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"clean": clean, "titled": titled, "solid": solid}).ParseFS(files, "*.tmpl"))

// bundle makes a display of text and of the template of that kind, which is
// given view.
func bundle(kind Kind, view any, text string, facts map[string]any) wire.Display {
	all := map[string]any{"kind": string(kind)}
	for k, v := range facts {
		all[k] = v
	}
	return wire.Display{
		Data:     map[string]string{"text/html": render(string(kind), view), "text/plain": strings.TrimRight(text, "\n")},
		Metadata: map[string]any{wire.Facts: all},
	}
}

func render(name string, view any) string {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, view); err != nil {
		panic(fmt.Sprintf("display %s: %v", name, err)) // the template does not fit its view
	}
	return strings.TrimSpace(b.String())
}

// columns aligns rows of cells as text.
func columns(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush() // a strings.Builder takes everything
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// longest is how many characters of a string from outside are shown.
const longest = 400

// clean makes s one line of printable characters: guests and files may have
// put anything into it, escape sequences of terminals among it.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(s) {
		if n++; n > longest {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(' ')
		case unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r):
			b.WriteRune(r)
		default:
			b.WriteRune('�')
		}
	}
	return b.String()
}

// solid is s with no space to break a line at.
func solid(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }

// short is a digest for people: enough of it to tell it from the others of a
// page.
func short(d assay.Digest) string {
	if d.IsZero() {
		return ""
	}
	return "sha256:" + d.Short() + "…"
}

// A fact is a line of a folded card. An empty value is left out.
type fact struct{ Name, Value string }

// titled is a card with its title, for a template.
func titled(title string, facts []fact) any {
	return struct {
		Title string
		Facts []fact
	}{title, facts}
}

// card lists the facts that have a value.
func card(facts ...fact) []fact {
	var kept []fact
	for _, f := range facts {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func digest(d assay.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
