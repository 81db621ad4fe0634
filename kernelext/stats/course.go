package stats

import (
	"math"
	"slices"
)

// A Course says how values in order of time, such as the calls of one
// invocation, change: Barrett et al., "Virtual machine warmup blows hot and
// cold", OOPSLA 2017, whose classes these are.
type Course struct {
	Class   Class
	From    int   // index of the first value of the steady state; the number of values where there is none
	Changes []int // indices at which another level begins, ascending
}

// A Class is a kind of Course.
type Class string

// The classes.
const (
	Flat      Class = "flat"            // one level, or levels that are alike
	WarmsUp   Class = "warm-up"         // the steady state is the fastest level
	SlowsDown Class = "slowdown"        // it is not
	Unsteady  Class = "no steady state" // the last quarter still changes
)

// ShortestCourse is the least number of values among which CourseOf finds a
// change: of fewer, none costs less than its penalty.
const ShortestCourse = 10

// finest is how many values changes are looked for in at most: of more, the
// medians of as many equal stretches.
const finest = 2048

// CourseOf finds where values in order of time change their level. Levels
// whose medians differ from the last one's by at most tolerance, a fraction of
// it, are alike: a change can be certain and still not matter.
//
// Changes are those that PELT (Killick, Fearnhead and Eckley, "Optimal detection
// of changepoints with a linear computational cost", JASA 107(500), 2012)
// finds in the normal scores of the ranks, by least squares, with the penalty of
// penalty. Ranks make it the same for all distributions of times, and too small
// for a single outlier to be a level. In independent
// values of one distribution it finds any change at most once in twenty times;
// values that depend on their predecessors look like changes more often.
//
// It takes time quadratic in the number of values up to 2048; of more it finds
// a change to within one stretch.
func CourseOf(x []float64, tolerance float64) Course {
	size := (len(x) + finest - 1) / finest
	coarse := x
	if size > 1 {
		coarse = nil
		for part := range slices.Chunk(x, size) {
			coarse = append(coarse, Median(part))
		}
	}
	c := Course{Class: Flat}
	for _, at := range changes(normalScores(coarse), penalty(len(coarse))) {
		c.Changes = append(c.Changes, at*max(1, size))
	}
	if c.Changes == nil {
		return c
	}
	starts := append([]int{0}, c.Changes...)
	var levels []float64
	for i, from := range starts {
		to := len(x)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		levels = append(levels, Median(x[from:to]))
	}
	last := levels[len(levels)-1]
	near := math.Abs(last) * tolerance
	steady := len(levels) - 1
	for steady > 0 && math.Abs(levels[steady-1]-last) <= near {
		steady--
	}
	switch c.From = starts[steady]; {
	case steady == 0:
	case 4*(len(x)-c.From) < len(x):
		c.Class, c.From = Unsteady, len(x)
	case slices.Min(levels) < last-near:
		c.Class = SlowsDown
	default:
		c.Class = WarmsUp
	}
	return c
}

// WarmUp sums up the courses of several invocations: how many calls come
// before the steady state in nine of ten of those that reach it late, and how
// many of the invocations these are. One alone may be chance.
func WarmUp(courses []Course) (calls, in int) {
	var late []float64
	for _, c := range courses {
		if c.From > 0 && c.Class != Unsteady {
			late = append(late, float64(c.From))
		}
	}
	if late == nil {
		return 0, 0
	}
	return int(math.Ceil(Quantile(late, 0.9))), len(late)
}

// penalty is what another level costs among n values: so much that in values
// without order a change is found at most once in twenty times, for every n, as
// simulated from 4 to 4096 (docs/statistics.md). That depends on n alone.
func penalty(n int) float64 { return 2*math.Log(float64(n)) + 1 }

// changes returns where levels of values with variance 1 begin, by PELT.
func changes(z []float64, penalty float64) []int {
	n := len(z)
	sum := make([]float64, n+1)
	for i, v := range z {
		sum[i+1] = sum[i] + v
	}
	// least[t] is the least cost of the first t values: of each level the squares
	// about its mean, less the squares about 0, which all divisions have alike.
	least, previous := make([]float64, n+1), make([]int, n+1)
	candidates, costs := make([]int, 0, n), make([]float64, 0, n)
	for t := 1; t <= n; t++ {
		candidates, costs = append(candidates, t-1), costs[:0]
		least[t] = math.Inf(1)
		for _, s := range candidates {
			d := sum[t] - sum[s]
			c := least[s] - d*d/float64(t-s)
			if s > 0 {
				c += penalty
			}
			if costs = append(costs, c); c < least[t] {
				least[t], previous[t] = c, s
			}
		}
		kept := candidates[:0]
		for i, s := range candidates {
			if s == 0 || costs[i]-penalty <= least[t] {
				kept = append(kept, s)
			}
		}
		candidates = kept
	}
	var at []int
	for t := previous[n]; t > 0; t = previous[t] {
		at = append(at, t)
	}
	slices.Reverse(at)
	return at
}

// normalScores returns for each value the normal quantile of its rank, less a
// half and over n; equal values have their mean rank. A NaN is the least value.
func normalScores(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b] || x[a] != x[a] && x[b] == x[b]:
			return -1
		case x[a] > x[b] || x[b] != x[b] && x[a] == x[a]:
			return 1
		}
		return 0
	})
	scores := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		score := normalQuantile(float64(from+to) / 2 / float64(len(x)))
		for ; from < to; from++ {
			scores[order[from]] = score
		}
	}
	return scores
}
