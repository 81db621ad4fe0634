package stats

import "math"

// A Nested is values in units in units: calls in invocations in runs. Values
// of one unit have much in common, so that only the outermost units are
// independent: Kalibera and Jones, "Rigorous benchmarking in reasonable time",
// ISMM 2013.
type Nested struct {
	Mean float64 // of the outermost units' means, each the mean of its units' means
	// Units are how many there are of each level, outermost first; the last are
	// the values.
	Units []int
	// Variances are what each level adds to a value, outermost first: the
	// paper's T², an unbiased estimate, so that it may be negative where there
	// is little. It is NaN where no unit of the level has a sibling; then the
	// level above has both.
	Variances []float64

	means []float64 // of the outermost units
}

// Nest sorts values into their units. Each of levels says of each value which
// unit it is of, outermost level first; numbers of units are compared within
// one outer unit. Without a level the values themselves are the units.
//
// Units may differ in how many they hold. The estimates are the paper's where
// they do not, and where they do those of the unweighted means.
func Nest(x []float64, levels ...[]int64) Nested {
	type unit struct {
		outer int
		id    int64
	}
	outer := make([][]int, len(levels)+1) // by level, of each unit
	of := make([]int, len(x))             // the unit of each value, level by level
	for l, ids := range levels {
		index := make(map[unit]int)
		for i := range x {
			u := unit{of[i], ids[i]}
			at, ok := index[u]
			if !ok {
				at = len(outer[l])
				index[u], outer[l] = at, append(outer[l], of[i])
			}
			of[i] = at
		}
	}
	outer[len(levels)] = of

	n := Nested{Mean: math.NaN(), Units: make([]int, len(outer)), Variances: make([]float64, len(outer))}
	means, own := x, make([]float64, len(x)) // own: what of a mean's variance comes from the levels below
	for l := len(outer) - 1; l >= 0; l-- {
		n.Units[l], n.means = len(means), means
		above := 1
		if l > 0 {
			above = len(outer[l-1])
		}
		groups := make([]spread, above)
		below := make([]float64, above)
		for i, at := range outer[l] {
			groups[at].add(means[i])
			below[at] += own[i]
		}
		between, added, siblings := 0.0, 0.0, 0.0
		for i, g := range groups {
			if g.n > 1 {
				siblings++
				between += g.variance()
				added += g.variance() - below[i]/g.n
			}
		}
		n.Variances[l] = added / siblings
		means, own = make([]float64, above), make([]float64, above)
		for i, g := range groups {
			means[i] = g.mean
			if own[i] = below[i]; siblings > 0 { // without any, a mean is that of its one unit
				own[i] = between / siblings / g.n
			}
		}
	}
	if len(x) > 0 {
		n.Mean = means[0]
	}
	return n
}

// A spread gathers values one by one: Welford, "Note on a method for
// calculating corrected sums of squares and products", Technometrics 4(3), 1962.
type spread struct{ n, mean, squares float64 }

func (s *spread) add(v float64) {
	s.n++
	d := v - s.mean
	s.mean += d / s.n
	s.squares += d * (v - s.mean)
}

// variance has n-1 below it; NaN for fewer than two values.
func (s spread) variance() float64 {
	if s.n < 2 {
		return math.NaN()
	}
	return s.squares / (s.n - 1)
}

// Interval returns the interval of the mean by Student's t over the outermost
// units (section 7 of the paper): more inner units narrow it only as far as
// they steady the outermost units' means. Fewer than two of these give none.
func (n Nested) Interval(level float64) (Interval, bool) { return MeanInterval(n.means, level) }

// Over returns the ratio of the means, n's over m's, and its interval by
// Fieller's theorem over the outermost units, as the paper's section 8 has it.
// It assumes that these units' means are about normal; the two sides need not
// vary alike. There is none where either side has fewer than two units, or
// where m's mean may be zero.
func (n Nested) Over(m Nested, level float64) (ratio float64, i Interval, ok bool) {
	ratio = n.Mean / m.Mean
	x, ok := n.Interval(level)
	y, also := m.Interval(level)
	if !ok || !also || !(y.Low > 0) {
		return ratio, Interval{}, false
	}
	hx, hy := x.High-n.Mean, y.High-m.Mean
	below := m.Mean*m.Mean - hy*hy
	under := math.Pow(n.Mean*m.Mean, 2) - below*(n.Mean*n.Mean-hx*hx)
	half := math.Sqrt(math.Max(0, under))
	i = Interval{Low: (n.Mean*m.Mean - half) / below, High: (n.Mean*m.Mean + half) / below, Level: level}
	return ratio, i, finite(i)
}

// Repetitions returns how many units of each level but the outermost one outer
// unit should hold, outermost first, so that the mean is as precise as can be
// for the time it takes (the paper's section 6). costs are what one more unit
// of each level costs beyond what is in it, in any unit of time, outermost
// first: of an invocation its start and its warm-up, of a call the call. There
// is no answer where an outer level adds no variance: then it need not be
// repeated at all, and is to be left out of Nest.
func (n Nested) Repetitions(costs []float64) ([]int, bool) {
	if len(costs) != len(n.Variances) {
		return nil, false
	}
	var counts []int
	for l := 1; l < len(costs); l++ {
		r := math.Sqrt(costs[l-1] / costs[l] * math.Max(0, n.Variances[l]) / n.Variances[l-1])
		if !(n.Variances[l-1] > 0) || !(costs[l] > 0) || !(r < 1<<31) {
			return nil, false
		}
		counts = append(counts, max(1, int(math.Ceil(r))))
	}
	return counts, true
}
