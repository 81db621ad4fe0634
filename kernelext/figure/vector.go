package figure

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const dotsPerInch = 300 // of a PNG

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

// png returns the scene as PNG that says how large it is on paper.
func (s *scene) png() ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(vg.Points(s.width), vg.Points(s.height)), vgimg.UseDPI(dotsPerInch))
	s.paint(vector{c, s.height})
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, err
	}
	return withResolution(b.Bytes()), nil
}

// withResolution inserts a pHYs chunk after the header of a PNG.
func withResolution(png []byte) []byte {
	const header = 8 + 4 + 4 + 13 + 4 // signature; length, type, data and CRC of IHDR
	perMetre := uint32(math.Round(dotsPerInch / 0.0254))
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	out := append([]byte{}, png[:header]...)
	return append(append(out, chunk...), png[header:]...)
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
