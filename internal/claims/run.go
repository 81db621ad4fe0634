package claims

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// estimateRun estimates by a run's trace what check is about.
func estimateRun(check assay.Check, t *trace.Trace) (found, error) {
	of, over := inPhase(check.Of, check.Phase), check.Over
	if over != nil {
		o := inPhase(*over, check.Phase)
		over = &o
		if of.Phase != over.Phase {
			return found{}, unable("%s of %s over %s of %s: what these span is not the same, and their ratio would say nothing; check one phase of both", of.Phase, spoken(of), over.Phase, spoken(*over))
		}
	}
	if len(check.Pair) > 0 {
		return estimateRunPairs(check, of, over, t)
	}
	a, err := choose(check.Metric, of, t)
	if err != nil {
		return found{}, err
	}
	what := "median " + check.Metric + " of " + a.name
	if over == nil {
		scale, err := a.scale(check)
		if err != nil {
			return found{}, err
		}
		e := median(a.values, check.Unit)
		e.Value /= scale // after the median, not before: the ends are samples, and shall be found exactly
		if a.of != "" {
			e.Statistic, e.Interval = "median of the invocations' medians", "order statistics of the invocations' medians"
		}
		if e.Low == nil {
			return found{}, unable("%s: %d ok invocations are too few for a 95%% interval: it takes 6", a.name, e.N)
		}
		low, high := *e.Low/scale, *e.High/scale
		e.Low, e.High = &low, &high
		return found{estimate: e, about: what + a.account(), counted: "invocations"}, nil
	}
	b, err := choose(check.Metric, *over, t)
	if err != nil {
		return found{}, err
	}
	if a.index == b.index {
		return found{}, unable("%s would be divided by itself: let over select another trial", a.name)
	}
	e, ok := ratio(a.values, b.values)
	if !ok {
		return found{}, unable("%s over %s: %d and %d ok invocations give no 95%% interval of the ratio: it takes 5 of each, and values above 0",
			a.name, b.name, len(a.values), len(b.values))
	}
	if a.of != "" {
		e.Statistic = "ratio of medians of the invocations' medians"
	}
	return found{estimate: e, about: what + a.account() + " over that of " + b.name + b.account(), counted: "invocations"}, nil
}

// inPhase is a selection that says its phase.
func inPhase(sel assay.Selection, phase assay.Phase) assay.Selection {
	if sel.Phase == "" {
		sel.Phase = phase
	}
	if sel.Phase == "" {
		sel.Phase = assay.Process
	}
	return sel
}

// estimateRunPairs estimates the geometric mean of the check's value for each of
// the workloads and parameters that it names.
func estimateRunPairs(check assay.Check, of assay.Selection, over *assay.Selection, t *trace.Trace) (found, error) {
	for _, name := range check.Pair {
		if name != "workload" && !slices.Contains(t.Meta().Params, name) {
			return found{}, absent("a run has no %q to pair by: name workload, or one of its parameters (%s)", name, strings.Join(t.Meta().Params, ", "))
		}
	}
	var names []string
	selections := map[string]assay.Selection{}
	for s, err := range t.Samples() {
		if err != nil {
			return found{}, err
		}
		if !selects(of, s) {
			continue
		}
		only := assay.Selection{Workload: of.Workload, Params: maps.Clone(of.Params)}
		var key []string
		for _, name := range check.Pair {
			if name == "workload" {
				only.Workload = s.Workload
				key = append(key, s.Workload)
				continue
			}
			if only.Params == nil {
				only.Params = map[string]string{}
			}
			only.Params[name] = s.Params[name]
			key = append(key, name+"="+s.Params[name])
		}
		name := strings.Join(key, " ")
		if _, ok := selections[name]; !ok {
			names, selections[name] = append(names, name), only
		}
	}
	var out []leftPair
	all := pairs{by: check.Pair}
	for _, pair := range names {
		v, err := pairOfRun(check, of, over, selections[pair], t)
		if why, ok := err.(cannotTell); ok {
			out = append(out, leftPair{pair, why.why})
			continue
		}
		if err != nil {
			return found{}, err
		}
		var of []string
		for _, name := range check.Pair {
			if name == "workload" {
				of = append(of, selections[pair].Workload)
			} else {
				of = append(of, selections[pair].Params[name])
			}
		}
		all.add(v, of)
	}
	if len(names) == 0 {
		return found{}, absent("no trial of the run is %s", spoken(of))
	}
	e, counted, ok := all.estimate(check.Unit)
	if !ok {
		return found{}, unable("%s", all.few(out))
	}
	about := fmt.Sprintf("%s of %s", check.Metric, spoken(of))
	if over != nil {
		about += " over that of " + spoken(*over)
	}
	f := found{estimate: e, about: about + ", " + all.String(), counted: counted}
	if len(out) > 0 {
		f.limits = []string{leftOut(out)}
	}
	return f, nil
}

