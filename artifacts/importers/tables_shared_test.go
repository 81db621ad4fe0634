package importers

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

func TestPublishedWasmbounds(t *testing.T) {
	dir := tooltest.Shared(t, "data/wasmbounds-2022")
	out, err := read(t, wasmbounds, Input{Files: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	want := count(t, "wasmbounds", dir)
	agree(t, out, want)
	tr := named(t, out, "samples")
	time := col(t, tr, "time")
	nulls := 0
	modes := map[string]int{}
	for row := range tr.rows {
		if time.IsNull(row) {
			nulls++
			if k := col(t, tr, "iteration").Ints[row]; k != 0 {
				t.Errorf("iteration %d is null, want the first alone", k)
			}
		}
		modes[col(t, tr, "runner").Strings[row]+" "+col(t, tr, "mode").Strings[row]]++
	}
	if nulls == 0 || nulls != want.Columns["samples.time"].Nulls {
		t.Errorf("%d samples are null, want %d", nulls, want.Columns["samples.time"].Nulls)
	}
	if modes["native.clang aot"] == 0 || modes["nodejs.wasm jit"] == 0 || modes["wasm3.wasm interpreter"] == 0 {
		t.Errorf("runners and modes are %v", modes)
	}
	if notes := strings.Join(out.Notes, "\n"); !strings.Contains(notes, fmt.Sprintf("iteration 0 is empty in %d of %[1]d rows", nulls)) {
		t.Errorf("the notes are %s", notes)
	}
}

func TestPublishedTable(t *testing.T) {
	says, err := os.ReadFile("../../notebooks/published/long-2020.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := tooltest.Shared(t, "data/long-2020")
	out, err := read(t, table, Input{Files: os.DirFS(dir), Mapping: says})
	if err != nil {
		t.Fatal(err)
	}
	want := count(t, "table", dir)
	agree(t, out, want)
	tr := named(t, out, "measurements")
	for name, want := range want.Columns {
		_, column, _ := strings.Cut(name, ".")
		nulls := 0
		for row := range tr.rows {
			if col(t, tr, column).IsNull(row) {
				nulls++
			}
		}
		if nulls != want.Nulls {
			t.Errorf("%s is null in %d rows, want %d", name, nulls, want.Nulls)
		}
	}
	failed := 0
	for row := range tr.rows {
		if col(t, tr, "outcome").Strings[row] == "failed" {
			failed++
			if !col(t, tr, "mean").IsNull(row) {
				t.Errorf("row %d failed and has the mean %g", row, col(t, tr, "mean").Floats[row])
			}
		}
	}
	if failed == 0 {
		t.Error("no row failed, though the tables say so of some")
	}
}
