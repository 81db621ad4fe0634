package stats

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// TestCoverage draws samples of 30 from a log-normal distribution (sigma 0.5)
// and counts how often each 95% interval holds the truth. ASSAY_SLOW=1 makes
// the 10,000 simulations that docs/statistics.md reports; -v prints them.
func TestCoverage(t *testing.T) {
	simulations := 400
	if os.Getenv("ASSAY_SLOW") == "1" {
		simulations = 10_000
	}
	const n, sigma = 30, 0.5
	truth := struct{ median, ratio, mean, ninth float64 }{
		1, 1 / 1.3, math.Exp(sigma * sigma / 2), math.Exp(1.2815515655446004 * sigma),
	}
	ninth := func(x []float64) float64 { return SortedQuantile(x, 0.9) }
	// The bounds are what this study found, with room for chance: an interval
	// that covers less often than it does now is a fault.
	intervals := []struct {
		name  string
		truth float64
		of    func(x, y []float64, b Bootstrap) (Interval, bool)
		least float64
	}{
		{"median, order statistics", truth.median,
			func(x, _ []float64, _ Bootstrap) (Interval, bool) { return MedianInterval(x, 0.95) }, 0.950},
		{"median, percentile bootstrap", truth.median,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.Percentile(x, SortedMedian) }, 0.93},
		{"median, BCa bootstrap", truth.median,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.BCa(x, SortedMedian) }, 0.93},
		{"mean, Student's t", truth.mean,
			func(x, _ []float64, _ Bootstrap) (Interval, bool) { return MeanInterval(x, 0.95) }, 0.93},
		{"mean, percentile bootstrap", truth.mean,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.Percentile(x, Mean) }, 0.91},
		{"mean, BCa bootstrap", truth.mean,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.BCa(x, Mean) }, 0.91},
		{"0.9-quantile, percentile bootstrap", truth.ninth,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.Percentile(x, ninth) }, 0.845},
		{"0.9-quantile, BCa bootstrap", truth.ninth,
			func(x, _ []float64, b Bootstrap) (Interval, bool) { return b.BCa(x, ninth) }, 0.92},
		{"ratio of medians, percentile bootstrap", truth.ratio,
			func(x, y []float64, b Bootstrap) (Interval, bool) { _, i, ok := b.RatioOfMedians(x, y); return i, ok }, 0.95},
		{"geometric mean, Student's t on logarithms", truth.median,
			func(x, _ []float64, _ Bootstrap) (Interval, bool) { return GeometricMeanInterval(x, 0.95) }, 0.945},
	}
	held := make([]int, len(intervals))
	x, y := make([]float64, n), make([]float64, n)
	for s := range simulations {
		r := rand.New(rand.NewPCG(uint64(s), 20261124))
		for i := range x {
			x[i] = math.Exp(sigma * r.NormFloat64())
			y[i] = 1.3 * math.Exp(sigma*r.NormFloat64())
		}
		for k, interval := range intervals {
			i, ok := interval.of(x, y, Bootstrap{Seed: uint64(s)})
			if !ok {
				t.Fatalf("%s: no interval for %v", interval.name, x)
			}
			if i.Contains(interval.truth) {
				held[k]++
			}
		}
	}
	t.Logf("%d simulations, n = %d, log-normal, sigma = %v, 2000 resamples", simulations, n, sigma)
	for k, interval := range intervals {
		p := float64(held[k]) / float64(simulations)
		chance := math.Sqrt(p * (1 - p) / float64(simulations))
		t.Logf("| %s | %.2f%% | %.2f%% |", interval.name, 100*p, 100*chance)
		if p < interval.least-3*chance {
			t.Errorf("%s: covered %.4f +- %.4f, want at least %v", interval.name, p, chance, interval.least)
		}
	}
}
