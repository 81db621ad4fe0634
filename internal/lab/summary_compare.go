package lab

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// What comparisons are held to. All of it is chosen before samples are seen.
const (
	alpha  = 0.05 // chance of a wrong answer
	power  = 0.8  // of seeing a ratio that is there
	margin = 1.03 // of two halves of an A/A pair that are alike
)

// fewestNested is of how many invocations a variance is worth telling.
const fewestNested = 6

// values returns the independent times of a phase, one an invocation.
func (p *measuredPhase) values() []float64 { return stats.GroupMedians(p.wall, p.wallSeqs) }

// families compares the wall times of runtimes, workload by workload, with the
// first that the experiment names. Where that has no times there is nothing to
// compare with.
func families(s assay.Summary, data []measured) []assay.Family {
	if s.Phase == "" {
		return nil
	}
	var all []assay.Family
	var bases, noises [][]float64 // by family; and by comparison, deviations of the logarithms
	for i, row := range s.Rows {
		if row.Control {
			continue
		}
		x := data[i].phase(s.Phase).values()
		at := slices.IndexFunc(all, func(f assay.Family) bool { return f.Workload == row.Workload && maps.Equal(f.Params, row.Params) })
		if at < 0 {
			all = append(all, assay.Family{Workload: row.Workload, Params: row.Params, Baseline: row.Runtime, Alpha: alpha, Power: power})
			bases, noises = append(bases, x), append(noises, nil)
			continue
		}
		pair := stats.Pair{X: x, Y: bases[at]}
		ratio, in, ok := stats.RatioOfGeometricMeans([]stats.Pair{pair}, confidence)
		if !ok {
			continue
		}
		all[at].Of = append(all[at].Of, assay.Comparison{
			Runtime: row.Runtime, P: stats.Difference(pair.X, pair.Y),
			Ratio: assay.Estimate{Value: ratio, Low: &in.Low, High: &in.High, Unit: "x", N: min(len(pair.X), len(pair.Y)),
				Confidence: confidence, Statistic: "ratio of geometric means", Interval: "Welch's t on logarithms"},
		})
		noises[at] = append(noises[at], deviation(pair))
	}
	for i := range all {
		adjust(&all[i], noises[i])
	}
	return slices.DeleteFunc(all, func(f assay.Family) bool { return len(f.Of) == 0 })
}

// deviation returns that of the logarithms of both sides.
func deviation(p stats.Pair) float64 {
	variance := 0.0
	for _, side := range [][]float64{p.X, p.Y} {
		logs := make([]float64, len(side))
		for i, v := range side {
			logs[i] = math.Log(v)
		}
		variance += stats.Nest(logs).Variances[0] / 2
	}
	return math.Sqrt(variance)
}

// adjust fills in what the comparisons of a family say together, given the
// deviations of their logarithms. A ratio counts as one that is seen if it is at
// the strictest level that Holm's procedure has for it.
func adjust(f *assay.Family, deviations []float64) {
	var ps []float64
	for _, c := range f.Of {
		ps = append(ps, c.P)
	}
	unit := map[int]float64{} // by n: of a deviation of 1%, for it takes a while
	for i, p := range stats.Holm(ps) {
		c := &f.Of[i]
		c.Adjusted = p
		if _, ok := unit[c.Ratio.N]; !ok {
			unit[c.Ratio.N] = stats.DetectableRatio(c.Ratio.N, 0.01, alpha/float64(len(ps)), power)
		}
		if r := math.Pow(unit[c.Ratio.N], deviations[i]/0.01); r <= maxDetectable {
			c.Detectable = &r
		}
	}
}

// maxDetectable is the highest ratio that is worth saying of what could have
// been seen.
const maxDetectable = 1000

// Compared says in lines of text what the comparisons and the A/A pairs of s
// come to: headings, and what is below one after two spaces.
func Compared(s assay.Summary) []string {
	var lines []string
	if len(s.Compared) > 0 {
		lines = append(lines, fmt.Sprintf("ratios to %s (geometric means of wall times; t test on logarithms, p at most %g after Holm over the line):", s.Compared[0].Baseline, alpha))
	}
	for _, f := range s.Compared {
		lines = append(lines, "  "+sentence(f))
	}
	if len(s.Controls) > 0 {
		lines = append(lines, fmt.Sprintf("A/A pairs (time of the second over that of the first, which nothing but noise moves from 1; alike: within %.0f%%, each by itself, alpha %g):",
			100*(margin-1), alpha))
	}
	for i, c := range s.Controls {
		if i > 0 && c.Runtime == s.Controls[i-1].Runtime && c.Workload == s.Controls[i-1].Workload && maps.Equal(c.Params, s.Controls[i-1].Params) {
			lines[len(lines)-1] += ", " + halves(c)
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s on %s: %s", title(c.Workload, c.Params), c.Runtime, halves(c)))
	}
	return lines
}

// named is up to how many comparisons a line has with their numbers.
const named = 3

// sentence says what a family comes to; of many comparisons the names alone, and
// of those that differ or those that do not, whichever are fewer.
func sentence(f assay.Family) string {
	var differ, alike []string
	least, most := math.Inf(1), 0.0
	low, high := math.MaxInt, 0
	for _, c := range f.Of {
		text := c.Runtime
		if len(f.Of) <= named {
			text += " " + cell(&c.Ratio)
		}
		if c.Adjusted <= f.Alpha {
			differ = append(differ, text)
		} else {
			alike = append(alike, text)
		}
		ratio := math.Inf(1)
		if c.Detectable != nil {
			ratio = *c.Detectable
		}
		least, most = math.Min(least, ratio), math.Max(most, ratio)
		low, high = min(low, c.Ratio.N), max(high, c.Ratio.N)
	}
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+": "+strings.Join(names, ", "))
		}
	}
	if len(f.Of) <= named {
		add("differ", differ)
		add("not told apart", alike)
	} else {
		parts = append(parts, fmt.Sprintf("%d of %d differ", len(differ), len(f.Of)))
		if len(differ) <= len(alike) {
			add("they are", differ)
		} else {
			add("not told apart", alike)
		}
	}
	level := fmt.Sprintf("alpha %g", f.Alpha)
	if len(f.Of) > 1 {
		level += fmt.Sprintf(" over %d", len(f.Of))
	}
	parts = append(parts, fmt.Sprintf("smallest ratio that n = %s can detect: %s (power %g, %s)",
		span(fmt.Sprint(low), fmt.Sprint(high)), span(times(least), times(most)), f.Power, level))
	return title(f.Workload, f.Params) + ": " + strings.Join(parts, "; ")
}

