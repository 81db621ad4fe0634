package lab

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const confidence = 0.95

// processScope is what a cold-start time spans.
const processScope = "process start to exit of a fresh process; compiled code not cached, page cache warm"

// callScope is what a steady time spans. What it says of the invocations is not
// known if the plan has none.
func callScope(plan assay.Plan) string {
	return fmt.Sprintf("one call in a process that goes on, by the guest's own clock; %d calls in each of %d fresh processes, after %d of warm-up; "+
		"CPU and peak RSS are of the whole process", plan.Calls-plan.WarmCalls, len(plan.Order), plan.WarmCalls)
}

// summarise sums up samples of a plan, a row a trial.
func summarise(run assay.Run, plan assay.Plan, samples iter.Seq2[assay.Sample, error]) (assay.Summary, error) {
	s := assay.Summary{Run: run.ID, Name: run.Name, Phase: assay.Process, Scope: processScope, Floor: run.RSSFloor}
	if plan.Calls > 0 {
		s.Phase, s.Scope = assay.Call, callScope(plan)
	}
	for _, f := range noise(run.Host) {
		if f.Mark == Noisy {
			s.Notes = append(s.Notes, f.What+": "+f.Found)
		}
	}
	type times struct {
		wall, cpu, rss []float64
		calls          []float64 // ns
		seqs           []int64   // of calls: their invocations
	}
	data := make([]times, len(plan.Trials))
	for _, t := range plan.Trials {
		s.Rows = append(s.Rows, assay.SummaryRow{
			Workload: t.Workload, Runtime: t.Runtime, Params: t.Params,
			Planned: len(plan.Order) - plan.Warmup, Outcomes: map[assay.Outcome]int{}, Exits: map[int32]int{}, Signals: map[string]int{},
		})
	}
	for x, err := range samples {
		if err != nil {
			return s, err
		}
		if x.Warmup || x.Phase != assay.Process && x.Phase != assay.Call {
			continue
		}
		if x.Trial < 0 || int(x.Trial) >= len(s.Rows) {
			return s, fmt.Errorf("run %s: a sample of trial %d, the plan has %d", run.ID, x.Trial, len(s.Rows))
		}
		row, d := &s.Rows[x.Trial], &data[x.Trial]
		if x.Phase == assay.Call {
			if x.Outcome == assay.OK && x.WallNS != nil {
				d.calls, d.seqs = append(d.calls, float64(*x.WallNS)), append(d.seqs, x.Seq)
			}
			continue
		}
		row.Outcomes[x.Outcome]++
		switch x.Outcome {
		case assay.Exit:
			row.Exits[x.Exit]++
		case assay.Signal:
			row.Signals[x.Signal]++
		}
		if x.Outcome != assay.OK {
			if row.Detail == "" {
				row.Detail = x.Detail
			}
			continue
		}
		add := func(to *[]float64, v *int64, scale float64) {
			if v != nil {
				*to = append(*to, float64(*v)/scale)
			}
		}
		add(&d.wall, x.WallNS, 1e6)
		add(&d.cpu, x.CPUNS, 1e6)
		add(&d.rss, x.RSSBytes, 1<<20)
		if x.RSSBytes == nil {
			row.RSSBelow++
		}
	}
	slowest := 0.0
	for _, d := range data {
		slowest = max(slowest, stats.Median(stats.GroupMedians(d.calls, d.seqs)))
	}
	unit := timeUnit(slowest)
	for i := range s.Rows {
		row := &s.Rows[i]
		if row.Wall = median(data[i].wall, "ms"); s.Phase == assay.Call {
			row.Calls, row.Wall = len(data[i].calls), callMedian(data[i].calls, data[i].seqs, unit)
			if coarse := coarseness(data[i].calls); coarse != "" {
				s.Notes = append(s.Notes, title(*row)+" on "+row.Runtime+": "+coarse)
			}
		}
		row.CPU = median(data[i].cpu, "ms")
		if row.RSSBelow == 0 {
			row.RSS = median(data[i].rss, "MiB")
		}
	}
	return s, nil
}

// median returns the median of xs and its interval, nil for no samples.
func median(xs []float64, unit string) *assay.Estimate {
	if len(xs) == 0 {
		return nil
	}
	e := &assay.Estimate{Value: stats.Median(xs), Unit: unit, N: len(xs), Confidence: confidence, Statistic: "median", Interval: "order statistics"}
	if i, ok := stats.MedianInterval(xs, confidence); ok {
		e.Low, e.High = &i.Low, &i.High
	}
	return e
}

