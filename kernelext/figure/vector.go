package figure

import (
	"bytes"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svg returns the scene as SVG.
func (s *scene) svg() ([]byte, error) {
	c := vgsvg.New(vg.Points(s.width), vg.Points(s.height))
	s.paint(vector{c, s.height})
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	// vgsvg names the one font it measured with; name those of the same widths.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}

// A vector paints on a canvas of gonum/plot, whose y axis points up.
type vector struct {
	on     vg.Canvas
	height float64
}

func (v vector) point(p point) vg.Point {
	return vg.Point{X: vg.Points(p.x), Y: vg.Points(v.height - p.y)}
}

func (v vector) path(pts []point) vg.Path {
	path := make(vg.Path, 0, len(pts)+1)
	path.Move(v.point(pts[0]))
	for _, p := range pts[1:] {
		path.Line(v.point(p))
	}
	return path
}

func (v vector) line(p pen, pts []point) {
	v.on.SetColor(p.color)
	v.on.SetLineWidth(vg.Points(p.width))
	dash := make([]vg.Length, len(p.dash))
	for i, d := range p.dash {
		dash[i] = vg.Points(d)
	}
	v.on.SetLineDash(dash, 0)
	v.on.Stroke(v.path(pts))
}

func (v vector) area(c color.NRGBA, pts []point) {
	v.on.SetColor(c)
	path := v.path(pts)
	path.Close()
	v.on.Fill(path)
}

func (v vector) disc(c color.NRGBA, at point, radius float64) {
	v.on.SetColor(c)
	var path vg.Path
	path.Move(v.point(point{at.x + radius, at.y}))
	path.Arc(v.point(at), vg.Points(radius), 0, 2*math.Pi)
	path.Close()
	v.on.Fill(path)
}

func (v vector) label(l label) {
	v.on.SetColor(l.color)
	f := face(l.size, l.bold)
	if !l.upward {
		v.on.FillString(f, v.point(l.at), l.text)
		return
	}
	v.on.Push()
	v.on.Translate(v.point(l.at))
	v.on.Rotate(math.Pi / 2)
	v.on.FillString(f, vg.Point{}, l.text)
	v.on.Pop()
}
