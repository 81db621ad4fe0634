package display

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/summary"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Run shows a run: the table of its summary, failures and notes with it, and
// folded, where its numbers come from. archived says that nothing was measured
// for it now.
func Run(run assay.Run, s assay.Summary, archived bool) wire.Display {
	v := runView{Name: s.Name, Scope: s.Scope, How: howEstimated(s), Notes: s.Notes, Origin: originMeasured, Card: provenance(run)}
	if archived {
		v.Origin = originArchived
	}
	v.addRows(s)
	v.Reasons = reasons(s)
	return bundle(KindRun, v, v.text(), map[string]any{
		"name": run.Name, "run": run.ID, "experiment": digest(run.Experiment), "trace": digest(run.Trace),
	})
}

// A runView is a run as its template and its text show it.
type runView struct {
	Name, Scope, Origin string
	Counts              string // how all its invocations ended
	Measures            []string
	Axis                string // what the strips of the first measure span; "" for none
	Params, Failed      bool   // whether there is such a column
	Phases, Modes       bool   // likewise
	Rows                []runRow
	How                 string
	Legend              []string // what the phases span
	Compared            []string // what runtimes differ by
	Reasons             []string // why what was not ok was not
	Notes               []string
	Card                []fact
}

type runRow struct {
	Workload, Runtime, Params, Phase, N string
	Numbers                             []number // a measure each
	Strip                               string
	Mode, Failures                      string
}

// A line is a row of a summary, and of its phases one.
type line struct {
	assay.SummaryRow
	phase assay.PhaseRow
}

// lines returns the lines of a summary: one a row, but one a phase where a
// shim told them.
func lines(s assay.Summary) []line {
	var all []line
	for _, r := range s.Rows {
		if s.Phase != "" || len(r.Phases) == 0 {
			all = append(all, line{SummaryRow: r})
			continue
		}
		for _, p := range r.Phases {
			all = append(all, line{r, p})
		}
	}
	return all
}

// A measure is a column of estimates.
type measure struct {
	name string
	of   func(line) *assay.Estimate
}

// peakMemory is the name of the measure that has a floor.
const peakMemory = "peak memory"

// measures are the measures of a summary. Only times are ever those of calls
// and phases.
func measures(s assay.Summary) []measure {
	peak := measure{peakMemory, func(l line) *assay.Estimate { return l.RSS }}
	wall, cpu := "wall time", "CPU time"
	switch s.Protocol {
	case assay.ProtocolPhases:
		return append([]measure{
			{wall, func(l line) *assay.Estimate { return l.phase.Wall }},
			{cpu, func(l line) *assay.Estimate { return l.phase.CPU }},
		}, ofMeans(s)...)
	case assay.ProtocolMemory:
		return append([]measure{peak, {"proportional memory at exit", func(l line) *assay.Estimate { return l.PSS }}}, ofGroups(s)...)
	case assay.ProtocolCount:
		return []measure{{"count", func(l line) *assay.Estimate { return l.Guest }}}
	}
	if s.Phase == assay.Call {
		wall, cpu = "time of a call", "process CPU"
	}
	all := []measure{{wall, func(l line) *assay.Estimate { return l.Wall }}}
	if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return len(r.Phases) > 0 }) {
		all = append(all, measure{"first byte", func(l line) *assay.Estimate {
			if len(l.Phases) == 0 {
				return nil
			}
			return l.Phases[0].Wall
		}})
	}
	all = append(append(all, ofMeans(s)...), measure{cpu, func(l line) *assay.Estimate { return l.CPU }}, peak)
	return append(all, ofGroups(s)...)
}

// ofMeans are the measures of the means of calls that a summary has.
func ofMeans(s assay.Summary) []measure {
	first := ""
	for _, r := range s.Rows[:min(len(s.Rows), 1)] {
		first = clean(r.Runtime)
	}
	return there(s, []measure{
		{"mean of calls", func(l line) *assay.Estimate { return cmp.Or(l.Mean, l.phase.Mean) }},
		{"mean over that of " + first, func(l line) *assay.Estimate { return cmp.Or(l.Over, l.phase.Over) }},
	})
}

// ofGroups are the measures of the control groups of containers that a summary
// has.
func ofGroups(s assay.Summary) []measure {
	return there(s, []measure{
		{"control group's CPU time", func(l line) *assay.Estimate { return l.GroupCPU }},
		{"control group's peak memory", func(l line) *assay.Estimate { return l.GroupMemory }},
	})
}

// there returns those of all that a summary has.
func there(s assay.Summary, all []measure) []measure {
	return slices.DeleteFunc(all, func(m measure) bool {
		return !slices.ContainsFunc(lines(s), func(l line) bool { return m.of(l) != nil })
	})
}

