// Package summary says what the samples of a run come to: medians and means
// with their intervals, what runtimes differ by, and what a reader of the
// numbers must know.
//
// It is a function of a run's record, its plan and its samples: it measures
// nothing, looks at no host and opens no archive. A number that the samples do
// not bear it leaves out, and says why.
package summary

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

// engines gathers what shims said of their engines, by runtime: the versions of
// these, where that of the program may be another.
type engines map[string]string

func (e engines) add(x assay.Sample) {
	if _, version, ok := strings.Cut(x.Engine, " "); ok {
		e[strings.TrimSuffix(x.Runtime, assay.ControlSuffix)] = version
	}
}

func (e engines) notes() []string {
	var all []string
	for _, runtime := range slices.Sorted(maps.Keys(e)) {
		all = append(all, runtime+" "+e[runtime])
	}
	if len(all) == 0 {
		return nil
	}
	return []string{"engines of the shims, which may be of another version than the commands: " + strings.Join(all, ", ")}
}

// toKnow returns what a reader of the numbers of plan's runtimes must know, each
// fact once.
func toKnow(plan assay.Plan) []string {
	type fact struct{ one, many, what string } // verbs, and what follows
	var facts []fact
	of := map[fact][]string{} // names of runtimes
	for _, t := range plan.Trials {
		r, err := runtimes.Find(strings.TrimSuffix(t.Runtime, assay.ControlSuffix))
		if err != nil || r.Shim() == nil || t.Unsupported != "" {
			continue
		}
		add := func(f fact) {
			if f.what == "" || slices.Contains(of[f], r.Name()) {
				return
			}
			if of[f] == nil {
				facts = append(facts, f)
			}
			of[f] = append(of[f], r.Name())
		}
		add(fact{"is", "are", r.Shim().Note})
		if plan.Phases {
			add(fact{"does not tell", "do not tell", r.Shim().Untold})
		}
	}
	var all []string
	for _, f := range facts {
		verb := f.one
		if len(of[f]) > 1 {
			verb = f.many
		}
		all = append(all, fmt.Sprintf("%s %s %s", strings.Join(of[f], ", "), verb, f.what))
	}
	return all
}

// Of sums up samples of a plan, a row a trial. How the host was, it takes from
// run.Ready. An error is that of samples, or a sample of no trial of the plan.
func Of(run assay.Run, plan assay.Plan, samples iter.Seq2[assay.Sample, error]) (assay.Summary, error) {
	s := assay.Summary{Run: run.ID, Name: run.Name, Protocol: protocolOf(plan), Scope: scopeOf(plan), Floor: run.RSSFloor}
	switch s.Protocol {
	case assay.ProtocolCold:
		s.Phase = assay.Process
	case assay.ProtocolSteady:
		s.Phase = assay.Call
	}
	s.Notes = circumstances(run, plan)
	if run.Launch != nil && s.Phase == assay.Process {
		s.Notes = append(s.Notes, fmt.Sprintf("launch: a process that ends at once takes %s here (%s, n = %d), which is in every wall time",
			inMS(*run.Launch), run.Launch.Statistic, run.Launch.N))
	}
	data := make([]measured, len(plan.Trials))
	for i, t := range plan.Trials {
		data[i].phases = map[assay.Phase]*measuredPhase{}
		s.Rows = append(s.Rows, assay.SummaryRow{
			Workload: t.Workload, Runtime: t.Runtime, Params: t.Params, Mode: t.Mode, Cache: t.Cache, Threads: t.Threads, Control: t.Control,
			Planned: len(plan.Order) - plan.Warmup, Outcomes: map[assay.Outcome]int{}, Exits: map[int32]int{}, Signals: map[string]int{},
		})
	}
	warm, given, shims := warmups{}, answers{}, engines{}
	for x, err := range samples {
		if err != nil {
			return s, err
		}
		if x.Trial < 0 || int(x.Trial) >= len(s.Rows) {
			return s, fmt.Errorf("run %s: a sample of trial %d, the plan has %d", run.ID, x.Trial, len(s.Rows))
		}
		warm.add(x)
		given.add(x)
		shims.add(x)
		if x.Warmup {
			continue
		}
		row := &s.Rows[x.Trial]
		if x.Threads > 0 { // as a shim says, which the plan did not know
			row.Threads = x.Threads
		}
		if x.Phase == assay.Process {
			tally(row, x)
		}
		if x.Outcome == assay.OK {
			data[x.Trial].add(x)
		}
	}
	unit := unitFor(s, data)
	for i := range s.Rows {
		estimate(&s, &s.Rows[i], data[i], unit)
		measuredOf(&s, &s.Rows[i], plan.Trials[i], data[i], run.Unmeasured)
	}
	nest(s, data, unit)
	s.Compared = families(s, data)
	s.Controls = controls(s, data)
	s.Notes = slices.Concat(s.Notes, given.notes(), shims.notes(), toKnow(plan))
	s.Notes = append(s.Notes, warm.notes(s.Rows, plan.WarmCalls)...)
	s.Notes = append(s.Notes, belowZero(s)...)
	s.Notes = append(s.Notes, worthOfCalls(s.Rows, plan.Calls-plan.WarmCalls)...)
	return s, nil
}

