package lint

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	// A closed loop has throughput × latency = load, or less by the time between
	// requests. More is impossible for a mean, beyond rounding.
	littleAbove = 1.05
	oneFactor   = 0.03 // a ratio that differs by less in the middle half of the rows that are off is one factor
	fewestRows  = 3    // of which a factor below 1 is told from a generator that waits
	littleShare = 0.05 // of the rows of a condition, so that one odd row is no finding
)

// little compares throughput x mean latency with the load, and throughput x
// interval with one: J. D. C. Little, "A proof for the queuing formula L = λW",
// Operations Research 9(3), 1961.
func little(rule string, t *table) (found []assay.Finding) {
	load := t.counted(assay.RoleLoad)
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if throughput == nil || t.has(assay.RoleRate) { // an open loop's load is not set but found
		return nil
	}
	if load != nil {
		for _, v := range t.by[assay.RoleLatency] {
			if latency := in(v, seconds); latency != nil && isMean(v) {
				found = append(found, t.contradiction(rule, v, func(row int) float64 { return throughput[row] * latency[row] / load[row] },
					"throughput × "+v.Name+" / load")...)
			}
		}
	}
	for _, v := range t.by[assay.RoleInterval] {
		if interval := in(v, seconds); interval != nil {
			found = append(found, t.contradiction(rule, v, func(row int) float64 { return throughput[row] * interval[row] },
				"throughput × "+v.Name)...)
		}
	}
	return found
}

// contradiction finds conditions in which a ratio that must be one is not.
func (t *table) contradiction(rule string, v *trace.Values, ratio func(row int) float64, formula string) (found []assay.Finding) {
	where := t.condition()
	for _, rows := range group(t.rows, where...) {
		var hits, below []int
		var all []float64
		step := halfStep(v, rows)
		x := numbers(v)
		seen := 0
		for _, row := range rows {
			r := ratio(row)
			if !(r > 0) || math.IsInf(r, 0) {
				continue
			}
			seen, all = seen+1, append(all, r)
			switch {
			case r > littleAbove+r*step/x[row]:
				hits = append(hits, row)
			case r < 1/littleAbove:
				below = append(below, row)
			}
		}
		factor, constant, likely := oneRatio(all)
		switch {
		case len(hits) > 0:
			of := make([]float64, len(hits))
			for i, row := range hits {
				of[i] = ratio(row)
			}
			// A part of the rows that is off by no factor one knows may be chance.
			factor, constant, likely = oneRatio(of)
			constant = constant && len(hits) >= min(fewestRows, seen) && (likely || 2*len(hits) > seen)
		case len(below) >= fewestRows && constant && likely:
			hits = below
		}
		if len(hits) == 0 || float64(len(hits)) <= littleShare*float64(seen) {
			continue
		}
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, seen, ratio)
		f.Number = t.median(hits, "x", ratio)
		f.Says = fmt.Sprintf("%s = %.3g, must be 1", formula, f.Number.Value)
		f.Effect = fmt.Sprintf("the values of %s are not the mean of what these requests took: corrected for late sends, of other requests, or of another load", v.Name)
		f.Remedy = "find out what the load generator means by it, or compute the mean latency as load / throughput"
		if constant {
			f.Severity = assay.SeverityError
			f.Says = fmt.Sprintf("%s = %.2f, must be 1", formula, f.Number.Value)
			f.Effect = fmt.Sprintf("these values of %s, and every ratio to somebody else's, are off by that factor; throughput is not", v.Name)
			f.Remedy = "find out how the load generator's instances were added up, or compute the mean latency as load / throughput"
		}
		if constant && likely {
			f.Says += ": a factor of " + factor
		}
		found = append(found, f)
	}
	return found
}

// oneRatio reports whether the middle half of ratios is one factor, and which
// mistake that looks like, if likely.
func oneRatio(ratios []float64) (factor string, constant, likely bool) {
	slices.Sort(ratios)
	middle := stats.SortedMedian(ratios)
	constant = stats.SortedQuantile(ratios, 0.75)-stats.SortedQuantile(ratios, 0.25) <= oneFactor*middle
	factor, likely = likelyFactor(middle)
	return factor, constant, likely
}

// likelyFactor names the mistake that a ratio looks like.
func likelyFactor(ratio float64) (name string, ok bool) {
	for _, f := range []struct {
		factor float64
		name   string
	}{
		{1e3, "1000: a unit"}, {1e-3, "1/1000: a unit"}, {1e6, "1000000: a unit"}, {1e-6, "1/1000000: a unit"}, {60, "60: minutes for seconds"},
		{2, "2: two load generators added up, or a round trip counted twice"}, {0.5, "1/2"}, {3, "3"}, {4, "4: added up over load generators twice"}, {8, "8"},
	} {
		if math.Abs(ratio/f.factor-1) < 0.03 {
			return f.name, true
		}
	}
	return "", false
}

// isMean reports whether a latency is said to be a mean of what requests took.
func isMean(v *trace.Values) bool {
	mean, other := statistics(v)
	return mean && !other
}

// statistics reports whether the meaning of a column has the word mean, and
// whether it has that of another statistic.
func statistics(v *trace.Values) (mean, other bool) {
	words := strings.FieldsFunc(strings.ToLower(v.Meaning), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '%' })
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"mean", "average", "avg"}, w) }),
		slices.ContainsFunc(words, otherStatistic.MatchString)
}

// otherStatistic are words by which a latency is another statistic, or the mean
// of one; corrected ones are for requests that were sent late, as wrk2 does.
var otherStatistic = regexp.MustCompile(`^(p\d+s?|.*%|\d+th|percentiles?|quantiles?|quartiles?|medians?|max|maxima|maximum|min|minima|minimum|longest|shortest|slowest|fastest|deviations?|corrected)$`)
