package runtimes_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
)

const docs = "../../docs/runtimes.md"

// TestDocs holds the generated parts of docs/runtimes.md to the lists of
// runtimes, cases and deviations. Versions there are of the host that made it.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	for p, c := range map[contract.Part]struct {
		of    []runners.Runtime
		again string
	}{
		contract.Everything: {runtimes.All, `run "assay runtimes check --all --markdown docs/runtimes.md"`},
		contract.Slow:       {slow, `run "make test-slow"`},
	} {
		_, part, _, ok := p.Cut(string(b))
		if !ok {
			t.Errorf("docs/runtimes.md has no part %q", p)
			continue
		}
		testPart(t, part, c.of, c.again)
	}
}

func testPart(t *testing.T, part string, of []runners.Runtime, again string) {
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
	for _, r := range of {
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
