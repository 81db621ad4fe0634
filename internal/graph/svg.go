package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/assay-notebooks/assay"
)

// How a line of each style is set: its height in pixels, the width of a
// character at most in tenths of them, and its attributes. Fonts are the
// reader's: the widths are those of the widest that the names may mean.
var styles = [...]struct {
	height, tenths int
	attributes     string
}{
	kindLine:    {14, 65, `font-size="10" letter-spacing="0.5"`},
	nameLine:    {18, 89, `font-size="13" font-weight="bold" fill="#111"`},
	digestLine:  {15, 68, `font-size="11" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" fill="#444" xml:space="preserve"`},
	factLine:    {15, 70, `font-size="11" fill="#222" xml:space="preserve"`},
	problemLine: {15, 70, `font-size="11" fill="#b00020" font-weight="bold"`},
}

const padding = 10 // inside of a box

// WriteSVG writes g as a picture of its own, without links, scripts or fonts:
// evidence from left to right. Digests are cut; the whole ones are in the
// boxes' titles, which viewers show at the pointer.
func (g Graph) WriteSVG(out io.Writer, title string) error {
	if err := g.checkSize(); err != nil {
		return err
	}
	boxes := make([]box, len(g.Nodes))
	texts := make([][]line, len(g.Nodes))
	for i, n := range g.Nodes {
		texts[i] = lines(n, Short)
		for _, l := range texts[i] {
			s := styles[l.style]
			boxes[i].width = max(boxes[i].width, columns(l.text)*s.tenths/10)
			boxes[i].height += s.height
		}
		boxes[i].width += 2*padding + 4
		boxes[i].height += 2 * padding
	}
	title = Printable(title)
	const heading = 30
	width, height := g.layout(boxes, heading)
	width = max(width, columns(title)*10+2*margin)
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif">`+"\n", width, height)
	fmt.Fprintf(w, "<title>%s</title>\n", escapeXML(title))
	fmt.Fprint(w, `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#6b7580"/></marker></defs>`+"\n")
	fmt.Fprint(w, `<rect width="100%" height="100%" fill="#fff"/>`+"\n")
	fmt.Fprintf(w, `<text x="%d" y="36" font-size="15" font-weight="bold" fill="#111">%s</text>`+"\n", margin, escapeXML(title))
	at := g.index()
	fmt.Fprint(w, `<g fill="none" stroke="#6b7580" stroke-width="1.2">`+"\n")
	for _, e := range g.Edges {
		a, b := boxes[at[e.From]], boxes[at[e.To]]
		x1, x2 := a.x+a.width, b.x
		bend := max(layerGap/2, (x2-x1)/2)
		fmt.Fprintf(w, `<path d="M%d,%d C%d,%d %d,%d %d,%d" marker-end="url(#arrow)"/>`+"\n",
			x1, a.middle(), x1+bend, a.middle(), x2-bend, b.middle(), x2, b.middle())
	}
	fmt.Fprint(w, "</g>\n")
	for i, n := range g.Nodes {
		writeBox(w, n, boxes[i], texts[i])
	}
	fmt.Fprint(w, "</svg>\n")
	return w.Flush()
}

func writeBox(w io.Writer, n Node, b box, text []line) {
	full := lines(n, assay.Digest.String)
	var tip []string
	for _, l := range full {
		tip = append(tip, l.text)
	}
	fmt.Fprintf(w, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="#fff" stroke="%s"/>`,
		escapeXML(strings.Join(tip, "\n")), b.x, b.y, b.width, b.height, colour(n))
	fmt.Fprintf(w, `<rect x="%d" y="%d" width="4" height="%d" rx="2" fill="%s"/>`+"\n", b.x, b.y, b.height, colour(n))
	y := b.y + padding
	for _, l := range text {
		s := styles[l.style]
		y += s.height
		attributes := s.attributes
		if l.style == kindLine {
			attributes += fmt.Sprintf(` fill="%s"`, colour(n))
		}
		fmt.Fprintf(w, `<text x="%d" y="%d" %s>%s</text>`+"\n", b.x+padding+4, y-4, attributes, escapeXML(l.text))
	}
	fmt.Fprint(w, "</g>\n")
}

// escapeXML escapes what has a meaning in XML. Characters that XML cannot have
// are gone before: Printable has escaped them.
func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