// pairOfRun returns the ratio of the medians of a pair, or its median.
func pairOfRun(check assay.Check, of assay.Selection, over *assay.Selection, only assay.Selection, t *trace.Trace) (float64, error) {
	narrow := func(sel assay.Selection) assay.Selection {
		sel.Workload, sel.Params = only.Workload, only.Params
		return sel
	}
	a, err := choose(check.Metric, narrow(of), t)
	if err != nil {
		return 0, err
	}
	x := stats.Median(a.values)
	if over == nil {
		scale, err := a.scale(check)
		return x / scale, err
	}
	b, err := choose(check.Metric, narrow(*over), t)
	if err != nil {
		return 0, err
	}
	y := stats.Median(b.values)
	if x <= 0 || y <= 0 {
		return 0, unable("a median of 0 has no ratio")
	}
	return x / y, nil
}

// maxLeftOut is how many things that are left out are named.
const maxLeftOut = 3

// A leftPair is a pair that is none, and why.
type leftPair struct{ name, why string }

// leftOut says of pairs, at least one, why they are none.
func leftOut(out []leftPair) string {
	if !slices.ContainsFunc(out, func(p leftPair) bool { return p.why != out[0].why }) && len(out) > 1 {
		return fmt.Sprintf("left out: %d pairs: %s", len(out), out[0].why)
	}
	var shown []string
	for _, p := range out[:min(len(out), maxLeftOut)] {
		shown = append(shown, p.name+": "+p.why)
	}
	if more := len(out) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return "left out: " + strings.Join(shown, "; ")
}

// A chosen is the ok samples of one trial: a value for each invocation.
type chosen struct {
	name   string
	index  int64     // of the trial
	values []float64 // of calls, the medians of invocations
	unit   string    // of the trace
	of     string    // "50 calls": what the values are medians of; "" where they are samples
	failed string    // "2 timeout": invocations that are not among the values; "" for none
}

// scale returns how many units of the trace the check's unit is.
func (c chosen) scale(check assay.Check) (float64, error) {
	return scale(check.Metric, c.unit, check.Unit)
}

// scale returns how many of the unit from the unit to is.
func scale(metric, from, to string) (float64, error) {
	what := dimension(from)
	if units[what][to] == 0 {
		return 0, unable("%s is in %s, which is not a thing that %s can say: check it against one of %s",
			metric, from, to, strings.Join(slices.Sorted(maps.Keys(units[what])), ", "))
	}
	return units[what][to] / units[what][from], nil
}

// account says how many invocations the values are of.
func (c chosen) account() string {
	s := fmt.Sprintf(" (%d ok invocations", len(c.values))
	if c.of != "" {
		s += ", " + c.of
	}
	if c.failed != "" {
		s += "; left out: " + c.failed
	}
	return s + ")"
}

