package importers

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
)

// pidstat reads what sysstat's pidstat prints.
var pidstat = Format{Name: "pidstat", Title: "pidstat of sysstat: -u, -r, -d, -w, -s, -R and -h, with 12 or 24 hours", Revision: 2, read: readPidstat}

func readPidstat(ctx context.Context, in *Input, out *Output) error {
	p := pidstatReports{out: out, reports: make(map[string]*pidstatReport)}
	return in.each(ctx, out, "text of pidstat: it has a line of names with PID or TGID, and Command", func(f *file) {
		for _, line := range strings.SplitN(f.text, "\n", 20) {
			if names := strings.Fields(line); isPidstatHeader(names) {
				f.kind = "pidstat output"
				p.read(f)
				return
			}
		}
	})
}

// isPidstatHeader reports whether the fields of a line are names of columns.
func isPidstatHeader(fields []string) bool {
	return (slices.Contains(fields, "PID") || slices.Contains(fields, "TGID")) && fields[len(fields)-1] == "Command"
}

// pidstatColumns say what a name in a header means, and pidstatReport names the
// trace of the reports that have it.
var pidstatColumns = map[string]struct {
	kind, unit string
	role       assay.Role
	report     string
	meaning    string
}{
	"UID":       {"int", "", "", "", "user of the process"},
	"USER":      {"text", "", "", "", "user of the process"},
	"PID":       {"int", "", "", "", "number of the process"},
	"TGID":      {"int", "", "", "", "number of the process; null in rows of threads"},
	"TID":       {"int", "", "", "", "number of the thread; null in rows of processes"},
	"%usr":      {"float", "%", "", "cpu", "processor time in user mode, without guests; 100 is one processor"},
	"%system":   {"float", "%", "", "cpu", "processor time in the kernel"},
	"%guest":    {"float", "%", "", "cpu", "processor time in virtual machines"},
	"%wait":     {"float", "%", "", "cpu", "time waiting for a processor"},
	"%CPU":      {"float", "%", assay.RoleCPU, "cpu", "processor time altogether; 100 is one processor, or all with pidstat -I"},
	"CPU":       {"int", "", "", "cpu", "processor that it ran on last"},
	"minflt/s":  {"float", "1/s", "", "memory", "page faults without reading from disk"},
	"majflt/s":  {"float", "1/s", "", "memory", "page faults with reading from disk"},
	"VSZ":       {"int", "KiB", "", "memory", "virtual memory"},
	"RSS":       {"int", "KiB", assay.RoleMemory, "memory", "resident memory"},
	"%MEM":      {"float", "%", "", "memory", "resident memory, of all of the machine's"},
	"StkSize":   {"int", "KiB", "", "stack", "memory reserved for the stack"},
	"StkRef":    {"int", "KiB", "", "stack", "memory of the stack in use"},
	"kB_rd/s":   {"float", "KiB/s", "", "io", "read from disk; -1 where it cannot be known"},
	"kB_wr/s":   {"float", "KiB/s", "", "io", "written to disk; -1 where it cannot be known"},
	"kB_ccwr/s": {"float", "KiB/s", "", "io", "writes that were cancelled; -1 where it cannot be known"},
	"iodelay":   {"int", "", "", "io", "clock ticks of waiting for the disk"},
	"cswch/s":   {"float", "1/s", "", "switches", "voluntary context switches"},
	"nvcswch/s": {"float", "1/s", "", "switches", "involuntary context switches"},
	"threads":   {"int", "", "", "tables", "threads of the process"},
	"fd-nr":     {"int", "", "", "tables", "open files of the process"},
	"prio":      {"int", "", "", "scheduling", "real-time priority"},
	"policy":    {"text", "", "", "scheduling", "scheduling policy"},
	"Command":   {"text", "", assay.RoleFactor, "", "name of the process, or its command line with pidstat -l"},
	"usr-ms":    {"float", "ms", "", "time", "processor time in user mode in the interval, with the children's"},
	"system-ms": {"float", "ms", "", "time", "processor time in the kernel in the interval, with the children's"},
	"guest-ms":  {"float", "ms", "", "time", "processor time in virtual machines in the interval, with the children's"},
	"%iodelay":  {"float", "%", "", "io", "time of waiting for the disk"},
}

// pidstatReports are the traces of reports, by their names: the columns decide.
type pidstatReports struct {
	out     *Output
	reports map[string]*pidstatReport
}

// A pidstatReport is the trace of the reports with the same columns.
type pidstatReport struct {
	trace         *Trace
	printed, date column[string]
	day           column[float64]
	unix          column[int64]
	cells         map[string]*cell
}

var (
	pidstatEpoch = regexp.MustCompile(`^\d{9,11}$`)
	pidstatTitle = regexp.MustCompile(`^\S+ \S+ \([^)]*\) +(\S+)`)
)

// A pidstatTime is where the rows of a file are in time.
type pidstatTime struct {
	date string  // as the title has it
	last float64 // seconds since midnight of the row before
	days float64 // how often midnight has passed
}

