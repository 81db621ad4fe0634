package graph

import (
	"strings"

	"github.com/assay-notebooks/assay"
)

// A line of a node's box.
type line struct {
	text  string
	style style
}

type style int

const (
	kindLine style = iota
	nameLine
	digestLine
	factLine
	problemLine
)

const (
	maxLine  = 44 // characters of a line in a box
	maxWrap  = 4  // lines of a fact
	maxParts = 24 // lines of parts
)

// lines returns what stands in a node's box.
func lines(n Node, digest func(assay.Digest) string) []line {
	out := []line{{Printable(string(n.Kind)), kindLine}}
	if n.Name != "" {
		out = append(out, line{clip(Printable(n.Name)), nameLine})
	}
	if !n.Digest.IsZero() {
		out = append(out, line{digest(n.Digest), digestLine})
	}
	for _, f := range n.Facts {
		for _, text := range wrap(Printable(f.Label) + " " + Printable(f.Value)) {
			out = append(out, line{text, factLine})
		}
	}
	width := 0
	for _, p := range n.Parts {
		width = max(width, columns(clip(Printable(p.Name))))
	}
	for i, p := range n.Parts {
		if i == maxParts {
			out = append(out, line{"and more", factLine})
			break
		}
		name := clip(Printable(p.Name))
		out = append(out, line{name + strings.Repeat(" ", width-columns(name)+1) + digest(p.Digest), digestLine})
	}
	if n.Problem != "" {
		out = append(out, line{clip(Printable(n.Problem)), problemLine})
	}
	return out
}

// wrap breaks a fact into lines at its blanks.
func wrap(s string) []string {
	out := []string{""}
	for word := range strings.FieldsSeq(s) {
		last := &out[len(out)-1]
		switch {
		case *last == "":
			*last = clip(word)
		case columns(*last)+1+columns(word) <= maxLine:
			*last += " " + word
		case len(out) == maxWrap:
			*last = clip(*last + " …")
			return out
		default:
			out = append(out, "  "+clip(word))
		}
	}
	return out
}

// clip cuts what is too wide for a box.
func clip(s string) string {
	if columns(s) <= maxLine {
		return s
	}
	width := 0
	for i, r := range s {
		if width += columnsOf(r); width >= maxLine {
			return s[:i] + "…"
		}
	}
	return s
}

// columns returns how wide s is, in characters of a terminal.
func columns(s string) int {
	width := 0
	for _, r := range s {
		width += columnsOf(r)
	}
	return width
}

func columnsOf(r rune) int {
	if r >= 0x1100 {
		return 2 // at most; most scripts from here on are wide
	}
	return 1
}

// colour returns what a node is drawn in.
func colour(n Node) string {
	if n.Problem != "" {
		return "#b00020"
	}
	if c, ok := colours[n.Kind]; ok {
		return c
	}
	return "#555555"
}

// colours tell kinds apart, also for people who see fewer of them.
var colours = map[Kind]string{
	Workload: "#0072b2", Experiment: "#b0558f", Run: "#00795a", Import: "#5b4b8a", Trace: "#2e86b5", Table: "#a86f00", Figure: "#c44e00",
	Noise: "#6b6b6b", Claim: "#8f4a1d",
}
