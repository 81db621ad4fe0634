package lab

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// TestMalformedDrawings asks for figures that cannot be: each is refused by
// name, and once.
func TestMalformedDrawings(t *testing.T) {
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	good := assay.FigureSpec{Name: "f", Func: "F", Source: t.TempDir(), Columns: []string{"wall_ns"}}
	if err := checkDrawing(DrawingOf(good, "run")); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*assay.FigureSpec){
		"figure: name is missing: give one":         func(f *assay.FigureSpec) { f.Name = "" },
		`figure ../x: name "../x": want at most`:    func(f *assay.FigureSpec) { f.Name = "../x" },
		"figure f: func is missing: name":           func(f *assay.FigureSpec) { f.Func = "" },
		"figure f: columns is empty: name":          func(f *assay.FigureSpec) { f.Columns = nil },
		`figure f: format "gif": want svg`:          func(f *assay.FigureSpec) { f.Formats = []string{"gif"} },
		"figure f: source /nothere is not a folder": func(f *assay.FigureSpec) { f.Source = "/nothere" },
	} {
		f := good
		spoil(&f)
		if _, err := w.Draw(t.Context(), DrawingOf(f, "run")); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", f, err, want)
		}
		_, err := w.Resolve(t.Context(), assay.Spec{Name: "e", Figures: []assay.FigureSpec{f}})
		if err == nil || !strings.Contains(err.Error(), "; "+want) {
			t.Errorf("%+v in an experiment: error %v, want %q", f, err, want)
		}
	}
	d := DrawingOf(good, "run")
	d.Tables = nil
	if _, err := w.Draw(t.Context(), d); err == nil || !strings.HasPrefix(err.Error(), "figure f: samples are missing: give Draw some") {
		t.Errorf("without samples: error %v", err)
	}
}
