package lab

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

const confidence = 0.95

// protocolOf returns the protocol that a plan was made by.
func protocolOf(plan assay.Plan) string {
	switch {
	case plan.Phases:
		return ProtocolPhases
	case plan.Memory:
		return ProtocolMemory
	case plan.Count:
		return ProtocolCount
	case plan.Calls > 0:
		return ProtocolSteady
	}
	return ProtocolCold
}

// scopeOf says in words what the samples of a plan span. What it says of the
// invocations is not known if the plan has none.
func scopeOf(plan assay.Plan) string {
	blocks, calls, more := len(plan.Order), plan.Calls-plan.WarmCalls, ""
	if plan.Changepoint {
		more = " and those before most invocations of a row become steady, which a note says"
	}
	switch protocolOf(plan) {
	case ProtocolPhases:
		scope := fmt.Sprintf("phases of a fresh process of each runtime's shim, by its own clock, from the module's bytes in memory; %d processes", blocks)
		if calls > 0 {
			scope += fmt.Sprintf(", %d calls in each, after the first and %d of warm-up%s", calls, plan.WarmCalls, more)
		}
		return scope
	case ProtocolMemory:
		return "memory of a fresh process, read while it is held at its exit; page cache warm; no times"
	case ProtocolCount:
		return "what each runtime counts of its guest, in a unit of its own: counts of two runtimes cannot be compared; no times, for counting takes some"
	case ProtocolSteady:
		return fmt.Sprintf("one call in a process that goes on, by the guest's own clock; %d calls in each of %d fresh processes, after %d of warm-up%s; "+
			"CPU and peak RSS are of the whole process", calls, blocks, plan.WarmCalls, more)
	}
	if slices.ContainsFunc(plan.Trials, func(t assay.Trial) bool { return t.Cache == string(runners.Made) }) {
		return "process start to exit of a fresh process; compiled code not cached, but where the mode is precompiled, page cache warm"
	}
	return "process start to exit of a fresh process; compiled code not cached, page cache warm"
}

// phaseScopes say what each phase spans, in words.
var phaseScopes = map[assay.Phase]string{
	assay.FirstByte:         "process start to the first byte of its output",
	assay.EngineInit:        "making the engine, its store and its WASI",
	assay.Compile:           "module bytes to something that can be instantiated",
	assay.Load:              "code compiled earlier, by another process, to something that can be instantiated: not a compilation",
	assay.Link:              "resolving imports",
	assay.Instantiate:       "making memory, tables and globals, and running start functions",
	assay.FirstCall:         "the first call, of _start or of the export run",
	assay.Call:              "a later call of the export run",
	assay.SecondInstantiate: "another instance of the same compiled module",
	assay.Region:            "bench.start to bench.end, in the first call",
	assay.CallRegion:        "bench.start to bench.end, in a later call",
	assay.Teardown:          "dropping instances, module and engine",
}

// scopeOfPhase says in words what a phase spans; of merged ones, all of them.
func scopeOfPhase(phase assay.Phase) string {
	var parts []string
	for part := range strings.SplitSeq(string(phase), "+") {
		scope, ok := phaseScopes[assay.Phase(part)]
		if !ok {
			scope = part
		}
		parts = append(parts, scope)
	}
	return strings.Join(parts, "; and ")
}

// A measured is the ok samples of one trial without warm-up.
type measured struct {
	cpu, user, system, rss, pss, guest []float64
	groupCPU, groupMemory              []float64
	unit                               string        // of guest
	order                              []assay.Phase // but Process, as they come
	phases                             map[assay.Phase]*measuredPhase
}

// A measuredPhase is the samples of one phase: times in nanoseconds, and their
// invocations.
type measuredPhase struct {
	wall, cpu         []float64
	wallSeqs, cpuSeqs []int64
}

func (m *measured) phase(p assay.Phase) *measuredPhase {
	d := m.phases[p]
	if d == nil {
		d = &measuredPhase{}
		m.phases[p] = d
		if p != assay.Process {
			m.order = append(m.order, p)
		}
	}
	return d
}

// add adds a sample.
func (m *measured) add(x assay.Sample) {
	d := m.phase(x.Span())
	if x.WallNS != nil {
		d.wall, d.wallSeqs = append(d.wall, float64(*x.WallNS)), append(d.wallSeqs, x.Seq)
	}
	if x.CPUNS != nil {
		d.cpu, d.cpuSeqs = append(d.cpu, float64(*x.CPUNS)), append(d.cpuSeqs, x.Seq)
	}
	if x.Guest != nil {
		m.guest, m.unit = append(m.guest, float64(*x.Guest)), x.GuestOf
	}
	if x.Phase != assay.Process {
		return
	}
	for _, v := range []struct {
		to    *[]float64
		from  *int64
		scale float64
	}{{&m.cpu, x.CPUNS, 1e6}, {&m.user, x.UserNS, 1e6}, {&m.system, x.SystemNS, 1e6}, {&m.rss, x.RSSBytes, 1 << 20}, {&m.pss, x.PSSBytes, 1 << 20},
		{&m.groupCPU, x.CgroupNS, 1e6}, {&m.groupMemory, x.CgroupMemory, 1 << 20}} {
		if v.from != nil {
			*v.to = append(*v.to, float64(*v.from)/v.scale)
		}
	}
}

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
	for _, runtime := range sortedKeys(e) {
		all = append(all, runtime+" "+e[runtime])
	}
	if len(all) == 0 {
		return nil
	}
	return []string{"engines of the shims, which may be of another version than the commands: " + strings.Join(all, ", ")}
}

