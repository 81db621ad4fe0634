package importers

import (
	"strings"
	"testing"
)

// Columns that few rows have do not grow with rows that lack them beyond all
// bounds.
func TestSparse(t *testing.T) {
	tr := &Trace{Name: "t", rows: maxValues / 4}
	for range 4 {
		tr.int(known("c", "", "", ""))
	}
	if why := tr.full(0); why != "" {
		t.Errorf("%d rows of %d columns: %s", tr.rows, len(tr.Columns), why)
	}
	if why := tr.full(1); !strings.Contains(why, "import a part") {
		t.Errorf("one row more: %q, want a remedy", why)
	}
}