// choose takes out of a trace what a selection, which says its phase, selects of
// a metric. It must be one trial: a median over several is the median of nothing
// that exists.
func choose(metric string, sel assay.Selection, t *trace.Trace) (chosen, error) {
	var c chosen
	at := slices.IndexFunc(t.Meta().Columns, func(col trace.Column) bool { return col.Name == metric })
	var measures []string
	for _, col := range t.Meta().Columns {
		if dimension(col.Unit) != "" && col.Name != "start_ns" {
			measures = append(measures, col.Name)
		}
	}
	if at < 0 || !slices.Contains(measures, metric) {
		return c, absent("the trace has no measure %q: it has %s", metric, strings.Join(measures, ", "))
	}
	c.unit = t.Meta().Columns[at].Unit
	v, err := t.Project([]string{metric})
	if err != nil {
		return c, err
	}
	var names, there []string // of the trials that are selected, and of all; in order of appearance
	var values []float64
	var seqs []int64
	seen := map[assay.Phase]bool{}
	failed := map[assay.Outcome]int{}
	detail, unmeasured, row := "", 0, -1
	for s, err := range t.Samples() {
		if err != nil {
			return c, err
		}
		row++
		name := title(s.Workload, s.Params) + " on " + s.Runtime
		if !slices.Contains(there, name) {
			there = append(there, name)
		}
		if !selects(sel, s) {
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		c.name, c.index = name, int64(s.Trial)
		if s.Outcome == assay.OK {
			seen[s.Span()] = true
		} else if s.Phase == assay.Process && !s.Warmup {
			failed[s.Outcome]++
			if detail == "" {
				detail, _, _ = strings.Cut(s.Detail, "\n")
			}
		}
		switch {
		case s.Warmup || s.Span() != sel.Phase || s.Outcome != assay.OK:
		case v[0].IsNull(row):
			unmeasured++
		default:
			values, seqs = append(values, float64(v[0].Ints[row])), append(seqs, s.Seq)
		}
	}
	c.failed = counts(failed)
	switch {
	case len(names) == 0:
		return c, absent("no trial of the run is %s: run an experiment that has it; this one has %s", spoken(sel), strings.Join(there, ", "))
	case len(names) > 1:
		return c, unable("%s selects %d trials, %s: let it select one, by workload, runtime and params", spoken(sel), len(names), strings.Join(names, ", "))
	case len(seen) == 0:
		return c, unable("%s", strings.TrimSuffix(fmt.Sprintf("%s has no ok samples: %s: %s", c.name, c.failed, detail), ": "))
	case !seen[sel.Phase]:
		return c, unable("%s has no samples of phase %s, which is another scope than %v: run an experiment whose protocol measures it",
			c.name, sel.Phase, slices.Sorted(maps.Keys(seen)))
	case unmeasured > 0 && metric == "peak_rss_bytes" && sel.Phase == assay.Process:
		return c, unable("%s: the peak memory of %d samples is too small to be told from the launcher's own: a larger workload could tell", c.name, unmeasured)
	case unmeasured > 0:
		return c, unable("%s is not measured in phase %s: check it in phase process", metric, sel.Phase)
	case len(values) == 0:
		return c, unable("%s has warm-up samples only", c.name)
	}
	if !sel.Phase.Repeats() { // one an invocation
		c.values = values
		return c, nil
	}
	c.of = fmt.Sprintf("%d calls", len(values))
	c.values = stats.GroupMedians(values, seqs)
	return c, nil
}

// selects reports whether a selection has a sample. It has one of a control if
// it names that.
func selects(sel assay.Selection, s assay.Sample) bool {
	if isControl(s.Runtime) && sel.Runtime != s.Runtime {
		return false
	}
	for k, v := range sel.Params {
		if got, ok := s.Params[k]; !ok || got != v {
			return false
		}
	}
	for k, any := range sel.Where {
		got, ok := map[string]string{"workload": s.Workload, "system": s.Runtime, "runtime": s.Runtime, "host": s.Host}[k]
		if !ok {
			got = s.Params[k]
		}
		if !slices.Contains(any, got) {
			return false
		}
	}
	return (sel.Workload == "" || sel.Workload == s.Workload) && (sel.Runtime == "" || sel.Runtime == s.Runtime)
}

// title names a workload with its parameters: "crc32 n=1".
func title(workload string, params map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(params)) {
		workload += " " + k + "=" + params[k]
	}
	return workload
}

// spoken says in words what a selection selects.
func spoken(sel assay.Selection) string {
	name := sel.Workload
	if name == "" {
		name = "any workload"
	}
	name = title(name, sel.Params)
	if sel.Runtime == "" {
		name += " on any runtime"
	} else {
		name += " on " + sel.Runtime
	}
	if len(sel.Where) > 0 {
		name += " where " + where(sel.Where)
	}
	return name
}

// where says in words what columns have to be.
func where(w map[string]assay.OneOf) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(w)) {
		parts = append(parts, k+" = "+oneOf(k, w[k]))
	}
	return strings.Join(parts, ", ")
}

// oneOf says in words what values a column may have: their number, if they are
// many.
func oneOf(column string, values assay.OneOf) string {
	if len(values) > maxLeftOut {
		return fmt.Sprintf("one of %d", len(values))
	}
	var said []string
	for _, v := range values {
		said = append(said, cmp.Or(v, "no "+column))
	}
	return strings.Join(said, " or ")
}

// counts says how many there are of each, those of the most first: "2 timeout, 1
// trap".
func counts[K ~string](of map[K]int) string {
	kinds := slices.SortedFunc(maps.Keys(of), func(a, b K) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	var parts []string
	rest := 0
	for i, k := range kinds {
		if i < maxLeftOut {
			parts = append(parts, fmt.Sprintf("%d %s", of[k], k))
		} else {
			rest += of[k]
		}
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d other kinds", rest, len(kinds)-maxLeftOut))
	}
	return strings.Join(parts, ", ")
}
