package importers

import (
	"fmt"
	"strings"
	"testing"
)

// Columns that few rows have do not grow with rows that lack them beyond all
// bounds.
func TestSparse(t *testing.T) {
	out := &Output{}
	tr, other := out.trace("t", ""), out.trace("u", "")
	tr.rows = maxValues / 4
	for range 3 {
		tr.int(known("c", "", "", ""))
	}
	other.rows = tr.rows
	other.int(known("c", "", "", ""))
	if why := tr.full(0); why != "" {
		t.Errorf("%d rows of %d columns: %s", tr.rows, len(tr.Columns), why)
	}
	if why := tr.full(1); !strings.Contains(why, "import a part") {
		t.Errorf("one row more: %q, want a remedy", why)
	}
}

// Decimal numbers are numbers, and nothing else is.
func TestNumber(t *testing.T) {
	for in, want := range map[string]float64{
		"0": 0, "12": 12, "-1.5e3": -1500, "+.5": 0.5, "5.": 5, "1E-2": 0.01, "007": 7, "1e-999": 0,
	} {
		if got, err := number(in); err != nil || got != want {
			t.Errorf("number(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "-", ".", "e", "1e", "1 ", "1,5", "1_000", "0x10", "0X1p-2", "0x1_0p0", "1e999", "-1e999",
		"Inf", "+inf", "-Infinity", "infinity", "NaN", "nan", "1i", "1f",
	} {
		if got, err := number(in); err == nil || err.Error() != fmt.Sprintf("%q is not a number", in) {
			t.Errorf("number(%q) = %v, %v, want that it is none", in, got, err)
		}
	}
}
