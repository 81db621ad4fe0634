package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// An inference is what testdata/inference.py computed with NumPy, SciPy,
// statsmodels and ruptures.
type inference struct {
	Nested struct {
		X, Y          [][][]float64
		Mean, Ratio   float64
		Variances     []float64
		Interval      [2]float64
		RatioInterval [2]float64 `json:"ratio_interval"`
		Costs         []float64
		Repetitions   []int
	}
	Pairs []struct {
		X, Y        []float64
		Ratio       float64
		Interval    [2]float64
		Difference  float64
		Equivalence map[string]float64
	}
	Suite struct {
		Ratio    float64
		Interval [2]float64
	}
	Holm       struct{ P, Adjusted []float64 }
	Detectable [][5]float64
	Changes    map[string]struct {
		X  []float64
		At []int
	}
}

func loadInference(t *testing.T) inference {
	t.Helper()
	b, err := os.ReadFile("testdata/inference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r inference
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// flatten returns the values of runs of invocations of calls, with their units.
func flatten(x [][][]float64) (values []float64, run, invocation []int64) {
	for i, r := range x {
		for j, calls := range r {
			for _, v := range calls {
				values, run, invocation = append(values, v), append(run, int64(i)), append(invocation, int64(j))
			}
		}
	}
	return values, run, invocation
}

func TestNestedAgainstReference(t *testing.T) {
	want := loadInference(t).Nested
	values, run, invocation := flatten(want.X)
	x := Nest(values, run, invocation)
	if !near(x.Mean, want.Mean, 1e-13) || !slices.Equal(x.Units, []int{7, 28, 140}) {
		t.Errorf("mean %v of %v units, want %v of [7 28 140]", x.Mean, x.Units, want.Mean)
	}
	for l, v := range x.Variances {
		if !near(v, want.Variances[l], 1e-12) {
			t.Errorf("variance of level %d = %v, want %v", l, v, want.Variances[l])
		}
	}
	i, ok := x.Interval(0.95)
	compare(t, "Interval", i, ok, &want.Interval, 1e-10)
	ratio, i, ok := x.Over(Nest(flatten(want.Y)), 0.95)
	compare(t, "Over", i, ok, &want.RatioInterval, 1e-9)
	if !near(ratio, want.Ratio, 1e-13) {
		t.Errorf("ratio = %v, want %v", ratio, want.Ratio)
	}
	if got, ok := x.Repetitions(want.Costs); !ok || !slices.Equal(got, want.Repetitions) {
		t.Errorf("Repetitions = %v, %v; want %v", got, ok, want.Repetitions)
	}
}

// Without levels the values are the units, and units may have one value, or be
// of unequal size.
func TestNestOfFewLevels(t *testing.T) {
	x := []float64{3, 5, 10}
	flat := Nest(x)
	if i, ok := flat.Interval(0.9); !ok || flat.Mean != 6 || flat.Variances[0] != 13 {
		t.Errorf("Nest(%v) = %+v, %v, %v; want mean 6, variance 13", x, flat, i, ok)
	}
	single := Nest(x, []int64{1, 2, 3})
	if single.Mean != 6 || single.Variances[0] != 13 || !math.IsNaN(single.Variances[1]) {
		t.Errorf("one value a unit: %+v; want the variance 13 in the units, none in the values", single)
	}
	// The means are 4 and 10; the variance in the first unit is 2, so that of its mean 1, and that of the other's 2.
	uneven := Nest(x, []int64{7, 7, 9})
	if uneven.Mean != 7 || uneven.Variances[0] != 18-1.5 || uneven.Variances[1] != 2 {
		t.Errorf("uneven units: %+v; want mean 7, variances 16.5 and 2", uneven)
	}
	// Three runs of one invocation of ten calls: by the mean squares of NumPy 2 and the F of SciPy 1.17's f_oneway, 79.63636363636363.
	calls := [][][]float64{
		{{10.2, 9.8, 10.4, 10.1, 9.9, 10.6, 10.0, 9.7, 10.3, 10.5}},
		{{11.1, 11.5, 10.9, 11.3, 11.0, 11.6, 10.8, 11.2, 11.4, 10.7}},
		{{9.4, 9.9, 9.1, 9.6, 9.3, 9.8, 9.2, 9.5, 9.0, 9.7}},
	}
	if n := Nest(flatten(calls)); !near(n.Variances[0], 0.7208333333333333, 1e-12) || !math.IsNaN(n.Variances[1]) || !near(n.Variances[2], 0.09166666666666666, 1e-12) {
		t.Errorf("one invocation a run: variances %v, want 0.7208 with the invocations', and 0.0917", n.Variances)
	}
	for _, x := range [][]float64{nil, {1}} {
		if i, ok := Nest(x).Interval(0.95); ok {
			t.Errorf("interval of %v = %v, want none", x, i)
		}
	}
	if _, i, ok := flat.Over(Nest([]float64{-1, 1, 2}), 0.95); ok {
		t.Errorf("ratio to a mean that may be 0: %v, want none", i)
	}
	if got, ok := Nest([]float64{1, 9, 9, 1}, []int64{0, 0, 1, 1}).Repetitions([]float64{1, 1}); ok {
		t.Errorf("repetitions where invocations are alike = %v, want none", got)
	}
}

func TestRatiosAgainstReference(t *testing.T) {
	r := loadInference(t)
	var suite []Pair
	for k, want := range r.Pairs {
		p := Pair{want.X, want.Y}
		if k < 3 {
			suite = append(suite, p)
		}
		ratio, i, ok := RatioOfGeometricMeans([]Pair{p}, 0.95)
		compare(t, "RatioOfGeometricMeans", i, ok, &want.Interval, 1e-10)
		if !near(ratio, want.Ratio, 1e-13) {
			t.Errorf("pair %d: ratio %v, want %v", k, ratio, want.Ratio)
		}
		if got := Difference(want.X, want.Y); !near(got, want.Difference, 1e-10) {
			t.Errorf("pair %d: Difference = %v, want %v", k, got, want.Difference)
		}
		for margin, p := range want.Equivalence {
			if got := Equivalence(want.X, want.Y, parse(t, margin)); !near(got, p, 1e-8) {
				t.Errorf("pair %d: Equivalence within %s = %v, want %v", k, margin, got, p)
			}
		}
	}
	ratio, i, ok := RatioOfGeometricMeans(suite, 0.95)
	compare(t, "RatioOfGeometricMeans of a suite", i, ok, &r.Suite.Interval, 1e-10)
	if !near(ratio, r.Suite.Ratio, 1e-13) {
		t.Errorf("suite: ratio %v, want %v", ratio, r.Suite.Ratio)
	}
	for k, got := range Holm(r.Holm.P) {
		if !near(got, r.Holm.Adjusted[k], 1e-14) {
			t.Errorf("Holm(%v)[%d] = %v, want %v", r.Holm.P, k, got, r.Holm.Adjusted[k])
		}
	}
	for _, v := range r.Detectable {
		if got := DetectableRatio(int(v[0]), v[1], v[2], v[3]); !near(got, v[4], 1e-6) {
			t.Errorf("DetectableRatio(%v) = %v, want %v", v[:4], got, v[4])
		}
	}
}

func TestNothingToTest(t *testing.T) {
	nan := math.NaN()
	good, same, higher := []float64{1, 2, 3}, []float64{2, 2, 2}, []float64{2.1, 2.1, 2.1}
	for _, x := range [][]float64{nil, {1}, {1, 0}, {1, -1}, {1, nan}, {1, math.Inf(1)}} {
		if p := Difference(x, good); !math.IsNaN(p) {
			t.Errorf("Difference(%v) = %v, want NaN", x, p)
		}
		if p := Equivalence(good, x, 1.1); !math.IsNaN(p) {
			t.Errorf("Equivalence(%v) = %v, want NaN", x, p)
		}
		if _, i, ok := RatioOfGeometricMeans([]Pair{{good, good}, {x, good}}, 0.95); ok {
			t.Errorf("RatioOfGeometricMeans with %v = %v, want none", x, i)
		}
	}
	if _, i, ok := RatioOfGeometricMeans(nil, 0.95); ok {
		t.Errorf("RatioOfGeometricMeans of no workload = %v, want none", i)
	}
	if d, e := Difference(same, same), Equivalence(same, same, 1.1); d != 1 || e != 0 {
		t.Errorf("of one constant: %v and %v, want 1 and 0: alike", d, e)
	}
	if d, e := Difference(same, higher), Equivalence(same, higher, 1.1); d != 0 || e != 0 {
		t.Errorf("of near constants: %v and %v, want 0 and 0: they differ, within the margin", d, e)
	}
	if e := Equivalence(same, higher, 1.01); e != 1 {
		t.Errorf("Equivalence of constants beyond the margin = %v, want 1", e)
	}
	if got := Holm([]float64{0.02, nan, 0.04}); got[0] != 0.04 || !math.IsNaN(got[1]) || got[2] != 0.04 {
		t.Errorf("Holm with NaN = %v, want [0.04 NaN 0.04]", got)
	}
	for _, got := range []float64{DetectableRatio(1, 0.1, 0.05, 0.8), DetectableRatio(9, -1, 0.05, 0.8), DetectableRatio(9, 0.1, 0.05, 0.05)} {
		if !math.IsNaN(got) {
			t.Errorf("DetectableRatio = %v, want NaN", got)
		}
	}
}

func TestChangesAgainstReference(t *testing.T) {
	for name, want := range loadInference(t).Changes {
		if got := CourseOf(want.X, 0).Changes; !slices.Equal(got, want.At) {
			t.Errorf("%s: changes at %v, want %v", name, got, want.At)
		}
	}
}

// steps returns so many values about each level, with a seeded spread of 0.1%.
func steps(n int, levels ...float64) []float64 {
	r := rand.New(rand.NewPCG(5, 20261126))
	var x []float64
	for _, level := range levels {
		for range n {
			x = append(x, level*(1+0.001*r.NormFloat64()))
		}
	}
	return x
}

func TestCourse(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float64
		want Course
	}{
		{"nothing", nil, Course{Class: Flat}},
		{"one value", []float64{3}, Course{Class: Flat}},
		{"one level", steps(40, 5), Course{Class: Flat}},
		{"warm-up", steps(40, 9, 7, 5, 5), Course{Class: WarmsUp, From: 80, Changes: []int{40, 80}}},
		{"slowdown", steps(40, 5, 7, 7), Course{Class: SlowsDown, From: 40, Changes: []int{40}}},
		{"up and down", steps(40, 9, 5, 7, 7), Course{Class: SlowsDown, From: 80, Changes: []int{40, 80}}},
		{"late change", steps(40, 5, 5, 5, 5, 9), Course{Class: Unsteady, From: 200, Changes: []int{160}}},
		{"too small to matter", steps(40, 5.02, 5, 5), Course{Class: Flat, Changes: []int{40}}},
		{"long", steps(10_000, 9, 5, 5, 5), Course{Class: WarmsUp, From: 10_000, Changes: []int{10_000}}},
	} {
		if got := CourseOf(c.x, 0.01); got.Class != c.want.Class || got.From != c.want.From || !slices.Equal(got.Changes, c.want.Changes) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	courses := []Course{{Class: Flat}, {Class: WarmsUp, From: 7}, {Class: SlowsDown, From: 3}, {Class: Unsteady, From: 90}}
	if calls, in := WarmUp(courses); calls != 7 || in != 2 {
		t.Errorf("WarmUp = %d in %d, want 7 in 2", calls, in)
	}
	if calls, in := WarmUp(courses[:1]); calls != 0 || in != 0 {
		t.Errorf("WarmUp of a flat course = %d in %d, want 0 in 0", calls, in)
	}
}

// No course of so many values has a change more certain than an ascending one.
func TestShortestCourse(t *testing.T) {
	var x []float64
	for i := range ShortestCourse {
		if c := CourseOf(x, 0); c.Changes != nil {
			t.Errorf("%d values: %+v, want no change", i, c)
		}
		x = append(x, float64(i))
	}
	if c := CourseOf(x, 0); c.Changes == nil {
		t.Errorf("%d values: no change, want one", len(x))
	}
}

// The least number of slow calls at the start that is found, in most of 100
// courses, as docs/statistics.md has it.
func TestLeastWarmUp(t *testing.T) {
	for n, want := range map[int]int{9: 0, 10: 4, 11: 4, 12: 3, 30: 3, 40: 2, 200: 2} {
		least := 0
		for slow := 1; slow < 6 && least == 0; slow++ {
			found := 0
			for s := range uint64(100) {
				r := rand.New(rand.NewPCG(s, 20261126))
				x := make([]float64, n)
				for i := range x {
					x[i] = 1 + 0.01*r.NormFloat64()
					if i < slow {
						x[i] *= 10
					}
				}
				if c := CourseOf(x, 0.05); c.Class == WarmsUp && c.From == slow {
					found++
				}
			}
			if found > 50 {
				least = slow
			}
		}
		if least != want {
			t.Errorf("of %d calls the first %d must be slow to be found, want %d", n, least, want)
		}
	}
}

// What is found depends on neither the unit of time nor the order of what has
// none.
func TestInferenceInvariance(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 20261126))
	for range 50 {
		n := 8 + r.IntN(60)
		x, y, group := make([]float64, n), make([]float64, n), make([]int64, n)
		for i := range x {
			group[i] = int64(i % 4)
			x[i], y[i] = math.Exp(r.NormFloat64()/4+float64(group[i])/9), math.Exp(r.NormFloat64()/4)
		}
		scaled := make([]float64, n)
		for i, v := range x {
			scaled[i] = 1024 * v // exact
		}
		if a, b := CourseOf(x, 0.01), CourseOf(scaled, 0.01); a.From != b.From || !slices.Equal(a.Changes, b.Changes) {
			t.Errorf("scaled: course %+v, want %+v", b, a)
		}
		a, b := Nest(x, group), Nest(scaled, group)
		if !near(b.Mean, 1024*a.Mean, 1e-12) || !near(b.Variances[0], 1024*1024*a.Variances[0], 1e-9) {
			t.Errorf("scaled: %+v, want %+v times 1024", b, a)
		}
		p, q := Difference(x, y), Equivalence(x, y, 1.2)
		before, _, _ := RatioOfGeometricMeans([]Pair{{x, y}}, 0.9)
		r.Shuffle(n, func(i, j int) { x[i], x[j], group[i], group[j] = x[j], x[i], group[j], group[i] })
		if c := Nest(x, group); !near(c.Mean, a.Mean, 1e-12) || !near(c.Variances[1], a.Variances[1], 1e-9) {
			t.Errorf("shuffled: %+v, want %+v", c, a)
		}
		after, _, _ := RatioOfGeometricMeans([]Pair{{y, x}}, 0.9)
		if !near(Difference(y, x), p, 1e-8) || !near(Equivalence(y, x, 1.2), q, 1e-8) || !near(after, 1/before, 1e-12) {
			t.Error("exchanged sides give another answer")
		}
	}
}