// read reads the reports of a file. It may have several runs of pidstat, each
// with a title.
func (p *pidstatReports) read(f *file) {
	var at pidstatTime
	var names []string
	for n, line := range f.lines() {
		fields := strings.Fields(line)
		switch said := pidstatTitle.FindStringSubmatch(strings.ReplaceAll(line, "\t", " ")); {
		case len(fields) == 0:
		case said != nil:
			at, names = pidstatTime{date: said[1]}, nil
		case isPidstatHeader(fields):
			names = fields
			for len(names) > 0 && pidstatColumns[names[0]].kind == "" {
				names = names[1:] // the time: "02:40:10 AM", "# Time", "Average:"
			}
		default:
			if why := p.row(f, n, line, fields, names, &at); why != "" {
				f.reject(n, line, why)
			}
		}
	}
}

// row adds a row, or says why it cannot.
func (p *pidstatReports) row(f *file, n int, line string, fields, names []string, at *pidstatTime) string {
	if names == nil {
		return "a row above the names of its columns"
	}
	printed, values := fields[0], fields[1:]
	if len(values) > 0 && values[0] == ":" { // of "Moyenne :"
		printed, values = printed+":", values[1:]
	}
	average := strings.HasSuffix(printed, ":")
	if len(values) > 0 && (values[0] == "AM" || values[0] == "PM") && !average {
		printed, values = printed+" "+values[0], values[1:]
	}
	if len(values) < len(names) {
		return fmt.Sprintf("%d columns, want %d and the time", len(values), len(names))
	}
	last := len(names) - 1
	if len(values) > len(names) { // a command line has spaces
		values = append(slices.Clone(values[:last]), strings.Join(values[last:], " "))
	}
	r, why := p.report(names, average)
	if why != "" {
		return why
	}
	var day, unix float64
	var err error
	switch {
	case average:
	case pidstatEpoch.MatchString(printed):
		unix, err = number(printed)
	default:
		day, err = at.seconds(printed)
	}
	if err != nil {
		return err.Error()
	}
	cells := make([]*cell, len(names))
	for i, name := range names {
		cells[i] = r.cells[name]
		if cells[i].floats.v != nil && !strings.Contains(values[i], ".") {
			values[i] = strings.Replace(values[i], ",", ".", 1) // of some languages
		}
	}
	if !f.row(r.trace, n, cells, values, line) {
		return ""
	}
	if at.date != "" {
		r.date.set(at.date)
	}
	switch {
	case average:
	case unix != 0:
		r.printed.set(printed)
		r.unix.set(int64(unix))
	default:
		r.printed.set(printed)
		r.day.set(day)
	}
	return ""
}

// seconds returns the time since the midnight before the first row.
func (t *pidstatTime) seconds(printed string) (float64, error) {
	layout := "15:04:05"
	if strings.HasSuffix(printed, "M") {
		layout = "03:04:05 PM"
	}
	clock, err := time.Parse(layout, printed)
	if err != nil {
		return 0, fmt.Errorf("%.100q is not a time of day", printed)
	}
	s := clock.Sub(clock.Truncate(24 * time.Hour)).Seconds()
	if s < t.last-pidstatBackward {
		t.days++
	}
	t.last = s
	return t.days*86400 + s, nil
}

// pidstatBackward is how far the clock may be set back before that is another
// day: a report's rows are in the order of time.
const pidstatBackward = 12 * 3600

// report returns the trace of reports with those columns.
func (p *pidstatReports) report(names []string, average bool) (r *pidstatReport, why string) {
	reports := make(map[string]bool)
	for i, name := range names {
		said, ok := pidstatColumns[name]
		switch {
		case !ok:
			return nil, fmt.Sprintf("column %.100q: pidstat has none of that name", name)
		case slices.Contains(names[:i], name):
			return nil, fmt.Sprintf("column %.100q is there twice", name)
		case said.report != "":
			reports[said.report] = true
		}
	}
	name := strings.Join(slices.Sorted(maps.Keys(reports)), "_")
	if name == "" {
		return nil, "no column of a report"
	}
	meaning := "one row a process and interval"
	if average {
		name, meaning = name+"_averages", "one row a process: the averages of the whole run, as pidstat computed them"
	}
	if r = p.reports[name]; r == nil {
		r = &pidstatReport{trace: p.out.trace(name, meaning), cells: make(map[string]*cell)}
		t := r.trace
		r.date = t.text(known("date", "", "", "day on which pidstat began, as the language of that machine writes it"))
		r.printed = t.text(known("time", "", "", "end of the interval, as printed, in the zone of that machine; null of averages"))
		r.day = t.float(inferred("seconds", "s", assay.RoleTime, "end of the interval, since the midnight before the first row", "time, with 24 hours more whenever it goes back by more than 12"))
		r.unix = t.int(known("unix_time", "s", "", "end of the interval, since 1970: old versions print that with -h"))
		p.reports[name] = r
	}
	for _, name := range names {
		if r.cells[name] == nil {
			r.cells[name] = pidstatCell(r.trace, name)
		}
	}
	return r, ""
}

func pidstatCell(t *Trace, name string) *cell {
	said := pidstatColumns[name]
	c := known(name, said.unit, said.role, said.meaning)
	switch said.kind {
	case "int":
		return t.intCell(c).maybe()
	case "float":
		return t.floatCell(c).maybe()
	}
	return t.textCell(c)
}
