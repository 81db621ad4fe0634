package importers

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A match counts how often a column of the monitors has the minimum and the
// maximum that summaries give for a label, over the same runs.
type match struct {
	label, unit string
	same        []int // by column
	of          int
}

// matches compares the monitors with the aggregates of the summaries.
func (s *sweep) matches(files []*file, columns int) []*match {
	var all []*match
	labels := map[[2]string]*match{}
	for _, f := range files {
		sum := s.beside(f, kindSummary)
		stamps := s.beside(f, kindTimestamps)
		if sum == nil || stamps == nil {
			continue
		}
		m := f.content.(*monitor)
		spans, ranges, looked := spansOf(s.windows[stamps]), map[int64]extremes{}, 0
		for _, a := range sum.content.(*summary).aggregates {
			x := labels[[2]string{a.label, a.unit}]
			if x == nil && len(all) == maxMonitorColumns {
				continue // a monitor has no more
			}
			if x == nil {
				x = &match{label: a.label, unit: a.unit, same: make([]int, columns)}
				labels[[2]string{a.label, a.unit}] = x
				all = append(all, x)
			}
			e, ok := ranges[a.load]
			if !ok {
				if span := spans[a.load]; looked < mostLooked*len(m.when) {
					e = m.extremes(span)
					looked += e.looked
				}
				ranges[a.load] = e
			}
			if e.lo == nil {
				continue
			}
			x.of++
			for c := range e.lo {
				if printedAs(e.lo[c], a.min) && printedAs(e.hi[c], a.max) {
					x.same[c]++
				}
			}
		}
	}
	return all
}

// printedAs reports whether x is y, that was printed with two decimals.
func printedAs(x, y float64) bool { return math.Abs(x-y) <= 0.0051 }

// A span is from the first mark of a concurrency to its last.
type span struct{ from, to int64 }

// spansOf returns the spans of the concurrencies.
func spansOf(windows []window) map[int64]span {
	spans := map[int64]span{}
	for _, w := range windows {
		x, ok := spans[w.load]
		if !ok {
			x.from = w.start
		}
		x.to = max(x.to, w.start, w.end)
		spans[w.load] = x
	}
	return spans
}

// extremes are the least and the greatest value of each column in a span, nil
// if no sample lies there.
type extremes struct {
	lo, hi []float64
	looked int // samples
}

// mostLooked bounds how often a sample is looked at: spans of different
// concurrencies hardly overlap.
const mostLooked = 64

// extremes finds the extremes of a span.
func (m *monitor) extremes(in span) (e extremes) {
	lo, hi := make([]float64, len(m.values)), make([]float64, len(m.values))
	first, last := 0, len(m.when)
	if m.ordered {
		first, _ = slices.BinarySearch(m.when, in.from)
		last, _ = slices.BinarySearch(m.when, in.to+1)
	}
	for c, values := range m.values {
		lo[c], hi[c] = math.Inf(1), math.Inf(-1)
		for row := first; row < last; row++ {
			if at := m.when[row]; in.from <= at && at <= in.to {
				lo[c], hi[c] = min(lo[c], values[row]), max(hi[c], values[row])
				e.lo, e.hi = lo, hi
			}
		}
	}
	e.looked = max(1, last-first)
	return e
}

// monitorMeanings says what the columns of the monitors are: what a summary
// calls the column that has the same extremes in most runs.
func (s *sweep) monitorMeanings(files []*file, columns int, taken []string) []trace.Column {
	all := make([]trace.Column, columns)
	matches := s.matches(files, columns)
	names := map[string]bool{}
	var memory []int
	for c := range all {
		all[c] = trace.Column{Name: fmt.Sprintf("value%d", c+1), Meaning: "no file says what this is", Basis: assay.Unknown}
		var best *match
		for _, m := range matches {
			if m.same[c]*2 > m.of && (best == nil || m.same[c] > best.same[c]) {
				best = m
			}
		}
		if best == nil || names[best.label] {
			continue
		}
		names[best.label] = true
		name := strings.ToLower(strings.ReplaceAll(best.label, " ", "_"))
		if !slices.Contains(taken, name) {
			all[c].Name = name
		}
		evidence := fmt.Sprintf("least and greatest value are what the summaries call %q in %d of %d concurrencies", best.label, best.same[c], best.of)
		all[c].Basis, all[c].Unit, all[c].Meaning = assay.Inferred, best.unit, fmt.Sprintf("%q of the monitor", best.label)
		switch {
		case strings.Contains(name, "cpu"):
			all[c].Role, all[c].Meaning = assay.RoleCPU, "processor use, "+percentOf(files, c)
			evidence += "; " + s.cpuEvidence(files, c)
		case strings.Contains(name, "mem"):
			all[c].Role = assay.RoleMemory
			memory = append(memory, c)
		}
		all[c].Evidence = evidence
	}
	for _, c := range memory {
		unit, why := memoryUnit(files, memory, all[c].Unit)
		all[c].Unit = unit
		all[c].Evidence += why
	}
	return all
}

// percentOf says of what a percentage is: more than 100 are of one core.
func percentOf(files []*file, c int) string {
	for _, f := range files {
		if m := f.content.(*monitor); c < len(m.values) && slices.Max(m.values[c]) > 100.5 {
			return "in percent of one core: it goes beyond 100"
		}
	}
	return "in percent of one core or of all: it never goes beyond 100"
}

// cpuEvidence says for each system what its percentages are like: how large
// they get, and how often they change much from one sample to the next. A mean
// since the process began hardly does.
func (s *sweep) cpuEvidence(files []*file, c int) string {
	type seen struct {
		most         float64
		jumps, steps int
	}
	of := map[string]*seen{}
	var systems []string
	for _, f := range files {
		m := f.content.(*monitor)
		if c >= len(m.values) {
			continue
		}
		name := s.of[f].system
		if of[name] == nil {
			of[name] = &seen{}
			systems = append(systems, name)
		}
		here, before := of[name], m.values[c][0]
		for _, x := range m.values[c] {
			here.most = max(here.most, x)
			if math.Abs(x-before) >= 1 {
				here.jumps++
			}
			before = x
		}
		here.steps += len(m.values[c])
	}
	var said []string
	for _, name := range systems {
		here := of[name]
		said = append(said, fmt.Sprintf("%sat most %.6g, and 1 or more away from the sample before in %d of %d", prefix(name), here.most, here.jumps, here.steps))
	}
	return strings.Join(said, "; ")
}

func prefix(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// memoryUnit tells Mb of 2^20 bytes from Mb of a million: memory comes in pages
// of 4 KiB, which are whole numbers of 1/256 of the former. Only values with
// enough digits behind the point can say, but what they say goes for all
// columns of the program that printed them.
func memoryUnit(files []*file, columns []int, printed string) (unit, why string) {
	if strings.ToLower(printed) != "mb" {
		return printed, ""
	}
	whole, of := 0, 0
	for _, f := range files {
		m := f.content.(*monitor)
		for _, c := range columns {
			if c >= len(m.values) {
				continue
			}
			for _, x := range m.values[c] {
				if x <= 0 || x >= 100 {
					continue
				}
				of++
				if pages := x * 256; math.Abs(pages-math.Round(pages)) < 0.02 {
					whole++
				}
			}
		}
	}
	if of == 0 {
		return "MB", "; whether of 2^20 bytes, nothing says"
	}
	why = fmt.Sprintf("; in 2^20 bytes, memory is whole pages of 4 KiB in %d of the %d values below 100", whole, of)
	if whole*100 < of*99 {
		return "MB", why
	}
	return "MiB", why
}
