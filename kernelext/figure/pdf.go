package figure

import (
	"bytes"
	"image/color"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
)

// pdf returns the scene as PDF, its text searchable in embedded subsets of the
// fonts. It is not gonum's vgpdf, which writes the time into the file and needs
// a directory for temporary files, which a sealed module does not have.
func (s *scene) pdf() ([]byte, error) {
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: s.width, Ht: s.height}})
	never := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	doc.SetCreationDate(never)
	doc.SetModificationDate(never)
	doc.SetCatalogSort(true)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.AddUTF8FontFromBytes(family, "", liberationsansregular.TTF)
	doc.AddUTF8FontFromBytes(family, "B", liberationsansbold.TTF)
	doc.AddPage()
	s.paint(page{doc})
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

const family = "LiberationSans"

// A page paints on a page of PDF.
type page struct {
	on *fpdf.Fpdf
}

func (p page) path(pts []point) {
	p.on.MoveTo(pts[0].x, pts[0].y)
	for _, pt := range pts[1:] {
		p.on.LineTo(pt.x, pt.y)
	}
}

func (p page) line(with pen, pts []point) {
	p.on.SetDrawColor(int(with.color.R), int(with.color.G), int(with.color.B))
	p.on.SetLineWidth(with.width)
	p.on.SetDashPattern(with.dash, 0)
	p.path(pts)
	p.on.DrawPath("D")
}

func (p page) fillColor(c color.NRGBA) {
	p.on.SetFillColor(int(c.R), int(c.G), int(c.B))
	p.on.SetAlpha(float64(c.A)/255, "Normal")
}

func (p page) area(c color.NRGBA, pts []point) {
	p.fillColor(c)
	p.path(pts)
	p.on.ClosePath()
	p.on.DrawPath("F")
	p.on.SetAlpha(1, "Normal")
}

func (p page) disc(c color.NRGBA, at point, radius float64) {
	p.fillColor(c)
	p.on.Circle(at.x, at.y, radius, "F")
	p.on.SetAlpha(1, "Normal")
}

func (p page) label(l label) {
	style := ""
	if l.bold {
		style = "B"
	}
	p.on.SetFont(family, style, l.size)
	p.on.SetTextColor(int(l.color.R), int(l.color.G), int(l.color.B))
	if !l.upward {
		p.on.Text(l.at.x, l.at.y, l.text)
		return
	}
	p.on.TransformBegin()
	p.on.TransformRotate(90, l.at.x, l.at.y)
	p.on.Text(l.at.x, l.at.y, l.text)
	p.on.TransformEnd()
}
