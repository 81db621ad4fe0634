package importers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A summary is a file of blocks: a heading, then a line for every measure. At
// its end may stand what the monitor saw at each concurrency.
type summary struct {
	runs       []abRun
	headings   [][]assay.Fact // of each run, but for requests and concurrency
	units      [len(measures)]string
	aggregates []aggregate
	other      int // lines that say nothing we know
}

// An aggregate is what a summary says of one column of the monitor.
type aggregate struct {
	load     int64
	label    string // "CPU"
	unit     string // "%"
	min, max float64
}

// under returns the runs with their conditions: those of the path, but what a
// heading says wins.
func (s *summary) under(c *conditions) (runs []abRun, disagree int) {
	made := map[string]*conditions{}
	for i := range s.runs {
		own := conditions{folder: c.folder, system: c.system, workload: c.workload, factors: slices.Clone(c.factors)}
		workload := workloadOf(s.headings[i])
		for _, f := range s.headings[i] {
			before, ok := own.factor(f.Name)
			switch {
			case f.Value == workload:
				ok, before, own.workload = own.workload != "", own.workload, workload
			case ok:
				own.factors[slices.IndexFunc(own.factors, func(g assay.Fact) bool { return g.Name == f.Name })].Value = f.Value
			default:
				own.factors = append(own.factors, f)
			}
			if ok && before != f.Value {
				disagree++
			}
		}
		key := own.key()
		if made[key] == nil {
			made[key] = &own
		}
		s.runs[i].conditions = made[key]
	}
	return s.runs, disagree
}

// workloads adds what the headings call the workload.
func (s *summary) workloads(names map[string]bool) {
	for _, heading := range s.headings {
		if w := workloadOf(heading); w != "" {
			names[w] = true
		}
	}
}

func workloadOf(heading []assay.Fact) string {
	i := slices.IndexFunc(heading, func(f assay.Fact) bool {
		return slices.Contains([]string{"app", "application", "function", "heading_workload", "benchmark"}, f.Name)
	})
	if i < 0 {
		return ""
	}
	return heading[i].Value
}

// A block is one of a summary while it is read.
type block struct {
	run     abRun
	heading []assay.Fact
	text    string
	bad     bool // a line of it was rejected
}

func readSummary(f *file) *summary {
	var s summary
	var b *block
	var labels [len(measures)]bool // that the first block has
	load := int64(-1)              // of the aggregates that follow
	end := func() {
		if b == nil || b.bad {
			b = nil
			return
		}
		if len(s.runs) == 0 {
			labels = b.run.has
		}
		if b.run.has != labels {
			f.reject(b.run.line, b.text, "the lines below it are not those of the first block: it is cut short")
		} else {
			s.runs, s.headings = append(s.runs, b.run), append(s.headings, b.heading)
		}
		b = nil
	}
	for n, line := range f.lines() {
		label, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		m := measureOf(label)
		switch {
		case strings.TrimSpace(line) == "":
		case strings.Contains(line, " | "):
			end()
			var err error
			if b, err = readHeading(f.path, n, line); err != nil {
				f.reject(n, line, err.Error())
				b = &block{bad: true}
			} else if why := f.hold(valuesOfRun + 4*len(b.heading)); why != "" {
				f.reject(n, line, why)
				b.bad = true
			}
		case strings.HasPrefix(line, "***"):
			end()
		case ok && m >= 0 && b != nil:
			if b.bad {
				continue
			}
			if err := s.read(&b.run, m, value); err != nil {
				f.reject(n, line, fmt.Sprintf("%s: %v", label, err))
				b.bad = true
			}
		case ok && m >= 0:
			f.reject(n, line, "a measure with no heading above it")
		case strings.HasPrefix(line, "Concurrency "):
			var err error
			if load, err = integer(strings.TrimSpace(strings.TrimPrefix(line, "Concurrency "))); err != nil {
				f.reject(n, line, err.Error())
			}
		case ok && strings.HasSuffix(label, " Min/Max/Avg") && load >= 0:
			a, err := readAggregate(strings.TrimSuffix(label, " Min/Max/Avg"), value)
			if err != nil {
				f.reject(n, line, err.Error())
				continue
			}
			a.load = load
			s.aggregates = append(s.aggregates, a)
		default:
			s.other++
		}
	}
	end()
	f.rows = int64(len(s.runs))
	return &s
}