// toKnow returns what a reader of the numbers of plan's runtimes must know.
func toKnow(plan assay.Plan) []string {
	var all []string
	for _, t := range plan.Trials {
		r, err := runtimes.Find(strings.TrimSuffix(t.Runtime, assay.ControlSuffix))
		if err != nil || r.Shim() == nil || r.Shim().Note == "" || t.Unsupported != "" {
			continue
		}
		if note := r.Name() + " is " + r.Shim().Note; !slices.Contains(all, note) {
			all = append(all, note)
		}
	}
	return all
}

// summarise sums up samples of a plan, a row a trial.
func summarise(run assay.Run, plan assay.Plan, samples iter.Seq2[assay.Sample, error]) (assay.Summary, error) {
	s := assay.Summary{Run: run.ID, Name: run.Name, Protocol: protocolOf(plan), Scope: scopeOf(plan), Floor: run.RSSFloor}
	switch s.Protocol {
	case ProtocolCold:
		s.Phase = assay.Process
	case ProtocolSteady:
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
	s.Notes = append(s.Notes, worthOfCalls(s.Rows, plan.Calls-plan.WarmCalls)...)
	return s, nil
}

// inMS writes a time in the unit of wall times of processes.
func inMS(e assay.Estimate) string {
	scale := timeUnits[e.Unit] / timeUnits["ms"]
	e.Value *= scale
	for _, end := range []**float64{&e.Low, &e.High} {
		if *end != nil {
			scaled := **end * scale
			*end = &scaled
		}
	}
	return cell(&e) + " ms"
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
	case ProtocolCold:
		row.Wall = medianTime(d.phase(assay.Process).wall, nil, "ms")
		if first := d.phases[assay.FirstByte]; first != nil {
			row.Phases = []assay.PhaseRow{{Phase: assay.FirstByte, Wall: medianTime(first.wall, nil, "ms")}}
		}
	case ProtocolSteady:
		calls := d.phase(assay.Call)
		row.Calls, row.Wall = len(calls.wall), medianTime(calls.wall, calls.wallSeqs, unit)
		row.Nesting = nestingOf(calls, d.phase(assay.Process).wall)
		if coarse := coarseness(calls.wall); coarse != "" {
			s.Notes = append(s.Notes, title(row.Workload, row.Params)+" on "+row.Runtime+": "+coarse)
		}
	case ProtocolMemory, ProtocolCount:
		row.CPU, row.User, row.System = nil, nil, nil
	case ProtocolPhases:
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
	case s.Protocol == ProtocolMemory:
		note("the peak RSS of %d of %d invocations could not be read", missing, ok)
	}
	if missing := ok - len(d.pss); s.Protocol == ProtocolMemory && missing > 0 && unmeasured["pss_bytes"] == "" {
		note("the PSS of %d of %d invocations could not be read", missing, ok)
	}
}

// ofClient reports whether a trial's command is the client of a daemon that
// starts the container: nothing of that is in its process, nor in its group.
func ofClient(t assay.Trial) bool {
	r, err := runtimes.Find(strings.TrimSuffix(t.Runtime, assay.ControlSuffix))
	return err == nil && r.Accepts() == assay.Image && !t.Group
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

// medianTime returns the median of the times ns in unit, and its interval; of
// several of one invocation, by their seqs, the median of the invocations'
// medians; nil for none.
func medianTime(ns []float64, seqs []int64, unit string) *assay.Estimate {
	medians := slices.Clone(ns)
	if seqs != nil {
		medians = stats.GroupMedians(ns, seqs)
	}
	for i := range medians {
		medians[i] /= timeUnits[unit]
	}
	e := median(medians, unit)
	if e != nil && seqs != nil {
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

// steps says whether a clock was too coarse for the times ns: how many are 0,
// and in what steps they come, if these are not small against the median; both
// are 0 where it was fine enough.
func steps(ns []float64) (zeros int, step float64) {
	distinct := slices.Compact(slices.Sorted(slices.Values(ns)))
	if len(distinct) == 0 || 2*len(distinct) > len(ns) && distinct[0] > 0 {
		return 0, 0 // where a clock rounds, times are equal
	}
	for _, v := range ns {
		if v == 0 {
			zeros++
		}
	}
	step = distinct[0]
	for i := 1; i < len(distinct); i++ {
		step = min(step, distinct[i]-distinct[i-1])
	}
	if step <= stats.Median(ns)/100 {
		step = 0
	}
	return zeros, step
}

// coarseness says in words that the clock was too coarse for the call times ns;
// "" if it was not.
func coarseness(ns []float64) string {
	switch zeros, step := steps(ns); {
	case zeros > 0:
		return fmt.Sprintf("%d of %d call times are 0: the guest's clock is too coarse for them; let a call do more", zeros, len(ns))
	case step > 0:
		return fmt.Sprintf("call times come in steps of %.0f ns, and their median is %.0f ns: the guest's clock is coarse for them; let a call do more", step, stats.Median(ns))
	}
	return ""
}

// title names a workload and its parameters.
func title(workload string, params map[string]string) string {
	for _, k := range sortedKeys(params) {
		workload += " " + k + "=" + params[k]
	}
	return workload
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	var ks []K
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