// tally counts how an invocation ended.
func tally(row *assay.SummaryRow, x assay.Sample) {
	row.Outcomes[x.Outcome]++
	switch x.Outcome {
	case assay.Exit:
		row.Exits[x.Exit]++
	case assay.Signal:
		row.Signals[cmp.Or(x.Signal, fmt.Sprintf("signal (exit %d)", x.Exit))]++ // of a container, its runtime tells no name
	}
	if x.Outcome != assay.OK && row.Detail == "" {
		row.Detail = x.Detail
	}
}

// unitFor returns the unit in which the times of a summary are read well: that
// of processes is always ms.
func unitFor(s assay.Summary, data []measured) string {
	slowest := 0.0
	for _, d := range data {
		for phase, p := range d.phases {
			if phase != assay.Process {
				slowest = max(slowest, stats.Median(stats.GroupMedians(p.wall, p.wallSeqs)))
			}
		}
	}
	if s.Phase == assay.Process {
		return "ms"
	}
	return timeUnit(slowest)
}

// estimate fills in a row's estimates.
func estimate(s *assay.Summary, row *assay.SummaryRow, d measured, unit string) {
	row.CPU = median(d.cpu, "ms")
	if n := len(d.cpu); n > 0 && len(d.user) == n && len(d.system) == n {
		row.User, row.System = median(d.user, "ms"), median(d.system, "ms")
	}
	row.RSS, row.PSS, row.Guest = median(d.rss, "MiB"), median(d.pss, "MiB"), median(d.guest, d.unit)
	switch s.Protocol {
	case assay.ProtocolCold:
		row.Wall = medianTime(d.phase(assay.Process).wall, nil, "ms")
		if first := d.phases[assay.FirstByte]; first != nil {
			row.Phases = []assay.PhaseRow{{Phase: assay.FirstByte, Wall: medianTime(first.wall, nil, "ms")}}
		}
	case assay.ProtocolSteady:
		calls := d.phase(assay.Call)
		row.Calls, row.Wall = len(calls.wall), medianTime(calls.wall, calls.wallSeqs, unit)
		row.Nesting = nestingOf(calls, d.phase(assay.Process).wall)
		if coarse := coarseness(calls.wall); coarse != "" {
			s.Notes = append(s.Notes, title(row.Workload, row.Params)+" on "+row.Runtime+": "+coarse)
		}
	case assay.ProtocolMemory, assay.ProtocolCount:
		row.CPU, row.User, row.System = nil, nil, nil
	case assay.ProtocolPhases:
		for _, phase := range d.order {
			p := d.phases[phase]
			r := assay.PhaseRow{Phase: phase}
			if phase.Repeats() {
				r.Calls = len(p.wall)
				r.Wall, r.CPU = medianTime(p.wall, p.wallSeqs, unit), medianTime(p.cpu, p.cpuSeqs, unit)
			} else {
				r.Wall, r.CPU = medianTime(p.wall, nil, unit), medianTime(p.cpu, nil, unit)
			}
			if r.Wall != nil && r.CPU != nil && r.CPU.N < r.Wall.N {
				s.Notes = append(s.Notes, fmt.Sprintf("%s on %s: the CPU time of phase %s is of %d of its %d invocations", title(row.Workload, row.Params), row.Runtime, phase, r.CPU.N, r.Wall.N))
			}
			row.Phases = append(row.Phases, r)
			if s.Scopes == nil {
				s.Scopes = map[assay.Phase]string{}
			}
			s.Scopes[phase] = scopeOfPhase(phase)
		}
	}
}

