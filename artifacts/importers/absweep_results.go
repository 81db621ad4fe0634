package importers

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A meaning is what a measure is, and how that is known.
type meaning struct {
	basis    assay.Basis
	unit     string
	evidence []string
}

// results makes the trace of what the CSVs have.
func (s *sweep) results() error {
	if len(s.runs) == 0 {
		return nil
	}
	same, pairs := s.compare()
	if len(s.blocks) > 0 {
		all := 0
		for i := range s.blocks {
			if a := s.blocks[i].agrees; a != nil && *a {
				all++
			}
		}
		s.out.Notes = append(s.out.Notes, fmt.Sprintf("of %d runs in CSVs and %d in summaries, %d are in both; all their numbers agree in %d of these",
			len(s.runs), len(s.blocks), pairs, all))
	}
	units := s.units()
	var meanings [len(measures)]meaning
	for m := range measures {
		unit, why := guessUnit(s.runs, m)
		if same[m] > 0 {
			unit = spellUnit(s.runs, m, units[m])
			why = fmt.Sprintf("it is what the summaries call %q, in %s: the same number in %d of %d runs", measures[m].labels[0], units[m], same[m], pairs)
		}
		evidence := []string{fmt.Sprintf("called %s in the CSVs", s.heads(m)), why, about(s.runs, m)}
		meanings[m] = meaning{assay.Inferred, unit, evidence}
	}
	return s.trace("results", "a row for each run of ab, from the CSVs", s.runs, meanings)
}

// summaries makes the trace of what the summaries have.
func (s *sweep) summaries() error {
	if len(s.blocks) == 0 {
		return nil
	}
	units := s.units()
	var meanings [len(measures)]meaning
	for m := range measures {
		unit := spellUnit(s.blocks, m, units[m])
		evidence := []string{fmt.Sprintf("the summaries say %q, in %s", measures[m].labels[0], units[m]), about(s.blocks, m)}
		meanings[m] = meaning{assay.Known, unit, evidence}
	}
	return s.trace("summaries", "a row for each run of ab, from the summaries", s.blocks, meanings)
}

// trace adds a trace of runs.
func (s *sweep) trace(name, title string, runs []abRun, meanings [len(measures)]meaning) error {
	t := s.out.trace(name, title)
	under := t.conditionsColumns(s.all(), s.evidence)
	load := t.int(known("concurrency", "", assay.RoleLoad, "requests in flight at once, as asked of ab"))
	replicate := t.int(inferred("replicate", "", assay.RoleReplicate, "number of the repetition, from 1",
		"counted: runs under equal conditions in the order of the files"))
	requests := t.int(known("requests", "", assay.RoleRequests, "requests made, as asked of ab"))
	var columns [len(measures)]*column[float64]
	for m, measure := range measures {
		if !slices.ContainsFunc(runs, func(r abRun) bool { return r.has[m] }) {
			continue
		}
		said := slices.DeleteFunc(meanings[m].evidence, func(e string) bool { return e == "" })
		c := t.float(trace.Column{Name: measure.column, Unit: meanings[m].unit, Meaning: measure.meaning, Role: measure.role,
			Basis: meanings[m].basis, Evidence: strings.Join(said, "; ")})
		columns[m] = &c
	}
	outcome := t.text(inferred("outcome", "", assay.RoleOutcome, "ok, or no result: every number is 0 in the file, and null here",
		"a test that took no time cannot have been"))
	clock, agrees := s.summaryColumns(t, runs)
	others, err := s.otherColumns(t, runs)
	if err != nil {
		return err
	}
	if why := t.full(len(runs)); why != "" {
		return errors.New(why)
	}
	failed := 0
	for i := range runs {
		r := &runs[i]
		t.row(r.path, r.line)
		under.set(r.conditions, 1)
		load.set(r.load)
		replicate.set(r.replicate)
		if r.requests != 0 {
			requests.set(r.requests)
		}
		if r.nothing() {
			failed++
			outcome.set("no result")
		} else {
			outcome.set("ok")
		}
		for m, c := range columns {
			if c != nil && r.has[m] && !r.nothing() {
				c.set(r.values[m])
			}
		}
		if clock != nil && r.clock != "" {
			clock.set(r.clock)
		}
		if agrees != nil {
			maybe(*agrees, r.agrees)
		}
		i := 0
		for value := range strings.SplitSeq(r.row, ",") {
			if i < len(r.others) && r.others[i] != "" {
				others[r.others[i]].set(strings.TrimSpace(value))
			}
			i++
		}
	}
	if failed > 0 {
		s.out.Notes = append(s.out.Notes, fmt.Sprintf("%s: in %d of %d rows every number is 0: the test gave no result", name, failed, len(runs)))
	}
	return nil
}

