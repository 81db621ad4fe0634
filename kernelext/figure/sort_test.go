package figure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, value := range map[string]func() float64{
		"times":     func() float64 { return math.Exp(3 * r.NormFloat64()) },
		"signs":     func() float64 { return r.NormFloat64() },
		"few":       func() float64 { return float64(r.IntN(3)) },
		"one":       func() float64 { return 7 },
		"bits":      func() float64 { return math.Float64frombits(r.Uint64() &^ (1 << 62)) },
		"infinite":  func() float64 { return math.Inf(r.IntN(2)*2 - 1) },
		"tiny zero": func() float64 { return 5e-324 * float64(r.IntN(3)-1) },
	} {
		for _, n := range []int{0, 1, 2, 100, fewValues - 1, fewValues, 30_000} {
			got := make([]float64, n)
			for i := range got {
				got[i] = value()
			}
			want := slices.Clone(got)
			slices.Sort(want)
			sortFloats(got)
			if !slices.Equal(got, want) {
				t.Errorf("%d %s: not sorted", n, name)
			}
		}
	}
}

func BenchmarkSortFloats(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	from := make([]float64, 1<<20)
	for i := range from {
		from[i] = math.Exp(r.NormFloat64())
	}
	x := make([]float64, len(from))
	for b.Loop() {
		copy(x, from)
		sortFloats(x)
	}
}
