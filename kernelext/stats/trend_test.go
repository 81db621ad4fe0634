package stats

import (
	"encoding/json"
	"os"
	"testing"
)

func TestTrendAgainstReference(t *testing.T) {
	b, err := os.ReadFile("testdata/trend.json")
	if err != nil {
		t.Fatal(err)
	}
	var series map[string]struct {
		X        []float64
		S        int
		P        float64
		At       int
		PettittP float64 `json:"pettitt_p"`
	}
	if err := json.Unmarshal(b, &series); err != nil {
		t.Fatal(err)
	}
	for name, want := range series {
		if s, p := MannKendall(want.X); s != want.S || !near(p, want.P, 1e-9) {
			t.Errorf("%s: MannKendall = %d, %v; want %d, %v", name, s, p, want.S, want.P)
		}
		if at, p := Pettitt(want.X); at != want.At || !near(p, want.PettittP, 1e-9) {
			t.Errorf("%s: Pettitt = %d, %v; want %d, %v", name, at, p, want.At, want.PettittP)
		}
	}
}

func TestTrendOfTooLittle(t *testing.T) {
	for _, x := range [][]float64{nil, {1}, {2, 2}, {3, 3, 3, 3}} {
		if s, p := MannKendall(x); s != 0 || p != 1 {
			t.Errorf("MannKendall(%v) = %d, %v; want 0, 1", x, s, p)
		}
		if at, p := Pettitt(x); at != 0 || p != 1 {
			t.Errorf("Pettitt(%v) = %d, %v; want 0, 1", x, at, p)
		}
	}
}
