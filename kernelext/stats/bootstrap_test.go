package stats

import (
	"math"
	"testing"
)

func deviation(x []float64) float64 {
	m, sum := Mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(x)))
}

func TestBootstrapAgainstReference(t *testing.T) {
	r := load(t)
	x := r.Samples[r.Bootstrap.X].X
	b := Bootstrap{Resamples: 200_000, Seed: 1}
	check := func(name string, got Interval, ok bool, want [2]float64) {
		t.Helper()
		if !ok || !near(got.Low, want[0], 0.01) || !near(got.High, want[1], 0.01) {
			t.Errorf("%s = [%v, %v], %v; want %v to 1%%", name, got.Low, got.High, ok, want)
		}
	}
	i, ok := b.Percentile(x, Mean)
	check("Percentile(mean)", i, ok, r.Bootstrap.MeanPercentile)
	i, ok = b.BCa(x, Mean)
	check("BCa(mean)", i, ok, r.Bootstrap.MeanBCa)
	i, ok = b.BCa(x, deviation)
	check("BCa(deviation)", i, ok, r.Bootstrap.StdBCa)
	i, ok = b.Percentile(x, SortedMedian)
	check("Percentile(median)", i, ok, r.Bootstrap.MedianPercentile)
	ratio, i, ok := b.RatioOfMedians(x, r.Bootstrap.Y)
	check("RatioOfMedians", i, ok, r.Bootstrap.RatioPercentile)
	if !near(ratio, r.Bootstrap.Ratio, 1e-14) {
		t.Errorf("ratio = %v, want %v", ratio, r.Bootstrap.Ratio)
	}
}

// The generator and the use of its numbers are part of a figure's digest.
func TestBootstrapIsSeeded(t *testing.T) {
	x := []float64{1, 2, 3, 5, 8, 13, 21, 34}
	got, ok := Bootstrap{Resamples: 500, Seed: 42}.Percentile(x, Mean)
	want := Interval{Low: 4.059375000000001, High: 18.940624999999997, Level: 0.95}
	if !ok || got != want {
		t.Errorf("Percentile = %v, want %v", got, want)
	}
	if other, _ := (Bootstrap{Resamples: 500, Seed: 43}).Percentile(x, Mean); other == got {
		t.Errorf("seeds 42 and 43 give the same interval %v", got)
	}
}

// A resample has as many values as the sample, all from it, in order.
func TestDrawer(t *testing.T) {
	x := []float64{1, 2, 3, 5, 8, 13, 21, 34}
	d := newDrawer(x)
	r := Bootstrap{Seed: 9}.generator()
	times := make(map[float64]int)
	const rounds = 2000
	for range rounds {
		s := d.from(r)
		for i, v := range s {
			times[v]++
			if i > 0 && s[i-1] > v {
				t.Fatalf("resample %v is not ascending", s)
			}
		}
	}
	for _, v := range x { // 2000 of each are expected, with a deviation of 42
		if n := times[v]; n < rounds-250 || n > rounds+250 {
			t.Errorf("%v was drawn %d times of %d, want about %d", v, n, rounds*len(x), rounds)
		}
	}
	if len(times) != len(x) {
		t.Errorf("drew %d distinct values, want %d", len(times), len(x))
	}
}

func BenchmarkBCaOfMedian30(b *testing.B) {
	x := make([]float64, 30)
	for i := range x {
		x[i] = float64(i*7919%101) + 1
	}
	for b.Loop() {
		Bootstrap{}.BCa(x, SortedMedian)
	}
}