// measureOf returns the measure that a label names, -1 if none.
func measureOf(label string) int {
	return slices.IndexFunc(measures[:], func(m measure) bool { return slices.Contains(m.labels, label) })
}

// readHeading reads "19:59:17 - Workers: 1 | App: html | Total Requests: 150000
// | Request concurrency: 2".
func readHeading(path string, n int, line string) (*block, error) {
	b := &block{run: abRun{path: path, line: n}, text: line}
	if clock, rest, ok := strings.Cut(line, " - "); ok && !strings.Contains(clock, "|") {
		b.run.clock, line = strings.TrimSpace(clock), rest
		if len(b.run.clock) > 64 {
			return nil, fmt.Errorf("a time of %d bytes", len(b.run.clock))
		}
	}
	if parts := 1 + strings.Count(line, " | "); parts > maxMonitorColumns {
		return nil, fmt.Errorf("%d parts, at most %d are a heading", parts, maxMonitorColumns)
	}
	loads := 0
	for part := range strings.SplitSeq(line, " | ") {
		name, value, ok := strings.Cut(part, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%.100q is not NAME: VALUE", part)
		}
		var err error
		switch {
		case strings.Contains(name, "concurrency"):
			b.run.load, err = integer(value)
			loads++
		case strings.Contains(name, "requests"):
			b.run.requests, err = integer(value)
		default:
			if name = strings.ReplaceAll(name, " ", ""); slices.Contains(reservedNames, name) {
				name = "heading_" + name
			}
			b.heading = append(b.heading, assay.Fact{Name: name, Value: value})
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if loads != 1 {
		return nil, fmt.Errorf("%d times a concurrency, want once", loads)
	}
	return b, nil
}

// read reads "272.5 seconds" or "551.81 [#/sec]". All numbers of a measure must
// have one unit.
func (s *summary) read(run *abRun, m int, value string) error {
	first, rest := cutField(value)
	unit, _ := cutField(rest)
	unit = strings.Trim(unit, "[]")
	x, err := number(first)
	switch {
	case err != nil:
		return err
	case x < 0:
		return fmt.Errorf("%g: that cannot be below 0", x)
	case run.has[m]:
		return fmt.Errorf("it stands twice under one heading")
	case unit == "":
		return fmt.Errorf("no unit")
	case s.units[m] == "":
		s.units[m] = unit
	case s.units[m] != unit:
		return fmt.Errorf("in %s, where the lines before are in %s; convert it", unit, s.units[m])
	}
	run.values[m], run.has[m] = x, true
	return nil
}

// readAggregate reads "94.10% / 156.20% / 141.96%" or "12.93 Mb / ...".
func readAggregate(label, value string) (aggregate, error) {
	a := aggregate{label: strings.TrimSpace(label)}
	var numbers [3]float64
	parts := strings.Split(value, "/")
	if len(parts) != len(numbers) {
		return a, fmt.Errorf("%s: %d numbers, want minimum, maximum and mean", a.label, len(parts))
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		digits := strings.TrimRight(part, "%/ abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		unit := strings.TrimSpace(part[len(digits):])
		x, err := number(digits)
		if err != nil {
			return a, fmt.Errorf("%s: %.100q is not a number", a.label, part)
		}
		if i > 0 && unit != a.unit {
			return a, fmt.Errorf("%s: in %s and in %s", a.label, a.unit, unit)
		}
		numbers[i], a.unit = x, unit
	}
	a.min, a.max = numbers[0], numbers[1]
	return a, nil
}
