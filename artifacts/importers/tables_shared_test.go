package importers

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// Constants from Python's csv and math.fsum.
func TestPublishedWasmbounds(t *testing.T) {
	out, err := read(t, wasmbounds, Input{Files: os.DirFS(tooltest.Shared(t, "data/wasmbounds-2022"))})
	if err != nil {
		t.Fatal(err)
	}
	tr := named(t, out, "samples")
	time := col(t, tr, "time")
	nulls := map[int64]int{}
	for row := range tr.rows {
		if time.IsNull(row) {
			nulls[col(t, tr, "iteration").Ints[row]]++
		}
	}
	if got := sum(time); got != 5821697732 || tr.rows-len(nulls)*240 != 33484 || len(nulls) != 1 || nulls[0] != 240 {
		t.Errorf("%d samples, %v null by iteration, sum %.0f; want 33484 and 240 null ones of iteration 0, sum 5821697732", tr.rows, nulls, got)
	}
	modes := map[string]int{}
	for row := range tr.rows {
		modes[col(t, tr, "runner").Strings[row]+" "+col(t, tr, "mode").Strings[row]]++
	}
	if len(modes) != 4 || modes["native.clang aot"] == 0 || modes["nodejs.wasm jit"] == 0 || modes["wasm3.wasm interpreter"] == 0 {
		t.Errorf("runners and modes are %v", modes)
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, "iteration 0 is empty in 240 of 240 rows") {
		t.Errorf("the notes are %s", notes)
	}
}

func TestPublishedTable(t *testing.T) {
	says, err := os.ReadFile("../../notebooks/published/long-2020.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := read(t, table, Input{Files: os.DirFS(tooltest.Shared(t, "data/long-2020")), Mapping: says})
	if err != nil {
		t.Fatal(err)
	}
	tr := named(t, out, "measurements")
	failed, noScope, spreads := 0, 0, 0
	for row := range tr.rows {
		if col(t, tr, "outcome").Strings[row] == "failed" {
			failed++
			if !col(t, tr, "mean").IsNull(row) {
				t.Errorf("row %d failed and has the mean %g", row, col(t, tr, "mean").Floats[row])
			}
		}
		if col(t, tr, "scope").IsNull(row) {
			noScope++
		}
		if !col(t, tr, "sd").IsNull(row) {
			spreads++
		}
	}
	if mean := sum(col(t, tr, "mean")); tr.rows != 534 || failed != 42 || noScope != 136 || spreads != 154 || math.Abs(mean-3940.888) > 1e-6 {
		t.Errorf("%d rows, %d failed, %d without a scope, %d with a spread, means add up to %.6f; want 534, 42, 136, 154, 3940.888", tr.rows, failed, noScope, spreads, mean)
	}
}