// measuredOf puts right what of a row's resources is not the workload's, or not
// measured: of a container they are those of its control group, and what the
// program that starts it takes is not shown as its. unmeasured are the columns
// that the host cannot fill.
func measuredOf(s *assay.Summary, row *assay.SummaryRow, t assay.Trial, d measured, unmeasured map[string]string) {
	ok := row.Outcomes[assay.OK]
	note := func(format string, args ...any) {
		s.Notes = append(s.Notes, title(row.Workload, row.Params)+" on "+row.Runtime+": "+fmt.Sprintf(format, args...))
	}
	switch {
	case t.Group:
		row.RSS, row.PSS = nil, nil
		row.GroupMemory = median(d.groupMemory, "MiB")
		if s.Phase != "" {
			row.GroupCPU = median(d.groupCPU, "ms")
		}
		for _, column := range []string{"cgroup_cpu_ns", "cgroup_peak_memory_bytes"} {
			if why := unmeasured[column]; why != "" && ok > 0 {
				note("%s is not measured: %s", column, why)
			}
		}
		return
	case ofClient(t):
		row.CPU, row.User, row.System, row.RSS, row.PSS = nil, nil, nil, nil, nil
		if ok > 0 {
			note("what the container takes is not measured: it is no child of the command, whose own processor time the trace has")
		}
		return
	}
	missing := ok - len(d.rss)
	switch {
	case missing == 0 || unmeasured["peak_rss_bytes"] != "":
	case s.Phase != "": // of these protocols, below what the launcher can tell
		row.RSS, row.RSSBelow = nil, missing
		if 2*missing < ok { // so that the median is none of them
			row.RSS = median(append(make([]float64, missing), d.rss...), "MiB")
			note("the peak RSS of %d of %d invocations is below the floor of %.1f MiB, and counts as the lowest", missing, ok, float64(s.Floor)/(1<<20))
		}
	case s.Protocol == assay.ProtocolMemory:
		note("the peak RSS of %d of %d invocations could not be read", missing, ok)
	}
	if missing := ok - len(d.pss); s.Protocol == assay.ProtocolMemory && missing > 0 && unmeasured["pss_bytes"] == "" {
		note("the PSS of %d of %d invocations could not be read", missing, ok)
	}
}

// ofClient reports whether a trial's command is the client of a daemon that
// starts the container: nothing of that is in its process, nor in its group.
func ofClient(t assay.Trial) bool {
	r, err := runtimes.Find(strings.TrimSuffix(t.Runtime, assay.ControlSuffix))
	return err == nil && r.Accepts() == assay.Image && !t.Group
}

// title names a workload and its parameters.
func title(workload string, params map[string]string) string {
	for _, k := range slices.Sorted(maps.Keys(params)) {
		workload += " " + k + "=" + params[k]
	}
	return workload
}

// circumstances says what makes all numbers of a run less certain.
func circumstances(run assay.Run, plan assay.Plan) []string {
	all := slices.Concat(run.Ready, run.Changed)
	if limit := plan.Limits.Memory; limit > 0 && limit < run.RSSFloor && !plan.Memory {
		all = append(all, fmt.Sprintf("memory: the limit, %d bytes, is below what the launcher of commands has itself, %d: only what lived for 25 ms was seen to exceed it", limit, run.RSSFloor))
	}
	return all
}
