package importers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// timestamps are the marks that a sweep left: at which concurrency, when.
type timestamps struct {
	lines       []int
	loads, when []int64
}

// readTimestamps reads lines of a concurrency and nanoseconds since 1970.
func readTimestamps(f *file) *timestamps {
	var t timestamps
	for n, line := range f.lines() {
		if line == "" {
			continue
		}
		first, rest := cutField(line)
		second, more := cutField(rest)
		load, err := integer(first)
		when, ok := nanoseconds(second)
		if err != nil || !ok || strings.TrimSpace(more) != "" {
			f.reject(n, line, "want a concurrency and a time in nanoseconds since 1970")
			continue
		}
		if len(t.when) > 0 && when < t.when[len(t.when)-1] {
			f.reject(n, line, "earlier than the line before")
			continue
		}
		t.lines, t.loads, t.when = append(t.lines, n), append(t.loads, load), append(t.when, when)
	}
	f.rows = int64(len(t.when))
	return &t
}

// A window is a mark and the time until the next mark of its concurrency.
type window struct {
	*conditions
	path       string
	line       int
	load       int64
	start, end int64 // end is 0 if the mark begins nothing
	replicate  int64 // then this is 0, too
}

// windows turns marks into windows. Between two marks of one concurrency is a
// window; if there are two marks for each of several runs, each second one
// ends a window and begins none.
func (t *timestamps) windows(path string, c *conditions, runs func(load int64) int) []window {
	all := make([]window, len(t.when))
	count := map[int64]int64{}
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && t.loads[to] == t.loads[from] {
			to++
		}
		n := runs(t.loads[from])
		pairs := n > 1 && to-from == 2*n
		for i := from; i < to; i++ {
			all[i] = window{conditions: c, path: path, line: t.lines[i], load: t.loads[i], start: t.when[i]}
			if i+1 < to && (!pairs || (i-from)%2 == 0) {
				count[t.loads[i]]++
				all[i].end, all[i].replicate = t.when[i+1], count[t.loads[i]]
			}
		}
		from = to
	}
	return all
}

// windowsTrace makes the trace of when each run was.
func (s *sweep) windowsTrace() error {
	var files []*file
	for _, f := range s.files {
		if len(s.windows[f]) > 0 {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil
	}
	t := s.out.trace("windows", "a row for each time stamp: the run that began then, or the end of the last")
	under := t.conditionsColumns(s.all(), s.evidence)
	mark := t.int(inferred("mark", "", "", "the concurrency, as the file has it; one that no run has marks the end of all", s.loadsKnown()))
	load := t.int(inferred("concurrency", "", assay.RoleLoad, "requests in flight at once; null if nothing begins here", "mark, where a run begins"))
	replicate := t.int(inferred("replicate", "", assay.RoleReplicate, "number of the repetition, from 1; null if nothing begins here",
		"counted: a window is the time between two marks of one concurrency"))
	start := t.int(inferred("start", "ns", assay.RoleStart, "since 1970", "nanoseconds since 1970 by their size; "+s.longEnough()))
	end := t.int(inferred("end", "ns", assay.RoleEnd, "since 1970; null if nothing begins here", "the next mark of that concurrency"))
	for _, f := range files {
		if why := t.full(len(s.windows[f])); why != "" {
			return errors.New(why)
		}
		for _, w := range s.windows[f] {
			t.row(w.path, w.line)
			under.set(w.conditions, 1)
			mark.set(w.load)
			start.set(w.start)
			if w.replicate > 0 {
				load.set(w.load)
				replicate.set(w.replicate)
				end.set(w.end)
			}
		}
	}
	return nil
}

// loadsKnown says in how many marks there is a concurrency that a run has.
func (s *sweep) loadsKnown() string {
	loads := map[int64]bool{}
	for _, runs := range [][]abRun{s.runs, s.blocks} {
		for i := range runs {
			loads[runs[i].load] = true
		}
	}
	known, all := 0, 0
	for _, windows := range s.windows {
		for _, w := range windows {
			if all++; loads[w.load] {
				known++
			}
		}
	}
	return fmt.Sprintf("it is the concurrency of some run in %d of %d marks", known, all)
}

// longEnough compares the windows with the durations of the runs in them.
func (s *sweep) longEnough() string {
	runs := s.runs
	if len(runs) == 0 {
		runs = s.blocks
	}
	durations := map[string]float64{}
	for i := range runs {
		if r := &runs[i]; r.measured(abDuration) {
			durations[place(r.conditions, r.load, r.replicate)] = r.values[abDuration]
		}
	}
	var over []float64
	for _, windows := range s.windows {
		for _, w := range windows {
			if d, ok := durations[place(w.conditions, w.load, w.replicate)]; ok && w.replicate > 0 {
				over = append(over, float64(w.end-w.start)/1e9-d)
			}
		}
	}
	if len(over) == 0 {
		return "no run is known for any window"
	}
	slices.Sort(over)
	longer, _ := slices.BinarySearch(over, 0)
	return fmt.Sprintf("%d of %d windows are at least as long as their run took in s; the median window is %.1f s longer", len(over)-longer, len(over), over[len(over)/2])
}
