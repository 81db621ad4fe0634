package summary

import (
	"cmp"
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

// independent returns the independent times of a row in a phase, one an
// invocation, or why they can be compared with no others: a t test of values
// that do not vary, or only by the steps of a clock, finds what is not there.
func independent(row assay.SummaryRow, p *measuredPhase) (values []float64, why string) {
	values = stats.GroupMedians(p.wall, p.wallSeqs)
	ok := fmt.Sprintf("%d of %d ok", row.Outcomes[assay.OK], row.Planned)
	zeros, step := steps(p.wall)
	switch {
	case len(values) < 2 && row.Outcomes[assay.OK] < row.Planned:
		return nil, ok
	case len(values) < 2 && row.Outcomes[assay.OK] < 2:
		return nil, ok + ", it takes two"
	case len(values) < 2:
		return nil, fmt.Sprintf("%d of its invocations have times, it takes two", len(values))
	case zeros > 0:
		return nil, fmt.Sprintf("%d of %d times are 0", zeros, len(p.wall))
	case slices.Min(values) == slices.Max(values):
		return nil, "its times do not vary, so its clock is too coarse"
	case step > 0:
		return nil, fmt.Sprintf("its clock is too coarse, in steps of %.0f ns", step)
	}
	return values, ""
}

// ratioOf estimates the ratio of the geometric means of x and y, which are
// positive, two each or more.
func ratioOf(x, y []float64) assay.Estimate {
	ratio, in, _ := stats.RatioOfGeometricMeans([]stats.Pair{{X: x, Y: y}}, confidence)
	return assay.Estimate{Value: ratio, Low: &in.Low, High: &in.High, Unit: "x", N: min(len(x), len(y)),
		Confidence: confidence, Statistic: "ratio of geometric means", Interval: "t on logarithms, with the freedom of the smaller side"}
}

// families compares the wall times of runtimes, workload by workload, with the
// first that the experiment names.
func families(s assay.Summary, data []measured) []assay.Family {
	if s.Phase == "" {
		return nil
	}
	others := map[int][]int{} // rows to compare, by baseline
	firsts := baselines(s.Rows)
	for i, base := range firsts {
		if i != base && !s.Rows[i].Control {
			others[base] = append(others[base], i)
		}
	}
	var all []assay.Family
	for base, row := range s.Rows {
		if firsts[base] != base || len(others[base]) == 0 {
			continue
		}
		f := assay.Family{Workload: row.Workload, Params: row.Params, Baseline: row.Runtime, Of: []assay.Comparison{}, Alpha: alpha, Power: power}
		var noises []float64 // deviations of the logarithms
		y, lacks := independent(row, data[base].phase(s.Phase))
		for _, i := range others[base] {
			row := s.Rows[i]
			x, why := independent(row, data[i].phase(s.Phase))
			switch {
			case lacks != "":
			case why != "":
				f.Not = append(f.Not, assay.Uncompared{Runtime: row.Runtime, Why: why})
			default:
				f.Of = append(f.Of, assay.Comparison{Runtime: row.Runtime, P: stats.Difference(x, y), Ratio: ratioOf(x, y)})
				noises = append(noises, deviation(stats.Pair{X: x, Y: y}))
			}
		}
		if lacks != "" {
			f.Not = []assay.Uncompared{{Runtime: f.Baseline, Why: lacks}}
		}
		adjust(&f, noises)
		all = append(all, f)
	}
	return all
}

// baselines returns what each row is compared with: the first of its workload
// and parameters.
func baselines(rows []assay.SummaryRow) []int {
	first := map[string]int{}
	all := make([]int, len(rows))
	for i, r := range rows {
		key := fmt.Sprintf("%q %q", r.Workload, r.Params)
		if _, ok := first[key]; !ok {
			first[key] = i
		}
		all[i] = first[key]
	}
	return all
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
		of := "wall times"
		if s.Phase == assay.Call {
			of = "the invocations' median call times"
		}
		lines = append(lines, fmt.Sprintf("ratios to %s (geometric means of %s; t test on logarithms, p at most %g after Holm over the line):", s.Compared[0].Baseline, of, alpha))
	}
	for _, f := range s.Compared {
		lines = append(lines, "  "+sentence(s, f))
	}
	if len(s.Controls) > 0 {
		lines = append(lines, fmt.Sprintf("A/A pairs (geometric mean of the second's times over that of the first's, which nothing but noise moves from 1; alike: within %.0f%%, each by itself, alpha %g):",
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
func sentence(s assay.Summary, f assay.Family) string {
	// called is a runtime's name, with how many of its invocations were ok if not all.
	called := func(runtime string) string {
		for _, r := range s.Rows {
			if ok := r.Outcomes[assay.OK]; r.Runtime == runtime && r.Workload == f.Workload && maps.Equal(r.Params, f.Params) && ok < r.Planned {
				return fmt.Sprintf("%s (%d of %d ok)", runtime, ok, r.Planned)
			}
		}
		return runtime
	}
	var differ, alike, not []string
	for _, u := range f.Not {
		if u.Runtime == f.Baseline {
			u.Runtime = "any, for want of the baseline " + u.Runtime
		}
		not = append(not, fmt.Sprintf("%s (%s)", u.Runtime, u.Why))
	}
	least, most := math.Inf(1), 0.0
	low, high := math.MaxInt, 0
	for _, c := range f.Of {
		text := called(c.Runtime)
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
	if base := called(f.Baseline); base != f.Baseline && len(f.Of) > 0 {
		parts = append(parts, "baseline "+base)
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
	add("not compared", not)
	if len(f.Of) > 0 {
		level := fmt.Sprintf("alpha %g", f.Alpha)
		if len(f.Of) > 1 {
			level += fmt.Sprintf(" over %d", len(f.Of))
		}
		parts = append(parts, fmt.Sprintf("smallest ratio that n = %s can detect: %s (power %g, %s)",
			span(fmt.Sprint(low), fmt.Sprint(high)), span(times(least), times(most)), f.Power, level))
	}
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
		first := s.Rows[i-1]
		var phases []assay.Phase
		if s.Phase != "" {
			phases = append(phases, s.Phase)
		}
		for _, p := range slices.Concat(first.Phases, row.Phases) {
			if !slices.Contains(phases, p.Phase) {
				phases = append(phases, p.Phase)
			}
		}
		of := assay.Control{Workload: row.Workload, Params: row.Params, Runtime: first.Runtime, Margin: margin}
		switch {
		case s.Protocol == assay.ProtocolMemory || s.Protocol == assay.ProtocolCount:
			of.Why = "the protocol takes no times"
			all = append(all, of)
		case len(phases) == 0:
			of.Why = fmt.Sprintf("%d and %d of %d ok", first.Outcomes[assay.OK], row.Outcomes[assay.OK], row.Planned)
			all = append(all, of)
		}
		for _, phase := range phases {
			c := of
			c.Phase = phase
			x, why := independent(row, data[i].phase(phase))
			y, lacks := independent(first, data[i-1].phase(phase))
			if c.Why = cmp.Or(lacks, why); c.Why == "" {
				ratio := ratioOf(x, y)
				c.Ratio, c.Alike = &ratio, alikeness(x, y)
			}
			all = append(all, c)
		}
	}
	return all
}

// alikeness says whether x and y are within the margin: "yes" if they are and
// "no" if they are not, each with at most alpha for the chance to be wrong. They
// can be outside on either side, so each has a half of that.
func alikeness(x, y []float64) string {
	switch p := stats.Equivalence(x, y, margin); {
	case p <= alpha:
		return "yes"
	case p >= 1-alpha/2: // Equivalence's tests, of the opposite
		return "no"
	}
	return "undecided"
}

// halves says what an A/A pair says of a phase.
func halves(c assay.Control) string {
	of := ""
	if c.Phase != "" {
		of = string(c.Phase) + " "
	}
	if c.Ratio == nil {
		return fmt.Sprintf("%snot compared (%s)", of, c.Why)
	}
	return fmt.Sprintf("%s%s (n = %d) alike: %s", of, cell(c.Ratio), c.Ratio.N, c.Alike)
}

// nest fills in the means of calls and their ratios to those of the rows'
// baselines, after Kalibera and Jones: means with calls nested in invocations,
// which are what is random.
func nest(s assay.Summary, data []measured, unit string) {
	for i, base := range baselines(s.Rows) {
		row := &s.Rows[i]
		of := func(phase assay.Phase) (mean, over *assay.Estimate) {
			x := data[i].phase(phase)
			if mean = meanTime(x, unit); mean != nil && base != i {
				over = meanRatio(s.Rows[base], data[base].phase(phase), *row, x)
			}
			return mean, over
		}
		if s.Protocol == assay.ProtocolSteady {
			row.Mean, row.Over = of(assay.Call)
		}
		for k := range row.Phases {
			if p := &row.Phases[k]; p.Phase.Repeats() {
				p.Mean, p.Over = of(p.Phase)
			}
		}
	}
}

// meanTime estimates the mean of calls in unit; nil where no invocation has two.
func meanTime(calls *measuredPhase, unit string) *assay.Estimate {
	n := stats.Nest(calls.wall, calls.wallSeqs)
	if n.Units[0] == n.Units[1] {
		return nil
	}
	e := &assay.Estimate{Value: n.Mean / timeUnits[unit], Unit: unit, N: n.Units[0], Confidence: confidence,
		Statistic: "mean of the invocations' means", Interval: "Student's t over invocations (Kalibera and Jones)"}
	if in, ok := n.Interval(confidence); ok {
		in.Low, in.High = in.Low/timeUnits[unit], in.High/timeUnits[unit]
		e.Low, e.High = &in.Low, &in.High
	}
	return e
}

// meanRatio estimates the ratio of the mean of a row's calls x to that of its
// baseline's; nil where they cannot be compared, or the baseline's may be 0.
func meanRatio(base assay.SummaryRow, y *measuredPhase, row assay.SummaryRow, x *measuredPhase) *assay.Estimate {
	_, lacks := independent(base, y)
	_, why := independent(row, x)
	if lacks != "" || why != "" {
		return nil
	}
	above, under := stats.Nest(x.wall, x.wallSeqs), stats.Nest(y.wall, y.wallSeqs)
	ratio, in, ok := above.Over(under, confidence)
	if !ok {
		return nil
	}
	return &assay.Estimate{Value: ratio, Low: &in.Low, High: &in.High, Unit: "x", N: min(above.Units[0], under.Units[0]), Confidence: confidence,
		Statistic: "ratio of means", Interval: "Fieller's theorem over invocations (Kalibera and Jones)"}
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

// belowZero says which means of times have an interval that reaches below 0.
func belowZero(s assay.Summary) (notes []string) {
	for _, l := range lines(s) {
		if m := l.mean(); m != nil && m.Low != nil && *m.Low < 0 {
			notes = append(notes, fmt.Sprintf("%s on %s: the interval of a mean reaches below 0, where there are no times: n = %d is too few for means that differ so much; make more invocations",
				title(l.Workload, l.Params), l.Runtime, m.N))
		}
	}
	return notes
}

// worthOfCalls says how many calls an invocation is best given, where the rows
// tell.
func worthOfCalls(rows []assay.SummaryRow, made int) []string {
	least, most, open := math.MaxInt, 0, 0
	for _, row := range rows {
		switch n := row.Nesting; {
		case n == nil:
		case n.Best == 0:
			open++
		default:
			least, most = min(least, n.Best), max(most, n.Best)
		}
	}
	var best []string
	if most > 0 {
		best = append(best, span(fmt.Sprint(least), fmt.Sprint(most))+", by row")
	}
	if open > 0 {
		best = append(best, fmt.Sprintf("the more the better in %d of %d rows, where invocations add nothing that can be told", open, len(rows)))
	}
	if best == nil {
		return nil
	}
	return []string{fmt.Sprintf("calls an invocation that make the mean most precise for the time it takes (Kalibera and Jones): %s; this run has %d",
		strings.Join(best, "; "), made)}
}
