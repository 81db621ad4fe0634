package stats

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func TestGroupMedians(t *testing.T) {
	x := []float64{5, 100, 1, 3, 300, 200, 7, 9}
	group := []int64{2, -1, 2, 2, -1, -1, 0, 0}
	if got, want := GroupMedians(x, group), []float64{3, 200, 8}; !slices.Equal(got, want) {
		t.Errorf("GroupMedians(%v, %v) = %v, want %v", x, group, got, want)
	}
	if got := GroupMedians(nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	// An independent computation: Python's statistics.median of each; the 95% interval of ten values is x(2) to x(9).
	x, group = nil, nil
	for g := range int64(10) {
		for k := range int64(4) {
			x, group = append(x, float64((g*7+k*k*3)%41)), append(group, g)
		}
	}
	want := []float64{7.5, 14.5, 15.5, 22.5, 29.5, 28, 8.5, 15.5, 16.5, 23.5}
	got := GroupMedians(x, group)
	if i, ok := MedianInterval(got, 0.95); !slices.Equal(got, want) || !ok || i.Low != 8.5 || i.High != 28 || Median(got) != 16 {
		t.Errorf("medians %v, interval %v %t; want %v, [8.5, 28]", got, i, ok, want)
	}
}

// TestCoverageOfGroups draws 10 processes of 50 calls. A process has an effect
// of its own (log-normal, sigma 0.1) and its calls vary about it (sigma 0.05).
// It counts how often the interval over the processes' medians holds the truth,
// and the one that takes all calls for independent.
func TestCoverageOfGroups(t *testing.T) {
	simulations := 400
	if os.Getenv("ASSAY_SLOW") == "1" {
		simulations = 10_000
	}
	const processes, calls = 10, 50
	byProcess, pooled := 0, 0
	for s := range simulations {
		r := rand.New(rand.NewPCG(uint64(s), 20261125))
		var x []float64
		var group []int64
		for p := range int64(processes) {
			effect := 0.1 * r.NormFloat64()
			for range calls {
				x, group = append(x, math.Exp(effect+0.05*r.NormFloat64())), append(group, p)
			}
		}
		if i, ok := MedianInterval(GroupMedians(x, group), 0.95); ok && i.Contains(1) {
			byProcess++
		}
		if i, ok := MedianInterval(x, 0.95); ok && i.Contains(1) {
			pooled++
		}
	}
	p, q := float64(byProcess)/float64(simulations), float64(pooled)/float64(simulations)
	chance := math.Sqrt(p * (1 - p) / float64(simulations))
	t.Logf("%d simulations: medians of processes %.2f%% (%.2f%%), all calls %.2f%%", simulations, 100*p, 100*chance, 100*q)
	if p < 0.97-3*chance {
		t.Errorf("over the medians of processes: covered %.4f +- %.4f, want at least 0.97", p, chance)
	}
	if q > 0.6 {
		t.Errorf("over all calls: covered %.4f: then GroupMedians would be needless", q)
	}
}