// TestFalsePositives counts how often each procedure finds something in pairs of
// which both sides are alike (A/A), and how often what holds is denied. The
// bounds are alpha, or what is known to be more, with room for chance. -v prints
// the table of docs/statistics.md.
func TestFalsePositives(t *testing.T) {
	const simulations, alpha, sigma = 10_000, 0.05, 0.2
	spread := func(r *rand.Rand, n int, sigma float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Exp(sigma * r.NormFloat64())
		}
		return x
	}
	draw := func(r *rand.Rand, n int, ratio float64) []float64 {
		x := spread(r, n, sigma)
		for i := range x {
			x[i] *= ratio
		}
		return x
	}
	skewed := func(r *rand.Rand, n int, sigma float64) []float64 { // as times are that something adds to
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Exp(sigma * (r.ExpFloat64() - 1))
		}
		return x
	}
	heavy := func(r *rand.Rand, n int) []float64 { // Student's t with 3 degrees of freedom
		x := make([]float64, n)
		for i := range x {
			a, b, c := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
			x[i] = math.Exp(sigma * r.NormFloat64() / math.Sqrt((a*a+b*b+c*c)/3))
		}
		return x
	}
	differ := func(x, y []float64) bool { return Difference(x, y) <= alpha }
	denies := func(n int, sigma float64) func(*rand.Rand) bool { // that a ratio at the margin is within it
		return func(r *rand.Rand) bool {
			x, y := spread(r, n, sigma), spread(r, n, sigma)
			for i := range x {
				x[i] *= 1.03
			}
			return Equivalence(x, y, 1.03) >= 1-alpha/2
		}
	}
	nested := func(r *rand.Rand) Nested {
		var x []float64
		var run, invocation []int64
		for i := range int64(6) {
			a := 0.1 * r.NormFloat64()
			for j := range int64(5) {
				b := 0.05 * r.NormFloat64()
				for range 4 + r.IntN(3) { // some failed
					x = append(x, math.Exp(a+b+0.02*r.NormFloat64()))
					run, invocation = append(run, i), append(invocation, j)
				}
			}
		}
		return Nest(x, run, invocation)
	}
	changed := func(n int) func(*rand.Rand) bool {
		return func(r *rand.Rand) bool { return CourseOf(draw(r, n, 1), 0).Changes != nil }
	}
	for _, c := range []struct {
		name  string
		wrong func(r *rand.Rand) bool
		more  float64 // than alpha that it is known to be wrong
	}{
		{"`Nested.Interval`, 6 runs of 5 invocations of 4 to 6 calls", func(r *rand.Rand) bool {
			i, ok := nested(r).Interval(1 - alpha)
			return !ok || !i.Contains(math.Exp((0.1*0.1+0.05*0.05+0.02*0.02)/2))
		}, 0},
		{"`Nested.Over`, the same on both sides", func(r *rand.Rand) bool {
			_, i, ok := nested(r).Over(nested(r), 1-alpha)
			return !ok || !i.Contains(1)
		}, 0},
		{"`RatioOfGeometricMeans`, 6 workloads, n = 5 and 8", func(r *rand.Rand) bool {
			var suite []Pair
			for range 6 {
				suite = append(suite, Pair{draw(r, 5, 1), draw(r, 8, 1)})
			}
			_, i, ok := RatioOfGeometricMeans(suite, 1-alpha)
			return !ok || !i.Contains(1)
		}, 0},
		{"the same, 25 workloads, n = 2 and 2", func(r *rand.Rand) bool {
			suite := make([]Pair, 25)
			for i := range suite {
				suite[i] = Pair{draw(r, 2, 1), draw(r, 2, 1)}
			}
			_, i, ok := RatioOfGeometricMeans(suite, 1-alpha)
			return !ok || !i.Contains(1)
		}, 0},
		{"the same, 6 workloads, n = 3 and 3, one side of one workload with sigma 1", func(r *rand.Rand) bool {
			suite := []Pair{{spread(r, 3, 1), draw(r, 3, 1)}}
			for range 5 {
				suite = append(suite, Pair{draw(r, 3, 1), draw(r, 3, 1)})
			}
			_, i, ok := RatioOfGeometricMeans(suite, 1-alpha)
			return !ok || !i.Contains(1)
		}, 0.011},
		{"`Difference`, n = 10 and 10", func(r *rand.Rand) bool { return differ(draw(r, 10, 1), draw(r, 10, 1)) }, 0},
		{"`Difference`, n = 5 and 20", func(r *rand.Rand) bool { return differ(draw(r, 5, 1), draw(r, 20, 1)) }, 0},
		{"`Difference`, n = 3 and 30", func(r *rand.Rand) bool { return differ(draw(r, 3, 1), draw(r, 30, 1)) }, 0},
		{"`Difference`, n = 3 and 10, sigma 0.2 and 0.05", func(r *rand.Rand) bool { return differ(draw(r, 3, 1), spread(r, 10, 0.05)) }, 0},
		{"`Difference`, n = 3 and 3, sigma 0.2 and 0.01", func(r *rand.Rand) bool { return differ(draw(r, 3, 1), spread(r, 3, 0.01)) }, 0},
		{"`Difference`, n = 5 and 20, heavy tails", func(r *rand.Rand) bool { return differ(heavy(r, 5), heavy(r, 20)) }, 0},
		{"`Difference`, n = 5 and 20, skewed", func(r *rand.Rand) bool { return differ(skewed(r, 5, sigma), skewed(r, 20, sigma)) }, 0},
		{"`Difference`, n = 10 and 10, skewed, sigma 0.2 and 0.05", func(r *rand.Rand) bool {
			return differ(skewed(r, 10, sigma), skewed(r, 10, 0.05))
		}, 0.036},
		{"`Equivalence` within 1.25 of a ratio of 1.25, n = 20 and 20", func(r *rand.Rand) bool {
			return Equivalence(draw(r, 20, 1.25), draw(r, 20, 1), 1.25) <= alpha
		}, 0},
		{"`Equivalence` within 1.03 of a ratio of 1.03 denied (at least 0.975), n = 6 and 6, sigma 0.005", denies(6, 0.005), 0},
		{"the same, sigma 0.5", denies(6, 0.5), 0},
		{"the same, n = 30 and 30, sigma 0.005", denies(30, 0.005), 0},
		{"the same, n = 30 and 30, sigma 0.5", denies(30, 0.5), 0},
		{"`Holm` of ten `Difference`s with one side in common, n = 10", func(r *rand.Rand) bool {
			common, p := draw(r, 10, 1), make([]float64, 10)
			for i := range p {
				p[i] = Difference(draw(r, 10, 1), common)
			}
			return slices.Min(Holm(p)) <= alpha
		}, 0},
		{"`CourseOf` 10 values", changed(10), 0},
		{"`CourseOf` 20 values", changed(20), 0},
		{"`CourseOf` 50 values", changed(50), 0},
		{"`CourseOf` 200 values", changed(200), 0},
	} {
		wrong := 0
		for s := range simulations {
			if c.wrong(rand.New(rand.NewPCG(uint64(s), 20261126))) {
				wrong++
			}
		}
		p := float64(wrong) / simulations
		chance := math.Sqrt(p * (1 - p) / simulations)
		t.Logf("| %s | %.2f%% | %.2f%% |", c.name, 100*p, 100*chance)
		if p > alpha+c.more+3*chance {
			t.Errorf("%s: wrong in %.4f +- %.4f, want at most %v", c.name, p, chance, alpha+c.more)
		}
	}

	// What is promised to be seen is seen, and components have no bias.
	ratio := DetectableRatio(10, sigma, alpha, 0.8)
	seen, variances := 0.0, [3]float64{}
	for s := range simulations {
		r := rand.New(rand.NewPCG(uint64(s), 20261127))
		if Difference(draw(r, 10, ratio), draw(r, 10, 1)) <= alpha {
			seen++
		}
		for l, v := range nested(r).Variances {
			variances[l] += v / simulations
		}
	}
	seen /= simulations
	t.Logf("`DetectableRatio` %.4f, n = 10: seen in %.2f%%; variances %.6f", ratio, 100*seen, variances)
	if chance := math.Sqrt(0.8 * 0.2 / simulations); math.Abs(seen-0.8) > 3*chance {
		t.Errorf("a ratio of %v is seen in %v, want 0.8", ratio, seen)
	}
	for l, sigma := range []float64{0.1, 0.05, 0.02} {
		if want := sigma * sigma; math.Abs(variances[l]-want) > 0.06*want {
			t.Errorf("variance of level %d is %v in the mean, want %v", l, variances[l], want)
		}
	}
}

func BenchmarkCourseOfMillion(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 1_000_000)
	for i := range x {
		x[i] = r.ExpFloat64()
	}
	for b.Loop() {
		CourseOf(x, 0.01)
	}
}

func BenchmarkNestMillion(b *testing.B) {
	x, run, invocation := make([]float64, 1_000_000), make([]int64, 1_000_000), make([]int64, 1_000_000)
	for i := range x {
		x[i], run[i], invocation[i] = float64(i%97), int64(i/100_000), int64(i/1000)
	}
	for b.Loop() {
		Nest(x, run, invocation)
	}
}
