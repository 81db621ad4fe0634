package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/assay-notebooks/assay"
)

// WriteDOT writes g in Graphviz's language, evidence from left to right.
// Digests are whole if long.
func (g Graph) WriteDOT(out io.Writer, title string, long bool) error {
	if err := g.checkSize(); err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "digraph provenance {\n  label=%s; labelloc=t; rankdir=LR;\n", quoteDOT(Printable(title)))
	fmt.Fprintf(w, "  node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\", fontsize=10];\n")
	at := g.index()
	for i, n := range g.Nodes {
		var label strings.Builder
		for _, line := range lines(n, func(d assay.Digest) string {
			if long {
				return d.String()
			}
			return Short(d)
		}) {
			label.WriteString(line.text)
			label.WriteByte('\n')
		}
		fmt.Fprintf(w, "  n%d [label=%s, color=%q];\n", i, quoteDOT(label.String()), colour(n))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(w, "  n%d -> n%d;\n", at[e.From], at[e.To])
	}
	fmt.Fprintln(w, "}")
	return w.Flush()
}

// quoteDOT returns a string that means s, its lines set flush left.
func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\l`).Replace(s) + `"`
}
