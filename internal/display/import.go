package display

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Import shows an import: its traces, what their columns mean and how that is
// known, and folded, what it was made from.
func Import(imp lab.Imported) wire.Display {
	v := importView{Name: clean(imp.Name), Origin: originImported, Rejected: imp.Rejected, Notes: imp.Notes}
	switch {
	case imp.Gone:
		v.Origin = originGone
	case imp.Archived:
		v.Origin = originSame
	}
	size, read := int64(0), 0
	for _, s := range imp.Sources {
		size += s.Size
		if s.Kind != "" {
			read++
		}
	}
	v.Files = fmt.Sprintf("%d files, %.1f MiB", len(imp.Sources), float64(size)/(1<<20))
	if read < len(imp.Sources) {
		v.Files += fmt.Sprintf(", %d of them read", read)
	}
	for _, f := range imp.Facts {
		v.Given = append(v.Given, clean(f.Name+" = "+f.Value))
	}
	for _, t := range imp.Traces {
		tv := importTrace{Name: clean(imp.Name + "/" + t.Name), Rows: t.Rows, Meaning: clean(t.Meaning)}
		for _, c := range t.Columns {
			tv.Columns = append(tv.Columns, []string{clean(c.Name), clean(c.Unit), clean(string(c.Role)), clean(string(c.Basis)), clean(joined(c.Meaning, c.Evidence))})
		}
		v.Traces = append(v.Traces, tv)
		v.Card = append(v.Card, fact{"trace " + t.Name, t.Trace.String()})
	}
	v.Importer = clean(fmt.Sprintf("%s, revision %d", imp.Importer, imp.Revision))
	if imp.Revised != 0 {
		v.Importer += fmt.Sprintf(" (this assay has %d: \"assay import --replace\" reads the files anew)", imp.Revised)
	}
	v.Card = card(append([]fact{{"OCI artifact", digest(imp.Manifest)}, {"mapping", digest(imp.Mapping)}}, v.Card...)...)
	return bundle(KindImport, v, v.text(), map[string]any{"name": imp.Name, "manifest": digest(imp.Manifest)})
}

type importView struct {
	Name, Origin, Importer, Files string
	Given                         []string
	Traces                        []importTrace
	Rejected                      int64
	Notes                         []string
	Card                          []fact
}

type importTrace struct {
	Name, Meaning string
	Rows          int64
	Columns       [][]string // name, unit, role, how known, meaning
}

// Head names what is said of a column.
func (importView) Head() []string { return []string{"column", "unit", "role", "how known", "meaning"} }

func (v importView) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s (%s)\n", v.Name, v.Importer, v.Files, v.Origin)
	if len(v.Given) > 0 {
		fmt.Fprintf(&b, "given: %s\n", strings.Join(v.Given, "; "))
	}
	for _, t := range v.Traces {
		rows := [][]string{v.Head()}
		for _, c := range t.Columns {
			rows = append(rows, append([]string{}, c...))
		}
		fmt.Fprintf(&b, "\n%s: %d rows: %s\n%s", t.Name, t.Rows, t.Meaning, columns(rows))
	}
	if v.Rejected > 0 {
		fmt.Fprintf(&b, "\nrows that could not be read: %d\n", v.Rejected)
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "note: %s\n", clean(n))
	}
	return b.String()
}
