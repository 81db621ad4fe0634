package runtimes_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
)

// TestDocs holds the generated part of docs/runtimes.md to the lists of
// runtimes, cases and deviations. Versions there are of the host that made it.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/runtimes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(b), contract.Begin)
	part, _, ends := strings.Cut(rest, contract.End)
	if !begins || !ends {
		t.Fatalf("docs/runtimes.md has no lines %q and %q", contract.Begin, contract.End)
	}
	var header []string
	cells := map[string]map[string]string{} // by case and runtime
	notes := map[string]string{}            // by "[1]"
	for line := range strings.Lines(part) {
		line = strings.TrimSpace(line)
		if n, note, ok := strings.Cut(strings.TrimPrefix(line, "- "), "] "); ok && strings.HasPrefix(n, "[") {
			_, notes[n+"]"], _ = strings.Cut(note, ": ")
		}
		row := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case row[0] == "case":
			header = row
		case header != nil && len(row) == len(header):
			cells[row[0]] = map[string]string{}
			for i, name := range header[1:] {
				cells[row[0]][name] = row[i+1]
			}
		}
	}
	const again = `run "assay runtimes check --all --markdown docs/runtimes.md"`
	for _, r := range runtimes.All {
		name := "`" + r.Name() + "`"
		live := slices.Contains(header, r.Name())
		if !live && !strings.Contains(part, "\n- "+name+": ") {
			t.Errorf("docs/runtimes.md says nothing of %s: %s", name, again)
		}
		if live && !strings.Contains(part, "\n| "+name+" | ") {
			t.Errorf("docs/runtimes.md does not say what %s is: %s", name, again)
		}
		for _, c := range contract.Cases {
			got, want := notes[cells[c.Name][r.Name()]], ""
			if d, ok := contract.DeviationOf(r.Name(), c.Name); ok && live {
				want = d.Why
			}
			if got != want || live && cells[c.Name][r.Name()] == "" {
				t.Errorf("docs/runtimes.md, %s, %s: deviation %q, want %q: %s", r.Name(), c.Name, got, want, again)
			}
		}
	}
	if strings.Contains(part, string(contract.Fails)) {
		t.Errorf("docs/runtimes.md has a %s", contract.Fails)
	}
}
