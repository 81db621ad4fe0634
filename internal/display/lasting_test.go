package display_test

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
)

// TestLasting shows a run and a figure in every way that they can come about:
// what lasts is the same, and it is not nothing.
func TestLasting(t *testing.T) {
	said := map[string]map[string]bool{"run": {}, "figure": {}}
	see := func(kind string, data map[string]string) {
		for _, mime := range []string{"text/plain", "text/html"} {
			text := data[mime]
			lasts := display.Lasting(text)
			if !strings.Contains(lasts, map[string]string{"run": "coldstart", "figure": "start"}[kind]) || len(lasts) == len(text) {
				t.Errorf("of %s %q, %q lasts", kind, text, lasts)
			}
			said[kind][mime+lasts] = true
		}
	}
	for _, archived := range []bool{false, true} {
		see("run", display.Run(record(), summary(), archived).Data)
	}
	fig := assay.Figure{Name: "start", Outputs: map[string]assay.Digest{"png": sum("png")}, Tables: []assay.FigureTable{{Run: "r", Columns: []string{"wall_ns"}}}}
	for _, badge := range []display.Badge{display.Sealed, display.Replayed, display.Stale} {
		see("figure", display.Figure(lab.Drawn{Figure: fig}, badge, nil)[1].Data)
	}
	for kind, all := range said {
		if len(all) != 2 {
			t.Errorf("%s: %d texts and pages last, want one of each", kind, len(all))
		}
	}
}