// summaryColumns adds the columns that only summaries have.
func (s *sweep) summaryColumns(t *Trace, runs []abRun) (clock *column[string], agrees *column[bool]) {
	if slices.ContainsFunc(runs, func(r abRun) bool { return r.clock != "" }) {
		c := t.text(trace.Column{Name: "clock", Meaning: "time of day at which the run began, without a date", Basis: assay.Known, Evidence: s.zones()})
		clock = &c
	}
	if slices.ContainsFunc(runs, func(r abRun) bool { return r.agrees != nil }) {
		c := t.truth(known("agrees", "", "", "whether the CSV has the same numbers for this run; null if it has no such run"))
		agrees = &c
	}
	return clock, agrees
}

// otherColumns adds a column for each that the CSVs have beside the measures.
func (s *sweep) otherColumns(t *Trace, runs []abRun) (map[string]column[string], error) {
	columns := map[string]column[string]{}
	for _, f := range s.files {
		r, ok := f.content.(*results)
		if !ok || len(r.runs) == 0 || len(runs) == 0 || runs[0].others == nil {
			continue
		}
		for _, name := range r.others {
			if name != "" {
				columns[name] = column[string]{}
			}
		}
		if len(columns) > maxNamed {
			return nil, fmt.Errorf("the CSVs have more than %d other columns, %s: at most that many are a sweep", maxNamed, f.path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		columns[name] = t.text(trace.Column{Name: "csv_" + name, Meaning: "a column of the CSVs that is not understood", Basis: assay.Unknown})
	}
	return columns, nil
}

// maxConditions bounds the different conditions of a sweep.
const maxConditions = 2 * maxFiles

// all returns the conditions of everything that gives rows, each once.
func (s *sweep) all() (all []*conditions) {
	for _, f := range s.files {
		if f.kind != "" {
			all = append(all, s.of[f])
		}
	}
	seen := map[*conditions]bool{}
	for i := range s.blocks {
		if c := s.blocks[i].conditions; !seen[c] {
			seen[c] = true
			all = append(all, c)
		}
	}
	return all
}

// compare holds the CSVs against the summaries: in how many of the pairs of
// runs each measure is the same number.
func (s *sweep) compare() (same [len(measures)]int, pairs int) {
	of := func(r *abRun) string { return fmt.Sprint(r.condition(), "\x00", r.replicate) }
	runs := map[string]*abRun{}
	for i := range s.runs {
		runs[of(&s.runs[i])] = &s.runs[i]
	}
	for i := range s.blocks {
		b := &s.blocks[i]
		r := runs[of(b)]
		if r == nil {
			continue
		}
		pairs++
		agrees := true
		for m := range measures {
			if r.has[m] && b.has[m] && r.values[m] == b.values[m] {
				same[m]++
			} else {
				agrees = false
			}
		}
		b.agrees = &agrees
	}
	return same, pairs
}

// heads returns what the CSVs call a measure.
func (s *sweep) heads(m int) string {
	var heads []string
	for _, f := range s.files {
		if r, ok := f.content.(*results); ok && r.heads[m] != "" && !slices.Contains(heads, r.heads[m]) {
			heads = append(heads, r.heads[m])
		}
	}
	return strings.Join(heads, ", ")
}

// units returns the unit that the summaries print behind each measure.
func (s *sweep) units() (units [len(measures)]string) {
	for _, f := range s.files {
		if sum, ok := f.content.(*summary); ok {
			for m := range measures {
				units[m] = firstOf(units[m], sum.units[m])
			}
		}
	}
	return units
}

// guessUnit says in which unit a measure is that no file gives a unit for: that
// in which it fits best to rate and concurrency.
func guessUnit(runs []abRun, m int) (unit, evidence string) {
	if m == abThroughput {
		return "1/s", ""
	}
	if m == abTransfer {
		by1000, by1024, of := wholeBytes(runs)
		switch few := of - of/10; {
		case of > 0 && by1024 >= few && by1000 < few:
			unit = "KiB/s"
		case of > 0 && by1000 >= few && by1024 < few:
			unit = "kB/s"
		default:
			return "", ""
		}
		return unit, "no file says the unit: only in " + unit + " are answers whole bytes"
	}
	middle := timeRatio(runs, m).median()
	if middle <= 0 {
		return "", ""
	}
	units := map[float64]string{0: "s", 3: "ms", 6: "us", 9: "ns"}
	unit, ok := units[math.Round(math.Log10(middle)/3)*3]
	if !ok {
		return "", ""
	}
	return unit, fmt.Sprintf("no file says the unit: only in %s does it fit to rps", unit)
}

// timeRatio compares a measure of time with what rate and concurrency make of
// it: 1 if it is in seconds and what it is called.
func timeRatio(runs []abRun, m int) ratios {
	switch m {
	case abDuration:
		return ratiosOf(runs, func(r *abRun) float64 { return r.values[abDuration] * r.values[abThroughput] / float64(r.requests) }, abDuration, abThroughput)
	case abLatency:
		return ratiosOf(runs, func(r *abRun) float64 { return r.values[abLatency] * r.values[abThroughput] / float64(r.load) }, abLatency, abThroughput)
	}
	return ratiosOf(runs, func(r *abRun) float64 { return r.values[abInterval] * r.values[abThroughput] }, abInterval, abThroughput)
}

// spellUnit is the unit that a summary prints, as columns have it. A program
// that says Kbytes may mean 1000 or 1024 bytes.
func spellUnit(runs []abRun, m int, printed string) string {
	spelled, ok := map[string]string{"seconds": "s", "#/sec": "1/s", "Kbytes/sec": "kB/s", "Mbytes/sec": "MB/s"}[printed]
	if !ok {
		return printed
	}
	if by1000, by1024, _ := wholeBytes(runs); m == abTransfer && spelled == "kB/s" && by1024 > by1000 {
		return "KiB/s"
	}
	return spelled
}

// wholeBytes counts the runs whose transfer makes a whole number of bytes a
// request, if a kilobyte is 1000 or 1024 bytes. It leaves out answers that are
// so long that the digits printed cannot say.
func wholeBytes(runs []abRun) (by1000, by1024, of int) {
	const longest, off = 2000, 0.05
	for i := range runs {
		r := &runs[i]
		if !r.measured(abTransfer, abThroughput) {
			continue
		}
		kilo := r.values[abTransfer] / r.values[abThroughput]
		if kilo*1024 > longest {
			continue
		}
		of++
		if x := kilo * 1000; math.Abs(x-math.Round(x)) < off {
			by1000++
		}
		if x := kilo * 1024; math.Abs(x-math.Round(x)) < off {
			by1024++
		}
	}
	return by1000, by1024, of
}

// about says how a measure fits to the others.
func about(runs []abRun, m int) string {
	in := func(f func(*abRun) float64, what, wanted string, of ...int) string {
		if r := ratiosOf(runs, f, of...); len(r) > 0 {
			return r.say(what, wanted)
		}
		return ""
	}
	switch m {
	case abDuration:
		return in(func(r *abRun) float64 { return float64(r.requests) / r.values[abDuration] / r.values[abThroughput] },
			"requests / duration / rps", "a rate of all requests gives 1", abDuration, abThroughput)
	case abLatency:
		return in(func(r *abRun) float64 { return r.values[abThroughput] * r.values[abLatency] / float64(r.load) },
			"rps x latency / concurrency", "Little's law gives 1 in s, 1000 in ms", abThroughput, abLatency)
	case abInterval:
		return in(func(r *abRun) float64 { return r.values[abThroughput] * r.values[abInterval] },
			"rps x interval", "the time from one answer to the next gives 1 in s, 1000 in ms", abThroughput, abInterval)
	case abTransfer:
		by1000, by1024, of := wholeBytes(runs)
		if of == 0 {
			return "whether a kilobyte is 1000 or 1024 bytes, nothing says"
		}
		return fmt.Sprintf("transfer / rps is a whole number of bytes in %d of %d rows if a kilobyte is 1024 bytes, in %d if it is 1000", by1024, of, by1000)
	}
	return ""
}