// callMedian returns the median of the invocations' medians of the call times ns
// in unit, and its interval; nil for no calls.
func callMedian(ns []float64, seqs []int64, unit string) *assay.Estimate {
	medians := stats.GroupMedians(ns, seqs)
	for i := range medians {
		medians[i] /= timeUnits[unit]
	}
	e := median(medians, unit)
	if e != nil {
		e.Statistic, e.Interval = "median of the invocations' medians", "order statistics of the invocations' medians"
	}
	return e
}

// timeUnits are the units of time, in nanoseconds.
var timeUnits = map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}

// timeUnit returns the unit in which so many nanoseconds are read well.
func timeUnit(ns float64) string {
	switch {
	case ns < 1e3:
		return "ns"
	case ns < 1e6:
		return "us"
	}
	return "ms"
}

// coarseness says whether the clock was too coarse for the call times ns: some
// are 0, or they come in steps that are not small against the median. "" says
// that it was fine enough.
func coarseness(ns []float64) string {
	if len(ns) == 0 {
		return ""
	}
	zeros := 0
	for _, v := range ns {
		if v == 0 {
			zeros++
		}
	}
	if zeros > 0 {
		return fmt.Sprintf("%d of %d call times are 0: the guest's clock is too coarse for them; let a call do more", zeros, len(ns))
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ns)))
	if 2*len(distinct) > len(ns) {
		return "" // where a clock rounds, times are equal
	}
	step := distinct[0]
	for i := 1; i < len(distinct); i++ {
		step = min(step, distinct[i]-distinct[i-1])
	}
	if m := stats.Median(ns); step > m/100 {
		return fmt.Sprintf("call times come in steps of %.0f ns, and their median is %.0f ns: the guest's clock is coarse for them; let a call do more", step, m)
	}
	return ""
}

// title names the workload of a row and its parameters.
func title(r assay.SummaryRow) string {
	name := r.Workload
	for _, k := range sortedKeys(r.Params) {
		name += " " + k + "=" + r.Params[k]
	}
	return name
}

// WriteSummary writes s as a table of text.
func WriteSummary(out io.Writer, s assay.Summary) error {
	statistic, n, wall, cpu := "median [95% interval of the median, order statistics]", "n", "wall (ms)", "CPU (ms)"
	if s.Phase == assay.Call {
		unit := "ms"
		for _, r := range s.Rows {
			if r.Wall != nil {
				unit = r.Wall.Unit
			}
		}
		statistic, n = "median over invocations of each one's median [95% interval, order statistics over invocations]", "invocations\tcalls"
		wall, cpu = fmt.Sprintf("call (%s)", unit), "process CPU (ms)"
	}
	fmt.Fprintf(out, "%s: %s\n%s; run %s\n\n", s.Name, s.Scope, statistic, s.Run)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "workload\truntime\t%s\t%s\t%s\tpeak RSS (MiB)\tfailures\n", n, wall, cpu)
	for _, r := range s.Rows {
		rss := cell(r.RSS)
		if r.RSSBelow > 0 {
			rss = fmt.Sprintf("below %.1f", float64(s.Floor)/(1<<20))
		}
		count := fmt.Sprint(r.Outcomes[assay.OK])
		if s.Phase == assay.Call {
			count += fmt.Sprintf("\t%d", r.Calls)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", title(r), r.Runtime, count, cell(r.Wall), cell(r.CPU), rss, failures(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Notes) > 0 {
		fmt.Fprintf(out, "\nnotes: %s\n", strings.Join(s.Notes, "; "))
	}
	return nil
}

func cell(e *assay.Estimate) string {
	switch {
	case e == nil:
		return "-"
	case e.Low == nil:
		return fmt.Sprintf("%s [too few]", figures3(e.Value))
	default:
		return fmt.Sprintf("%s [%s, %s]", figures3(e.Value), figures3(*e.Low), figures3(*e.High))
	}
}

// figures3 writes v with three significant figures and no exponent.
func figures3(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	case v > 0:
		return fmt.Sprintf("%.*f", 2-int(math.Floor(math.Log10(v))), v)
	default:
		return "0"
	}
}

// failures says in words how what was not ok ended.
func failures(r assay.SummaryRow) string {
	var parts []string
	for _, o := range sortedKeys(r.Outcomes) {
		switch o {
		case assay.OK:
		case assay.Exit:
			for _, status := range slices.Sorted(maps.Keys(r.Exits)) {
				parts = append(parts, fmt.Sprintf("%d exit %d", r.Exits[status], status))
			}
		case assay.Signal:
			for _, name := range sortedKeys(r.Signals) {
				parts = append(parts, fmt.Sprintf("%d %s", r.Signals[name], name))
			}
		default:
			parts = append(parts, fmt.Sprintf("%d %s", r.Outcomes[o], o))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	text := strings.Join(parts, ", ")
	if first, _, _ := strings.Cut(strings.TrimSpace(r.Detail), "\n"); first != "" {
		text += ": " + first
	}
	return text
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	var ks []K
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
