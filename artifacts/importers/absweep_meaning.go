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
	for _, f := range files {
		sum := s.beside(f, kindSummary)
		stamps := s.beside(f, kindTimestamps)
		if sum == nil || stamps == nil {
			continue
		}
		m := f.content.(*monitor)
		for _, a := range sum.content.(*summary).aggregates {
			i := slices.IndexFunc(all, func(x *match) bool { return x.label == a.label && x.unit == a.unit })
			if i < 0 {
				i = len(all)
				all = append(all, &match{label: a.label, unit: a.unit, same: make([]int, columns)})
			}
			from, to := s.span(stamps, a.load)
			lo, hi, ok := m.extremes(from, to)
			if !ok {
				continue
			}
			all[i].of++
			for c := range lo {
				if printedAs(lo[c], a.min) && printedAs(hi[c], a.max) {
					all[i].same[c]++
				}
			}
		}
	}
	return all
}

// printedAs reports whether x is y, that was printed with two decimals.
func printedAs(x, y float64) bool { return math.Abs(x-y) <= 0.0051 }

// span returns the first and the last mark of a concurrency.
func (s *sweep) span(stamps *file, load int64) (from, to int64) {
	for _, w := range s.windows[stamps] {
		if w.load != load {
			continue
		}
		if from == 0 {
			from = w.start
		}
		to = max(to, w.start, w.end)
	}
	return from, to
}

// extremes returns the least and the greatest value of each column in [from, to].
func (m *monitor) extremes(from, to int64) (lo, hi []float64, ok bool) {
	lo, hi = make([]float64, len(m.values)), make([]float64, len(m.values))
	first, last := 0, len(m.when)
	if m.ordered {
		first, _ = slices.BinarySearch(m.when, from)
		last, _ = slices.BinarySearch(m.when, to+1)
	}
	for c, values := range m.values {
		lo[c], hi[c] = math.Inf(1), math.Inf(-1)
		for row := first; row < last; row++ {
			if at := m.when[row]; from <= at && at <= to {
				lo[c], hi[c], ok = min(lo[c], values[row]), max(hi[c], values[row]), true
			}
		}
	}
	return lo, hi, ok
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
