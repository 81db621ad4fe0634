package display

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Badge says how a figure's bytes came about.
type Badge string

// The badges.
const (
	Sealed   Badge = "sealed"   // drawn by its sealed code for the first time
	Replayed Badge = "replayed" // drawn again: the same bytes as in the archive
	Stale    Badge = "stale"    // of a run that is no longer the one assay.lock has for its experiment
)

// symbol tells badges apart where colour does not.
func (b Badge) symbol() string {
	switch b {
	case Sealed:
		return "◆"
	case Replayed:
		return "✓"
	default:
		return "▲"
	}
}

func (b Badge) meaning() string {
	switch b {
	case Sealed:
		return "drawn by its sealed code, code and samples archived"
	case Replayed:
		return "drawn again by its sealed code: the same bytes as in the archive"
	default:
		return "there are newer samples than these: run the experiment's cell, then this one"
	}
}

// Figure shows a figure as two displays, the picture and its caption: badge,
// digests and, folded, where it comes from. outputs are its bytes by format.
func Figure(d lab.Drawn, badge Badge, outputs map[string][]byte) []wire.Display {
	fig := d.Figure
	v := figureView{Name: clean(fig.Name), Badge: string(badge), Symbol: badge.symbol(), Meaning: badge.meaning()}
	facts := map[string]any{"name": fig.Name, "module": digest(fig.Module), "manifest": digest(d.Manifest)}
	if badge == Stale {
		facts["stale"] = true
	}
	sums, tables := map[string]any{}, []any{}
	for _, format := range slices.Sorted(maps.Keys(fig.Outputs)) {
		sum := fig.Outputs[format]
		sums[format] = sum.String()
		v.Outputs = append(v.Outputs, fact{format, short(sum)})
		v.Card = append(v.Card, fact{"output " + format, sum.String()})
	}
	v.Card = append(v.Card, fact{"module", digest(fig.Module)}, fact{"seal", digest(fig.Seal)})
	from := map[string]bool{}
	for i, t := range fig.Tables {
		tables = append(tables, t.Digest.String())
		of := kindOf(t) + " " + t.From()
		if !from[of] {
			from[of] = true
			v.From = append(v.From, clean(of))
		}
		v.Card = append(v.Card,
			fact{fmt.Sprintf("table %d", i+1), joined(t.Digest.String(), strings.Join(t.Columns, " "))},
			fact{"of", joined(of, "trace "+t.Trace.String())})
	}
	v.Card = append(v.Card, fact{"OCI artifact", digest(d.Manifest)}, fact{"again", "assay replay " + fig.Name})
	facts["outputs"], facts["tables"] = sums, tables
	return []wire.Display{
		picture(fig.Name, fig.Width, outputs, facts),
		bundle(KindFigure, v, v.text(), facts),
	}
}

type figureView struct {
	Name, Badge, Symbol, Meaning string
	Outputs                      []fact   // by format
	From                         []string // runs, and traces of imports
	Card                         []fact
}

func (v figureView) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s: %s\n", v.Name, v.Symbol, v.Badge, v.Meaning)
	for _, o := range v.Outputs {
		fmt.Fprintf(&b, "  %s %s\n", o.Name, o.Value)
	}
	fmt.Fprintf(&b, "  of %s; again: assay replay %s\n", strings.Join(v.From, ", "), v.Name)
	return b.String()
}

// picture shows the outputs of a figure that is that wide on paper: PNG as an
// image, which every page keeps; else SVG or text.
func picture(name string, mm float64, outputs map[string][]byte, facts map[string]any) wire.Display {
	d := bundle(KindFigure, nil, "figure "+clean(name), facts)
	delete(d.Data, "text/html")
	// 96 CSS pixels an inch: as wide as on paper.
	if mm <= 0 {
		mm = 178
	}
	width := math.Round(mm / 25.4 * 96)
	switch b, text := outputs["png"], outputs["txt"]; {
	case b != nil:
		d.Data["image/png"] = base64.StdEncoding.EncodeToString(b)
		size := map[string]any{"width": width}
		if c, err := png.DecodeConfig(bytes.NewReader(b)); err == nil && c.Width > 0 {
			size["height"] = math.Round(width * float64(c.Height) / float64(c.Width))
		}
		d.Metadata["image/png"] = size
	case outputs["svg"] != nil:
		// The sealed module's SVG is shown as an image, in which no script runs.
		d.Data["text/html"] = render("svg", svgView{clean(name), width, template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(outputs["svg"]))})
	case text != nil:
		d.Data["text/plain"] = string(text)
	}
	return d
}

type svgView struct {
	Name  string
	Width float64
	URL   template.URL
}

func kindOf(t assay.FigureTable) string {
	if t.Import != "" {
		return "import"
	}
	return "run"
}
