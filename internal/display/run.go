package display

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
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
	Rows                []runRow
	How                 string
	Reasons             []string // why what was not ok was not
	Notes               []string
	Card                []fact
}

type runRow struct {
	Workload, Runtime, Params, N string
	Numbers                      []number // a measure each
	Strip                        string
	Failures                     string
}

// A measure is a column of estimates.
type measure struct {
	name string
	of   func(assay.SummaryRow) *assay.Estimate
}

// measures are the measures of a summary. Only times are ever those of calls.
func measures(s assay.Summary) []measure {
	wall, cpu := "wall time", "CPU time"
	if s.Phase == assay.Call {
		wall, cpu = "time of a call", "process CPU"
	}
	return []measure{
		{wall, func(r assay.SummaryRow) *assay.Estimate { return r.Wall }},
		{cpu, func(r assay.SummaryRow) *assay.Estimate { return r.CPU }},
		{"peak memory", func(r assay.SummaryRow) *assay.Estimate { return r.RSS }},
	}
}

func (v *runView) addRows(s assay.Summary) {
	measures := measures(s)
	var times []*assay.Estimate
	all := map[assay.Outcome]int{}
	planned := 0
	for _, r := range s.Rows {
		times = append(times, r.Wall)
		planned += r.Planned
		for o, n := range r.Outcomes {
			all[o] += n
		}
	}
	axis, drawn := axisOf(times)
	for _, m := range measures {
		var es []*assay.Estimate
		for _, r := range s.Rows {
			es = append(es, m.of(r))
		}
		v.Measures = append(v.Measures, m.name+prefixed(", ", firstUnit(es)))
	}
	if s.Floor > 0 && !strings.Contains(v.Measures[2], ",") {
		v.Measures[2] += ", MiB" // every peak is below the floor
	}
	if drawn && len(s.Rows) > 1 {
		v.Axis = axis.ends(firstUnit(times))
	}
	for _, r := range s.Rows {
		row := runRow{Workload: clean(r.Workload), Runtime: clean(r.Runtime), Params: params(r.Params), Failures: failures(r)}
		row.N = fmt.Sprintf("%d of %d", r.Outcomes[assay.OK], r.Planned)
		if r.Calls > 0 {
			row.N += fmt.Sprintf(" (%d calls)", r.Calls)
		}
		for _, m := range measures {
			row.Numbers = append(row.Numbers, spell(m.of(r)))
		}
		if r.RSSBelow > 0 {
			row.Numbers[2] = number{"below " + fixed(float64(s.Floor)/(1<<20), 1), ""}
		}
		if v.Axis != "" && r.Wall != nil {
			row.Strip = axis.strip(r.Wall)
		}
		v.Params = v.Params || row.Params != ""
		v.Failed = v.Failed || row.Failures != ""
		v.Rows = append(v.Rows, row)
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
	head = append(head, "n")
	head = append(head, v.Measures...)
	if v.Failed {
		head = append(head, "not ok")
	}
	rows := [][]string{head}
	for _, r := range v.Rows {
		row := []string{r.Workload, r.Runtime}
		if v.Params {
			row = append(row, r.Params)
		}
		row = append(row, r.N)
		for _, n := range r.Numbers {
			row = append(row, n.String())
		}
		if v.Failed {
			row = append(row, r.Failures)
		}
		rows = append(rows, row)
	}
	b.WriteString(columns(rows))
	fmt.Fprintf(&b, "\n%s\n", v.How)
	for _, r := range v.Reasons {
		fmt.Fprintln(&b, r)
	}
	if len(v.Notes) > 0 {
		fmt.Fprintf(&b, "beware: %s\n", clean(strings.Join(v.Notes, "; ")))
	}
	return b.String()
}

// howEstimated says how the numbers of a summary were made: once, where that is
// the same for all measures.
func howEstimated(s assay.Summary) string {
	var hows []string
	made := map[string][]string{} // so: measures
	for _, m := range measures(s) {
		i := slices.IndexFunc(s.Rows, func(r assay.SummaryRow) bool { return m.of(r) != nil })
		if i < 0 {
			continue
		}
		e := m.of(s.Rows[i])
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
	return strings.Join(append(hows, "n: invocations that were ok, of those planned"), "; ")
}

// failures says in words how what was not ok ended; "" if all was.
func failures(r assay.SummaryRow) string {
	var parts []string
	add := func(n int, how string) { parts = append(parts, fmt.Sprintf("%d %s", n, clean(how))) }
	for _, o := range slices.Sorted(maps.Keys(r.Outcomes)) {
		switch {
		case o == assay.OK:
		case o == assay.Exit && len(r.Exits) > 0:
			for _, status := range slices.Sorted(maps.Keys(r.Exits)) {
				add(r.Exits[status], "exit "+strconv.Itoa(int(status)))
			}
		case o == assay.Signal && len(r.Signals) > 0:
			for _, name := range slices.Sorted(maps.Keys(r.Signals)) {
				add(r.Signals[name], name)
			}
		default:
			add(r.Outcomes[o], string(o))
		}
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
		{"conditions", joined(prefixed("load ", h.Load1), governor(h.Governor), prefixed("virtual: ", h.Virtual), prefixed("clock ", h.Clock))},
	}
	for _, r := range run.Runtimes {
		facts = append(facts, fact{"runtime " + r.Name, joined(r.Version, digest(r.Digest), r.Origin, prefixed("absent: ", r.Absent))})
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