func (v *runView) addRows(s assay.Summary) {
	measures, lines := measures(s), lines(s)
	estimates := func(m measure) []*assay.Estimate {
		var es []*assay.Estimate
		for _, l := range lines {
			es = append(es, m.of(l))
		}
		return es
	}
	all := map[assay.Outcome]int{}
	planned := 0
	for _, r := range s.Rows {
		planned += r.Planned
		for o, n := range r.Outcomes {
			all[o] += n
		}
	}
	first := estimates(measures[0])
	axis, drawn := axisOf(first)
	oneUnit := s.Protocol != assay.ProtocolCount // each runtime counts in its own
	for _, m := range measures {
		name := m.name
		if unit := firstUnit(estimates(m)); oneUnit {
			name += prefixed(", ", unit)
			if m.name == peakMemory && unit == "" && s.Floor > 0 {
				name += ", MiB" // every peak is below the floor
			}
		}
		v.Measures = append(v.Measures, name)
	}
	if drawn && len(lines) > 1 && oneUnit {
		v.Axis = axis.ends(firstUnit(first))
	}
	for i, l := range lines {
		row := runRow{Workload: clean(l.Workload), Runtime: clean(l.Runtime), Params: params(l.Params), Phase: clean(string(l.phase.Phase)), Failures: failures(l.SummaryRow)}
		if l.Mode != "" {
			row.Mode = clean(summary.Mode(l.SummaryRow))
		}
		row.N = fmt.Sprintf("%d of %d", l.Outcomes[assay.OK], l.Planned)
		if calls := l.Calls + l.phase.Calls; calls > 0 {
			row.N += fmt.Sprintf(" (%d calls)", calls)
		}
		for _, m := range measures {
			n, e := spell(m.of(l)), m.of(l)
			if m.name == peakMemory && l.RSSBelow > 0 {
				n = n.below(s.Floor, e)
			}
			if !oneUnit && e != nil {
				n.Value += " " + clean(e.Unit)
			}
			row.Numbers = append(row.Numbers, n)
		}
		if v.Axis != "" && first[i] != nil {
			row.Strip = axis.strip(first[i])
		}
		v.Params = v.Params || row.Params != ""
		v.Phases = v.Phases || row.Phase != ""
		v.Modes = v.Modes || row.Mode != ""
		v.Failed = v.Failed || row.Failures != ""
		v.Rows = append(v.Rows, row)
	}
	for _, l := range summary.Legend(s) {
		v.Legend = append(v.Legend, clean(l))
	}
	for _, l := range summary.Compared(s) {
		v.Compared = append(v.Compared, clean(l))
	}
	v.Counts = fmt.Sprintf("%d of %d invocations ok", all[assay.OK], planned)
	for _, o := range slices.Sorted(maps.Keys(all)) {
		if o != assay.OK {
			v.Counts += fmt.Sprintf(", %d %s", all[o], o)
		}
	}
}

// firstUnit is the unit of a column of estimates.
func firstUnit(es []*assay.Estimate) string {
	for _, e := range es {
		if e != nil {
			return clean(e.Unit)
		}
	}
	return ""
}

func (v runView) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%s)\n%s\n\n", clean(v.Name), v.Counts, v.Origin, clean(v.Scope))
	head := []string{"workload", "runtime"}
	if v.Params {
		head = append(head, "parameters")
	}
	if v.Phases {
		head = append(head, "phase")
	}
	head = append(head, "n")
	head = append(head, v.Measures...)
	if v.Modes {
		head = append(head, "mode")
	}
	if v.Failed {
		head = append(head, "not ok")
	}
	rows := [][]string{head}
	for _, r := range v.Rows {
		row := []string{r.Workload, r.Runtime}
		if v.Params {
			row = append(row, r.Params)
		}
		if v.Phases {
			row = append(row, r.Phase)
		}
		row = append(row, r.N)
		for _, n := range r.Numbers {
			row = append(row, n.String())
		}
		if v.Modes {
			row = append(row, r.Mode)
		}
		if v.Failed {
			row = append(row, r.Failures)
		}
		rows = append(rows, row)
	}
	b.WriteString(columns(rows))
	fmt.Fprintf(&b, "\n%s\n", v.How)
	for _, l := range slices.Concat(v.Legend, v.Compared, v.Reasons) {
		fmt.Fprintln(&b, l)
	}
	if len(v.Notes) > 0 {
		notes := make([]string, len(v.Notes))
		for i, n := range v.Notes {
			notes[i] = clean(n)
		}
		fmt.Fprintf(&b, "beware: %s\n", strings.Join(notes, "; "))
	}
	return b.String()
}

