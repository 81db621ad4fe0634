package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// A Bootstrap is how intervals are found by resampling: Efron and Tibshirani,
// "An Introduction to the Bootstrap", 1993. Equal fields and equal values give
// equal intervals, on every machine.
//
// The generator is PCG-DXSM with the seed (Seed, 0), math/rand/v2's NewPCG; an
// index below n is the high word of the product of n and one output.
type Bootstrap struct {
	Resamples int     // 0: 2000
	Seed      uint64  // of the generator
	Level     float64 // 0: 0.95
}

// A Statistic is one number computed from values in ascending order. It must
// not keep or change them.
type Statistic func(ascending []float64) float64

// fewest values of which a bootstrap is made: with fewer, the resamples repeat
// the same few values and cover far too seldom.
const fewest = 5

func (b Bootstrap) resamples() int {
	if b.Resamples == 0 {
		return 2000
	}
	return b.Resamples
}

func (b Bootstrap) level() float64 {
	if b.Level == 0 {
		return 0.95
	}
	return b.Level
}

// usable reports whether there is anything to resample.
func (b Bootstrap) usable(samples ...[]float64) bool {
	if b.resamples() < 1 || !(b.level() > 0 && b.level() < 1) {
		return false
	}
	for _, x := range samples {
		if len(x) < fewest || slices.ContainsFunc(x, math.IsNaN) {
			return false
		}
	}
	return true
}

// Percentile returns the percentile interval of the statistic (chapter 13):
// the quantiles of its values on the resamples. Fewer than five values, or a
// statistic that is not a number, give none.
func (b Bootstrap) Percentile(x []float64, of Statistic) (Interval, bool) {
	if !b.usable(x) {
		return Interval{}, false
	}
	r := b.generator()
	return b.percentile(b.replicate(func(draw *drawer) float64 { return of(draw.from(r)) }, newDrawer(sorted(x))))
}

// BCa returns the bias-corrected and accelerated interval of the statistic
// (chapter 14): the percentile interval, shifted for the bias of the statistic
// (ties count half) and for how its variance changes, by the jackknife. Fewer
// than five values give none, and neither does a statistic for which the
// correction is not defined, such as one that no single value changes.
func (b Bootstrap) BCa(x []float64, of Statistic) (Interval, bool) {
	if !b.usable(x) {
		return Interval{}, false
	}
	s := sorted(x)
	r := b.generator()
	replicates := b.replicate(func(draw *drawer) float64 { return of(draw.from(r)) }, newDrawer(s))
	observed := of(s)

	below := 0.0
	for _, v := range replicates {
		switch {
		case v < observed:
			below++
		case v == observed:
			below += 0.5
		}
	}
	bias := normalQuantile(below / float64(len(replicates)))

	without := make([]float64, len(s)-1)
	jackknife := make([]float64, len(s))
	mean := 0.0
	for i := range s {
		copy(without, s[:i])
		copy(without[i:], s[i+1:])
		jackknife[i] = of(without)
		mean += jackknife[i] / float64(len(s))
	}
	if slices.Min(jackknife) == slices.Max(jackknife) {
		return Interval{}, false // the acceleration is 0/0
	}
	squares, cubes := 0.0, 0.0
	for _, v := range jackknife {
		d := mean - v
		squares += d * d
		cubes += d * d * d
	}
	acceleration := cubes / (6 * math.Pow(squares, 1.5))

	adjusted := func(p float64) float64 {
		z := bias + normalQuantile(p)
		return normalCDF(bias + z/(1-acceleration*z))
	}
	tail := (1 - b.level()) / 2
	slices.Sort(replicates)
	i := Interval{
		Low:   SortedQuantile(replicates, adjusted(tail)),
		High:  SortedQuantile(replicates, adjusted(1-tail)),
		Level: b.level(),
	}
	return i, finite(i)
}

// RatioOfMedians returns the median of x over the median of y and its
// percentile interval, x and y resampled independently (chapter 8). Fewer than
// five values in either, or one that is not positive, give no interval.
func (b Bootstrap) RatioOfMedians(x, y []float64) (ratio float64, i Interval, ok bool) {
	sx, sy := sorted(x), sorted(y)
	ratio = SortedMedian(sx) / SortedMedian(sy)
	if !b.usable(sx, sy) || sx[0] <= 0 || sy[0] <= 0 {
		return ratio, Interval{}, false
	}
	r := b.generator()
	above, under := newDrawer(sx), newDrawer(sy)
	i, ok = b.percentile(b.replicate(func(draw *drawer) float64 {
		return SortedMedian(draw.from(r)) / SortedMedian(under.from(r))
	}, above))
	return ratio, i, ok
}

func (b Bootstrap) generator() *rand.PCG { return rand.NewPCG(b.Seed, 0) }

// replicate returns the statistic of every resample, in the order drawn.
func (b Bootstrap) replicate(of func(*drawer) float64, from *drawer) []float64 {
	out := make([]float64, b.resamples())
	for i := range out {
		out[i] = of(from)
	}
	return out
}

// percentile returns the middle of the replicates.
func (b Bootstrap) percentile(replicates []float64) (Interval, bool) {
	slices.Sort(replicates)
	tail := (1 - b.level()) / 2
	i := Interval{
		Low:   SortedQuantile(replicates, tail),
		High:  SortedQuantile(replicates, 1-tail),
		Level: b.level(),
	}
	return i, finite(i)
}

func finite(i Interval) bool {
	return !math.IsNaN(i.Low) && !math.IsNaN(i.High) && !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0)
}

// A drawer draws resamples in ascending order without sorting: it counts how
// often each value is drawn.
type drawer struct {
	values   []float64 // ascending
	times    []uint32
	resample []float64
}

func newDrawer(ascending []float64) *drawer {
	return &drawer{ascending, make([]uint32, len(ascending)), make([]float64, len(ascending))}
}

// from returns a resample; the next call overwrites it.
func (d *drawer) from(r *rand.PCG) []float64 {
	clear(d.times)
	n := uint64(len(d.values))
	for range d.values {
		i, _ := bits.Mul64(r.Uint64(), n)
		d.times[i]++
	}
	at := 0
	for i, times := range d.times {
		for range times {
			d.resample[at] = d.values[i]
			at++
		}
	}
	return d.resample
}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// normalCDF is the standard normal distribution function.
func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
