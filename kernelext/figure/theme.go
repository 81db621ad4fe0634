package figure

import "image/color"

// Sizes of text. Nothing in a figure is smaller than 7 points.
var (
	ink       = color.NRGBA{A: 255}
	white     = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	grey      = color.NRGBA{R: 90, G: 90, B: 90, A: 255}
	pale      = color.NRGBA{R: 222, G: 222, B: 222, A: 255}
	titleText = typeface{size: 9, bold: true, color: ink}
	panelText = typeface{size: 7.5, bold: true, color: ink}
	axisText  = typeface{size: 7.5, color: ink}
	plainText = typeface{size: 7, color: ink}
	noteText  = typeface{size: 7, color: grey}
)

// Pens.
var (
	framePen = pen{color: ink, width: 0.6}
	gridPen  = pen{color: pale, width: 0.4}
	thinPen  = pen{color: ink, width: 0.8}

	referencePen = pen{color: grey, width: 0.8, dash: []float64{3, 2}}
)

// A look tells a category from the others in colour and, for print in grey
// and for eyes that see colours differently, in shape too.
type look struct {
	color  color.NRGBA
	dash   []float64
	marker marker
	hatch  hatch
}

// palette is that of Okabe and Ito, "Color universal design", 2008, without
// its yellow, which is too light for a line, in an order that alternates light
// and dark; black comes last.
var palette = []color.NRGBA{
	{R: 0, G: 114, B: 178, A: 255},   // blue
	{R: 230, G: 159, B: 0, A: 255},   // orange
	{R: 0, G: 158, B: 115, A: 255},   // bluish green
	{R: 213, G: 94, B: 0, A: 255},    // vermilion
	{R: 86, G: 180, B: 233, A: 255},  // sky blue
	{R: 204, G: 121, B: 167, A: 255}, // reddish purple
	{A: 255},
}

var dashes = [][]float64{
	nil,
	{5, 2},
	{1.2, 1.6},
	{6, 1.8, 1.2, 1.8},
	{9, 2.5},
	{6, 1.6, 1.2, 1.6, 1.2, 1.6},
	{2.5, 1.5},
	{3.5, 3.5},
}

// lookOf returns the look of the i-th category. Colour, dash, marker and hatch
// have cycles of 7, 8, 9 and 8, so that no two of the first 56 are alike.
func lookOf(i int) look {
	return look{
		color:  palette[i%len(palette)],
		dash:   dashes[i%len(dashes)],
		marker: marker(i % int(markers)),
		hatch:  hatch(i % int(hatches)),
	}
}

// tint mixes a colour with white; 0 leaves it.
func tint(c color.NRGBA, white float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(float64(v)*(1-white) + 255*white + 0.5) }
	return color.NRGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 255}
}

// A marker is the shape of a point.
type marker int

const (
	disc marker = iota
	square
	triangle
	diamond
	openDiamond
	ring
	plus
	openSquare
	openTriangle
	markers // of data, as many

	cross // of what is not there, and of no data
)

// draw draws the marker; r is the radius of a disc of like area.
func (m marker) draw(s *scene, c color.NRGBA, p point, r float64) {
	at := func(dx, dy float64) point { return point{p.x + float64(dx*r), p.y + float64(dy*r)} }
	outline := pen{color: c, width: 1}
	box := []point{at(-.9, -.9), at(.9, -.9), at(.9, .9), at(-.9, .9), at(-.9, -.9)}
	delta := []point{at(0, -1.25), at(1.1, .8), at(-1.1, .8), at(0, -1.25)}
	switch m {
	case disc:
		s.disc(c, p, r)
	case ring:
		s.disc(c, p, r)
		s.disc(white, p, r-0.8)
	case square:
		s.area(c, box...)
	case triangle:
		s.area(c, delta...)
	case diamond:
		s.area(c, at(0, -1.35), at(1.35, 0), at(0, 1.35), at(-1.35, 0))
	case openDiamond:
		s.line(outline, at(0, -1.35), at(1.35, 0), at(0, 1.35), at(-1.35, 0), at(0, -1.35), at(1.35, 0))
	case cross:
		s.line(outline, at(-.9, -.9), at(.9, .9))
		s.line(outline, at(-.9, .9), at(.9, -.9))
	case plus:
		s.line(outline, at(-1.15, 0), at(1.15, 0))
		s.line(outline, at(0, -1.15), at(0, 1.15))
	case openSquare:
		s.line(outline, append(box, box[1])...)
	case openTriangle:
		s.line(outline, append(delta, delta[1])...)
	}
}

// A hatch is the pattern of a bar.
type hatch int

const (
	solid hatch = iota
	rising
	falling
	crossed
	upright
	flat
	grid
	sparse
	hatches
)

// fill fills the box between two corners with a tint, the pattern and an outline.
func (h hatch) fill(s *scene, c color.NRGBA, a, b point) {
	if b.x-a.x < 0.3 || b.y-a.y < 0.3 {
		s.line(pen{color: c, width: 1}, a, point{a.x, b.y})
		return
	}
	box := []point{a, {b.x, a.y}, b, {a.x, b.y}}
	if h == solid {
		s.area(tint(c, 0.15), box...)
	} else {
		s.area(tint(c, 0.7), box...)
	}
	lines := pen{color: c, width: 0.7}
	slanted := func(step, slope float64) { // lines y = slope*(x-k), clipped to the box
		w, d := b.x-a.x, b.y-a.y
		for k := step / 2; k < w+d; k += step {
			x0, y0, x1, y1 := k, 0.0, k-d, d // falls to the left
			if x0 > w {
				x0, y0 = w, k-w
			}
			if x1 < 0 {
				x1, y1 = 0, k
			}
			if slope > 0 {
				x0, x1 = w-x0, w-x1
			}
			s.line(lines, point{a.x + x0, a.y + y0}, point{a.x + x1, a.y + y1})
		}
	}
	vertical := func() {
		for x := a.x + 1.5; x < b.x; x += 3 {
			s.line(lines, point{x, a.y}, point{x, b.y})
		}
	}
	horizontal := func() {
		for y := a.y + 1.5; y < b.y; y += 3 {
			s.line(lines, point{a.x, y}, point{b.x, y})
		}
	}
	switch h {
	case rising:
		slanted(4, -1)
	case falling:
		slanted(4, 1)
	case crossed:
		slanted(5, -1)
		slanted(5, 1)
	case upright:
		vertical()
	case flat:
		horizontal()
	case grid:
		vertical()
		horizontal()
	case sparse:
		slanted(9, -1)
	}
	s.line(pen{color: c, width: 0.7}, append(box, a, box[1])...)
}