// howEstimated says how the numbers of a summary were made: once, where that is
// the same for all measures.
func howEstimated(s assay.Summary) string {
	var hows []string
	made := map[string][]string{} // so: measures
	lines := lines(s)
	for _, m := range measures(s) {
		i := slices.IndexFunc(lines, func(l line) bool { return m.of(l) != nil })
		if i < 0 {
			continue
		}
		e := m.of(lines[i])
		how := fmt.Sprintf("%s [%g%% interval by %s]", clean(e.Statistic), 100*e.Confidence, clean(e.Interval))
		if made[how] == nil {
			hows = append(hows, how)
		}
		made[how] = append(made[how], m.name)
	}
	if len(hows) == 0 {
		return "no invocation was ok: there is nothing to estimate"
	}
	if len(hows) > 1 {
		for i, how := range hows {
			hows[i] = strings.Join(made[how], ", ") + ": " + how
		}
	}
	if slices.ContainsFunc(lines, func(l line) bool { return l.phase.Phase.Repeats() }) {
		hows = append(hows, "of calls, medians are of the invocations' medians")
	}
	return strings.Join(append(hows, "n: invocations that were ok, of those planned"), "; ")
}

// failures says in words how what was not ok ended; "" if all was.
func failures(r assay.SummaryRow) string {
	parts := summary.Failures(r)
	for i, p := range parts {
		parts[i] = clean(p)
	}
	return strings.Join(parts, ", ")
}

// reasons says once each why trials were not ok: which, and the first line of
// the first reason that is known.
func reasons(s assay.Summary) []string {
	var all []string
	trials := map[string][]string{}
	for _, r := range s.Rows {
		first, _, _ := strings.Cut(strings.TrimSpace(r.Detail), "\n")
		if first = clean(first); first == "" {
			continue
		}
		if trials[first] == nil {
			all = append(all, first)
		}
		trials[first] = append(trials[first], clean(joined(r.Workload+" on "+r.Runtime, params(r.Params))))
	}
	for i, reason := range all {
		all[i] = strings.Join(trials[reason], "; ") + ": " + reason
	}
	return all
}

func params(of map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, clean(name)+"="+clean(of[name]))
	}
	return strings.Join(parts, " ")
}

// provenance says where the numbers of a run come from.
func provenance(run assay.Run) []fact {
	h := run.Host
	facts := []fact{
		{"run", run.ID},
		{"experiment", digest(run.Experiment)},
		{"plan", digest(run.Plan)},
		{"trace", digest(run.Trace)},
		{"host", joined(h.Name, h.OS+"/"+h.Arch, h.Kernel)},
		{"processor", joined(h.CPU, fmt.Sprintf("%d cores", h.Cores), memory(h.Memory))},
		{"conditions", joined(prefixed("load ", h.Load1), governor(h.Governor), prefixed("turbo ", h.Turbo), prefixed("SMT ", h.SMT), prefixed("virtual: ", h.Virtual), prefixed("clock ", h.Clock))},
	}
	if run.Launch != nil {
		facts = append(facts, fact{"launch", spell(run.Launch).String() + " " + run.Launch.Unit + ", of a process that ends at once: in every process time, subtracted from none"})
	}
	for _, column := range slices.Sorted(maps.Keys(run.Unmeasured)) {
		facts = append(facts, fact{"not measured: " + column, run.Unmeasured[column]})
	}
	for _, r := range run.Runtimes {
		facts = append(facts, fact{"runtime " + r.Name, joined(r.Version, digest(r.Digest), r.Origin, prefixed("absent: ", r.Absent))})
		if len(r.Loader) > 0 {
			facts = append(facts, fact{"", "loader, timed with it: " + strings.Join(r.Loader, " ")})
		}
		for _, f := range r.Files {
			facts = append(facts, fact{"", joined(fileName(f.Path), digest(f.Digest))})
		}
	}
	began := run.Started.UTC().Format(time.DateTime) + " UTC"
	if !run.Finished.IsZero() {
		began += ", for " + run.Finished.Sub(run.Started).Round(time.Second).String()
	}
	if run.Segments > 1 {
		began += fmt.Sprintf(", in %d parts", run.Segments)
	}
	return card(append(facts, fact{"measured", began}, fact{"agent", digest(run.Agent)}, fact{"assay", run.Version}, fact{"environment", strings.Join(run.Env, " ")})...)
}

func governor(name string) string {
	if name == "" {
		return "governor not told"
	}
	return "governor " + name
}

func memory(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// joined joins the parts that are not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// fileName is the last element of a path of any system.
func fileName(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }
