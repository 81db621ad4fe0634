package display

import (
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestSpell(t *testing.T) {
	for _, c := range []struct {
		value, low, high float64
		want             string
	}{
		{381.94, 378.6, 387.94, "381.9 [378.6, 387.9]"},
		{1.1957, 1.1373, 1.3412, "1.20 [1.14, 1.34]"},
		{1901.2, 1866.3, 1914, "1901 [1866, 1914]"},
		{0.000123456, 0.000120001, 0.000130001, "0.000123 [0.000120, 0.000130]"},
		{100.00012, 100.00011, 100.00013, "100.00 [100.00, 100.00]"},
		{5, 5, 5, "5.00 [5.00, 5.00]"},
		{0, 0, 0, "0 [0, 0]"},
		{12.345, 3.1, 80.7, "12.3 [3.1, 80.7]"},
		{999.9, 999.4, 1000.4, "999.9 [999.4, 1000.4]"},
	} {
		if got := spell(&assay.Estimate{Value: c.value, Low: &c.low, High: &c.high}).String(); got != c.want {
			t.Errorf("spell(%v [%v, %v]) = %s, want %s", c.value, c.low, c.high, got, c.want)
		}
	}
	if got, want := spell(&assay.Estimate{Value: 2.5}).String(), "2.50 [n too small for an interval]"; got != want {
		t.Errorf("spell(2.5, no interval) = %s, want %s", got, want)
	}
	if got := spell(nil).String(); got != "–" {
		t.Errorf("spell(nil) = %s, want –", got)
	}
}

func TestStrip(t *testing.T) {
	at := func(v, low, high float64) *assay.Estimate { return &assay.Estimate{Value: v, Low: &low, High: &high} }
	linear, _ := axisOf([]*assay.Estimate{at(4, 2, 5)}, 8)
	if got, want := linear.strip(at(4, 2, 5), 8), "━━━━━╋━━━───────┼"; got != want || linear.log {
		t.Errorf("2 to 8, linear: %s, want %s", got, want)
	}
	log, _ := axisOf([]*assay.Estimate{at(1, 1, 1), at(100, 100, 100)})
	if got, want := log.strip(at(10, 10, 10)), "────────╋────────"; got != want || !log.log {
		t.Errorf("1 to 100, logarithmic: %s, want %s", got, want)
	}
	for _, es := range [][]*assay.Estimate{nil, {nil}, {at(3, 3, 3)}} {
		if _, ok := axisOf(es); ok {
			t.Errorf("axisOf(%v): want nothing to place", es)
		}
	}
	if got, want := linear.strip(nil), "─────────────────"; got != want {
		t.Errorf("no estimate: %s, want %s", got, want)
	}
}