// span writes two ends, or one where they are the same.
func span(low, high string) string {
	if low == high {
		return low
	}
	return low + " to " + high
}

// times writes a ratio that can be detected.
func times(r float64) string {
	if r > maxDetectable {
		return fmt.Sprintf("above %dx", maxDetectable)
	}
	return figures3(r) + "x"
}

// controls compares the halves of each A/A pair, phase by phase.
func controls(s assay.Summary, data []measured) []assay.Control {
	var all []assay.Control
	for i, row := range s.Rows {
		if !row.Control || i == 0 {
			continue
		}
		phases := []assay.Phase{s.Phase}
		for _, p := range row.Phases {
			phases = append(phases, p.Phase)
		}
		for _, phase := range phases {
			if phase == "" {
				continue
			}
			x, y := data[i].phase(phase).values(), data[i-1].phase(phase).values()
			ratio, in, ok := controlled.RatioOfMedians(x, y)
			if !ok {
				continue
			}
			all = append(all, assay.Control{
				Workload: row.Workload, Params: row.Params, Runtime: s.Rows[i-1].Runtime, Phase: phase, Margin: margin, Alike: alikeness(x, y),
				Ratio: assay.Estimate{Value: ratio, Low: &in.Low, High: &in.High, Unit: "x", N: min(len(x), len(y)),
					Confidence: confidence, Statistic: "ratio of medians", Interval: "percentile bootstrap"},
			})
		}
	}
	return all
}

// controlled is how the interval of an A/A pair's ratio is found.
var controlled = stats.Bootstrap{Resamples: 2000, Seed: 1, Level: confidence}

// alikeness says whether x and y are within the margin: "yes" if they are and
// "no" if they are not, each with alpha for the chance to be wrong.
func alikeness(x, y []float64) string {
	switch p := stats.Equivalence(x, y, margin); {
	case math.IsNaN(p):
		return ""
	case p <= alpha:
		return "yes"
	case p >= 1-alpha: // Equivalence's tests, of the opposite
		return "no"
	}
	return "undecided"
}

// halves says what an A/A pair says of a phase.
func halves(c assay.Control) string {
	text := fmt.Sprintf("%s %s", c.Phase, cell(&c.Ratio))
	if c.Alike != "" {
		text += " alike: " + c.Alike
	}
	return text
}

// nestingOf says what calls of one invocation have in common, and how many are
// worth it, where invocations took so long as a whole; nil for too few.
func nestingOf(calls *measuredPhase, processes []float64) *assay.Nesting {
	n := stats.Nest(calls.wall, calls.wallSeqs)
	if n.Units[0] < fewestNested || math.IsNaN(n.Variances[1]) || !(n.Mean > 0) || len(processes) == 0 {
		return nil
	}
	relative := func(variance float64) float64 { return math.Sqrt(max(0, variance)) / n.Mean }
	out := &assay.Nesting{Invocations: relative(n.Variances[0]), Calls: relative(n.Variances[1])}
	start := stats.Mean(processes) - n.Mean*float64(n.Units[1])/float64(n.Units[0]) // of an invocation, its warm-up and its end
	if counts, ok := n.Repetitions([]float64{start, n.Mean}); ok {
		out.Best = counts[0]
	}
	return out
}

// worthOfCalls says how many calls an invocation is best given, where the rows
// tell.
func worthOfCalls(rows []assay.SummaryRow, made int) []string {
	least, most := math.MaxInt, 0
	for _, row := range rows {
		if n := row.Nesting; n != nil && n.Best > 0 {
			least, most = min(least, n.Best), max(most, n.Best)
		}
	}
	if most == 0 {
		return nil
	}
	return []string{fmt.Sprintf("calls an invocation that make the mean most precise for the time it takes (Kalibera and Jones): %s, by row; this run has %d",
		span(fmt.Sprint(least), fmt.Sprint(most)), made)}
}
