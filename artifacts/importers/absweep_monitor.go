package importers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// maxMonitorColumns bounds what one line can add.
const maxMonitorColumns = 32

// A monitor is what a sampler saw: a time, then numbers.
type monitor struct {
	lines   []int64
	when    []int64 // ns since 1970
	ordered bool
	values  [][]float64 // by column
}

// readMonitor reads lines of nanoseconds since 1970 and numbers, all lines as
// many as most of the first ones have.
func readMonitor(f *file) *monitor {
	columns := monitorColumns(f.text)
	m := &monitor{values: make([][]float64, columns)}
	rows := min(strings.Count(f.text, "\n")+1, len(f.text)/len("1000000000000000000 0")) // a guess that no file can make too large
	m.lines, m.when = make([]int64, 0, rows), make([]int64, 0, rows)
	for i := range m.values {
		m.values[i] = make([]float64, 0, rows)
	}
	var numbers [maxMonitorColumns]float64
	for n, line := range f.lines() {
		if line == "" {
			continue
		}
		when, err := readSample(line, numbers[:columns])
		if err != nil {
			f.reject(n, line, err.Error())
			continue
		}
		m.lines, m.when = append(m.lines, int64(n)), append(m.when, when)
		for i := range m.values {
			m.values[i] = append(m.values[i], numbers[i])
		}
	}
	m.ordered = slices.IsSorted(m.when)
	f.rows = int64(len(m.when))
	return m
}

// readSample reads a line of a monitor: its time, and the others into numbers.
func readSample(line string, numbers []float64) (when int64, err error) {
	first, rest := cutField(line)
	when, ok := nanoseconds(first)
	if !ok {
		return 0, fmt.Errorf("%.100q is not a time in nanoseconds since 1970", first)
	}
	for i := 0; ; i++ {
		var field string
		field, rest = cutField(rest)
		switch {
		case field == "" && i == len(numbers):
			return when, nil
		case field == "" || i == len(numbers):
			return 0, fmt.Errorf("%d columns, want %d", len(strings.Fields(line)), 1+len(numbers))
		}
		if numbers[i], err = number(field); err != nil {
			return 0, err
		}
	}
}

// monitorColumns returns the number of columns behind the time that most of
// the first lines have.
func monitorColumns(text string) int {
	var votes [maxMonitorColumns + 1]int
	most, n := 0, 0
	for line := range strings.Lines(text) {
		if n++; n > headLines {
			break
		}
		columns := len(strings.Fields(line)) - 1
		if columns < 1 || columns > maxMonitorColumns {
			continue
		}
		if votes[columns]++; votes[columns] > votes[most] {
			most = columns
		}
	}
	return most
}

// monitor makes the trace of what the samplers saw, each sample in the window
// of the run that it was taken in.
func (s *sweep) monitor() error {
	var files []*file
	columns, rows := 0, 0
	for _, f := range s.files {
		if m, ok := f.content.(*monitor); ok && len(m.when) > 0 {
			files = append(files, f)
			columns, rows = max(columns, len(m.values)), rows+len(m.when)
		}
	}
	if len(files) == 0 {
		return nil
	}
	t := s.out.trace("monitor", "a row for each sample of the monitors")
	all := s.all()
	if err := t.expects(rows, len(factorNames(all))+columns+8); err != nil {
		return err
	}
	under := t.conditionsColumns(all, s.evidence)
	const joined = "the timestamps in the same folder have a window in which the sample lies"
	load := t.int(inferred("concurrency", "", assay.RoleLoad, "requests in flight at once; null between runs", joined))
	replicate := t.int(inferred("replicate", "", assay.RoleReplicate, "number of the repetition, from 1; null between runs", joined))
	when := t.int(inferred("time", "ns", assay.RoleTime, "since 1970", "nanoseconds since 1970 by their size"))
	values := make([]column[float64], columns)
	for i, c := range s.monitorMeanings(files, columns, t.names()) {
		values[i] = t.float(c)
	}
	inside := 0
	for _, f := range files {
		m := f.content.(*monitor)
		loads, replicates, null := m.join(s.windows[s.beside(f, kindTimestamps)])
		for _, outside := range null {
			if !outside {
				inside++
			}
		}
		t.block(f.path, m.lines)
		under.set(s.of[f], len(m.when))
		load.setBlock(loads, null)
		replicate.setBlock(replicates, null)
		when.setBlock(m.when, nil)
		for i, v := range m.values {
			values[i].setBlock(v, nil)
		}
	}
	s.out.Notes = append(s.out.Notes, fmt.Sprintf("monitor: %d of %d samples lie in the window of a run", inside, rows))
	return nil
}

// join returns the concurrency and the replicate of the window that each
// sample lies in; null where there is none.
func (m *monitor) join(windows []window) (loads, replicates []int64, null []bool) {
	loads, replicates, null = make([]int64, len(m.when)), make([]int64, len(m.when)), make([]bool, len(m.when))
	i := -1 // window of the sample before: most often that of this one, too
	for row, at := range m.when {
		if i >= 0 && windows[i].start <= at && at < windows[i].end {
			loads[row], replicates[row] = windows[i].load, windows[i].replicate
			continue
		}
		var found bool
		i, found = slices.BinarySearchFunc(windows, at, func(w window, at int64) int { return cmp.Compare(w.start, at) })
		if !found {
			i--
		}
		if i < 0 || windows[i].replicate == 0 || at >= windows[i].end {
			null[row] = true
			continue
		}
		loads[row], replicates[row] = windows[i].load, windows[i].replicate
	}
	return loads, replicates, null
}
