package figure

import (
	"image/color"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
)

// A point is a place on the page, in points (1/72 inch) right and down from
// the upper left corner.
type point struct{ x, y float64 }

// A pen is how a line looks.
type pen struct {
	color color.NRGBA
	width float64
	dash  []float64 // lengths of dashes and gaps; nil: solid
}

// A label is a line of text on the page.
type label struct {
	at     point // start of the baseline
	size   float64
	bold   bool
	upward bool // turned a quarter, read from below
	color  color.NRGBA
	text   string // of characters that the typeface has
}

// A surface is what a scene is painted on: one per output format.
type surface interface {
	line(p pen, pts []point)
	area(c color.NRGBA, pts []point)
	disc(c color.NRGBA, center point, radius float64)
	label(l label)
}

// A scene is a page as a list of what to paint, in order. All formats paint
// the same scene.
type scene struct {
	width, height float64
	paints        []func(surface)
	labels        []label        // also in paints; for tests of the layout
	said          map[*cell]bool // the whole reasons for having no samples that are written
}

func (s *scene) line(p pen, pts ...point) {
	if len(pts) > 1 {
		s.paints = append(s.paints, func(on surface) { on.line(p, pts) })
	}
}

func (s *scene) area(c color.NRGBA, pts ...point) {
	s.paints = append(s.paints, func(on surface) { on.area(c, pts) })
}

func (s *scene) disc(c color.NRGBA, center point, radius float64) {
	s.paints = append(s.paints, func(on surface) { on.disc(c, center, radius) })
}

// An align says which part of a text stands at its place.
type align float64

const (
	left   align = 0
	center align = 0.5
	right  align = 1
)

// write puts one line of text with its baseline at p.
func (s *scene) write(t typeface, p point, a align, text string) {
	if text == "" {
		return
	}
	p.x -= float64(float64(a) * t.measure(text))
	s.put(t.label(p, text))
}

// writeUpward puts a text that reads from below, centred at p.
func (s *scene) writeUpward(t typeface, p point, text string) {
	p.y += t.measure(text) / 2
	l := t.label(p, text)
	l.upward = true
	s.put(l)
}

func (s *scene) put(l label) {
	s.labels = append(s.labels, l)
	s.paints = append(s.paints, func(on surface) { on.label(l) })
}

// paint paints everything, in order.
func (s *scene) paint(on surface) {
	for _, p := range s.paints {
		p(on)
	}
}

// A typeface is a font in a size and colour.
type typeface struct {
	size  float64
	bold  bool
	color color.NRGBA
}

func (t typeface) label(p point, text string) label {
	return label{at: p, size: t.size, bold: t.bold, color: t.color, text: t.drawable(text)}
}

// lead is the distance of two baselines.
func (t typeface) lead() float64 { return 1.2 * t.size }

// measure returns the width of one line of text as it is drawn.
func (t typeface) measure(text string) float64 {
	f := face(t.size, t.bold)
	return f.Width(t.drawable(text)).Points()
}

// fit shortens text to a width, ending in "…" where it had to.
func (t typeface) fit(text string, width float64) string {
	if t.measure(text) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && t.measure(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// shorten returns text in at most so many lines, and whether that is all of it.
// It ends after a clause, before ": ", "; " or ". ", where one fits.
func (t typeface) shorten(text string, width float64, most int) (lines []string, whole bool) {
	if lines = t.wrap(text, width); len(lines) <= most {
		return lines, true
	}
	end := min(len(text), len(strings.Join(lines[:most], " "))+1) // no more fits, however long the text
	for {
		end = max(strings.LastIndex(text[:end], ": "), strings.LastIndex(text[:end], "; "), strings.LastIndex(text[:end], ". "))
		if end <= 0 {
			break
		}
		if clause := t.wrap(text[:end]+" …", width); len(clause) <= most {
			return clause, false
		}
	}
	lines = lines[:most]
	lines[most-1] = t.fit(lines[most-1]+" …", width)
	return lines, false
}

// endsLine reports whether a line may end after r.
func (t typeface) endsLine(r rune) bool { return strings.ContainsRune(" /-", r) || !t.has(r) }

// words returns the parts of text that wrap keeps whole, where it can.
func (t typeface) words(text string) []string {
	var words []string
	start := 0
	for i, r := range text {
		if end := i + len(string(r)); t.endsLine(r) || end == len(text) {
			words = append(words, strings.TrimSpace(text[start:end]))
			start = end
		}
	}
	return words
}

// wrap breaks text into lines of at most a width, after a space, '/', '-' or a
// character that is drawn as its code, where there is one.
func (t typeface) wrap(text string, width float64) []string {
	var lines []string
	for text != "" {
		end, fits := 0, 0
		for i, r := range text {
			next := i + len(string(r))
			if t.measure(strings.TrimRight(text[:next], " ")) > width && i > 0 {
				break
			}
			fits = next
			if t.endsLine(r) || next == len(text) {
				end = next
			}
		}
		if end == 0 {
			end = fits
		}
		lines = append(lines, strings.TrimSpace(text[:end]))
		text = strings.TrimLeft(text[end:], " ")
	}
	return lines
}

// The fonts, parsed once: Liberation Sans has the metrics of Arial and
// Helvetica, so an SVG reads the same where only those are installed.
var (
	regular = sync.OnceValue(func() *opentype.Font { return mustParse(liberationsansregular.TTF) })
	bold    = sync.OnceValue(func() *opentype.Font { return mustParse(liberationsansbold.TTF) })
)

// mustParse parses a font that is part of this program.
func mustParse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic("figure: font: " + err.Error())
	}
	return f
}

// font returns the font of the typeface.
func (t typeface) font() *opentype.Font {
	if t.bold {
		return bold()
	}
	return regular()
}

func face(size float64, isBold bool) font.Face {
	f := font.Face{
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Points(size)},
		Face: typeface{bold: isBold}.font(),
	}
	if isBold {
		f.Font.Weight = xfont.WeightBold
	}
	return f
}
