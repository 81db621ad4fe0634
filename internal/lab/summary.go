package lab

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const confidence = 0.95

// processScope is what a cold-start time spans.
const processScope = "process start to exit of a fresh process; compiled code not cached, page cache warm"

// summarise sums up samples of a plan, a row a trial.
func summarise(run assay.Run, plan assay.Plan, samples iter.Seq2[assay.Sample, error]) (assay.Summary, error) {
	s := assay.Summary{Run: run.ID, Name: run.Name, Scope: processScope, Floor: run.RSSFloor}
	for _, f := range noise(run.Host) {
		if f.Mark == Noisy {
			s.Notes = append(s.Notes, f.What+": "+f.Found)
		}
	}
	type times struct{ wall, cpu, rss []float64 }
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
		if x.Warmup || x.Phase != assay.Process {
			continue
		}
		if x.Trial < 0 || int(x.Trial) >= len(s.Rows) {
			return s, fmt.Errorf("run %s: a sample of trial %d, the plan has %d", run.ID, x.Trial, len(s.Rows))
		}
		row, d := &s.Rows[x.Trial], &data[x.Trial]
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
	for i := range s.Rows {
		row := &s.Rows[i]
		row.Wall = median(data[i].wall, "ms")
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

// WriteSummary writes s as a table of text.
func WriteSummary(out io.Writer, s assay.Summary) error {
	fmt.Fprintf(out, "%s: %s\nmedian [95%% interval of the median, order statistics]; run %s\n\n", s.Name, s.Scope, s.Run)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "workload\truntime\tn\twall (ms)\tCPU (ms)\tpeak RSS (MiB)\tfailures")
	for _, r := range s.Rows {
		name := r.Workload
		for _, k := range sortedKeys(r.Params) {
			name += " " + k + "=" + r.Params[k]
		}
		rss := cell(r.RSS)
		if r.RSSBelow > 0 {
			rss = fmt.Sprintf("below %.1f", float64(s.Floor)/(1<<20))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", name, r.Runtime, r.Outcomes[assay.OK], cell(r.Wall), cell(r.CPU), rss, failures(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Notes) > 0 {
		fmt.Fprintf(out, "\nnoise: %s\n", strings.Join(s.Notes, "; "))
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
	default:
		return fmt.Sprintf("%.3f", v)
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
