package summary

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/assay-notebooks/assay"
)

// A line is a row of a summary, and of its phases one.
type line struct {
	assay.SummaryRow
	phase assay.PhaseRow
	more  bool // another line of the row came before
}

// lines returns those of s.
func lines(s assay.Summary) []line {
	var all []line
	for _, r := range s.Rows {
		for i := range max(len(r.Phases), 1) {
			l := line{SummaryRow: r, more: i > 0}
			if len(r.Phases) > 0 {
				l.phase = r.Phases[i]
			}
			all = append(all, l)
		}
	}
	return all
}

// mean is that of a line's calls, and over its ratio to the baseline's.
func (l line) mean() *assay.Estimate { return cmp.Or(l.Mean, l.phase.Mean) }
func (l line) over() *assay.Estimate { return cmp.Or(l.Over, l.phase.Over) }

// A heading is a column of a summary's table.
type heading struct {
	title string
	cell  func(line) string
}

// Write writes s as a table of text.
func Write(out io.Writer, s assay.Summary) error {
	statistic := "median [95% interval of the median, order statistics]"
	switch {
	case s.Protocol == assay.ProtocolPhases:
		statistic += "; of calls, over invocations, of each one's median"
	case s.Phase == assay.Call:
		statistic = "median over invocations of each one's median [95% interval, order statistics over invocations]"
	}
	if slices.ContainsFunc(lines(s), func(l line) bool { return l.mean() != nil }) {
		statistic += "; mean over invocations of each one's mean, and ratio of two [95% interval, Student's t and Fieller's theorem over invocations]"
	}
	fmt.Fprintf(out, "%s: %s\n%s; run %s\n\n", s.Name, s.Scope, statistic, s.Run)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	columns := headings(s)
	write := func(of func(heading) string) {
		var cells []string
		for _, c := range columns {
			cells = append(cells, of(c))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	write(func(c heading) string { return c.title })
	for _, l := range lines(s) {
		write(func(c heading) string { return c.cell(l) })
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if legend := Legend(s); len(legend) > 0 {
		fmt.Fprintf(out, "\nphases:\n  %s\n", strings.Join(legend, "\n  "))
	}
	if compared := Compared(s); len(compared) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.Join(compared, "\n"))
	}
	if len(s.Notes) > 0 {
		fmt.Fprintf(out, "\nnotes:\n  %s\n", strings.Join(s.Notes, "\n  "))
	}
	return nil
}

// headings are the columns of a summary's table.
func headings(s assay.Summary) []heading {
	all := []heading{
		{"workload", func(l line) string { return title(l.Workload, l.Params) }},
		{"runtime", func(l line) string { return l.Runtime }},
	}
	add := func(title string, cell func(line) string) { all = append(all, heading{title, cell}) }
	ok := func(l line) string { return fmt.Sprint(l.Outcomes[assay.OK]) }
	addMeans := func() { // where there are any
		if all := lines(s); slices.ContainsFunc(all, func(l line) bool { return l.mean() != nil }) {
			add("mean ("+firstUnit(s.Rows)+")", func(l line) string { return cell(l.mean()) })
			if slices.ContainsFunc(all, func(l line) bool { return l.over() != nil }) {
				add("mean / "+s.Rows[0].Runtime, func(l line) string { return cell(l.over()) })
			}
		}
	}
	switch s.Protocol {
	case assay.ProtocolPhases:
		unit := firstUnit(s.Rows)
		add("phase", func(l line) string { return cmp.Or(string(l.phase.Phase), "-") })
		add("n", func(l line) string {
			if l.phase.Wall == nil {
				return "0"
			}
			return fmt.Sprint(l.phase.Wall.N)
		})
		add("calls", func(l line) string {
			if l.phase.Calls == 0 {
				return "-"
			}
			return fmt.Sprint(l.phase.Calls)
		})
		add("wall ("+unit+")", func(l line) string { return cell(l.phase.Wall) })
		add("CPU ("+unit+")", func(l line) string { return cell(l.phase.CPU) })
		addMeans()
	case assay.ProtocolMemory:
		add("n", ok)
		add("peak RSS (MiB)", func(l line) string { return peak(s, l.SummaryRow) })
		add("PSS at exit (MiB)", func(l line) string { return cell(l.PSS) })
	case assay.ProtocolCount:
		add("n", ok)
		add("count", func(l line) string { return cell(l.Guest) })
		add("unit", func(l line) string {
			if l.Guest == nil {
				return "-"
			}
			return l.Guest.Unit
		})
	case assay.ProtocolSteady:
		add("invocations", ok)
		add("calls", func(l line) string { return fmt.Sprint(l.Calls) })
		add("call ("+firstUnit(s.Rows)+")", func(l line) string { return cell(l.Wall) })
		addMeans()
		add("process CPU (ms)", func(l line) string { return cell(l.CPU) })
	default:
		add("n", ok)
		add("wall (ms)", func(l line) string { return cell(l.Wall) })
		if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return r.Phases != nil }) {
			add("first byte (ms)", func(l line) string { return cell(l.phase.Wall) })
		}
		add("CPU (ms)", func(l line) string { return cell(l.CPU) })
	}
	if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return r.User != nil }) && s.Protocol != assay.ProtocolPhases {
		add("user (ms)", func(l line) string { return cell(l.User) })
		add("system (ms)", func(l line) string { return cell(l.System) })
	}
	if s.Phase != "" {
		add("peak RSS (MiB)", func(l line) string { return peak(s, l.SummaryRow) })
	}
	if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return r.GroupCPU != nil }) {
		add("control group CPU (ms)", func(l line) string { return cell(l.GroupCPU) })
	}
	if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return r.GroupMemory != nil }) {
		add("control group peak (MiB)", func(l line) string { return cell(l.GroupMemory) })
	}
	if slices.ContainsFunc(s.Rows, func(r assay.SummaryRow) bool { return r.Mode != "" }) {
		add("mode", func(l line) string { return Mode(l.SummaryRow) })
	}
	add("failures", func(l line) string {
		if l.more {
			return "" // said in the first line
		}
		return failures(l.SummaryRow)
	})
	return all
}

// Mode says in words how a row's code is executed: "aot, cache off, 1 thread".
func Mode(r assay.SummaryRow) string {
	text := cmp.Or(r.Mode, "-")
	if r.Cache != "" {
		text += ", cache " + r.Cache
	}
	switch {
	case r.Threads == 1:
		text += ", 1 thread"
	case r.Threads > 1:
		text += fmt.Sprintf(", %d threads", r.Threads)
	}
	return text
}

// Legend says what each phase of s that a shim told spans, in the order of its
// rows.
func Legend(s assay.Summary) []string {
	var lines []string
	said := map[assay.Phase]bool{}
	for _, r := range s.Rows {
		for _, p := range r.Phases {
			if s.Scopes[p.Phase] != "" && !said[p.Phase] {
				said[p.Phase] = true
				lines = append(lines, fmt.Sprintf("%s: %s", p.Phase, s.Scopes[p.Phase]))
			}
		}
	}
	return lines
}

// firstUnit is the unit of the times in rows.
func firstUnit(rows []assay.SummaryRow) string {
	for _, r := range rows {
		if r.Wall != nil {
			return r.Wall.Unit
		}
		for _, p := range r.Phases {
			if p.Wall != nil {
				return p.Wall.Unit
			}
		}
	}
	return "ms"
}

// peak writes the peak RSS of a row.
func peak(s assay.Summary, r assay.SummaryRow) string {
	below := fmt.Sprintf("below %.1f", float64(s.Floor)/(1<<20))
	switch {
	case r.RSS == nil && r.RSSBelow > 0:
		return below
	case r.RSS != nil && r.RSS.Low != nil && *r.RSS.Low == 0: // what is below counts as the lowest
		return fmt.Sprintf("%s [%s, %s]", figures3(r.RSS.Value), below, figures3(*r.RSS.High))
	}
	return cell(r.RSS)
}

func cell(e *assay.Estimate) string {
	switch {
	case e == nil:
		return "-"
	case e.Low == nil:
		return fmt.Sprintf("%s [too few]", figures3(e.Value))
	default:
		return fmt.Sprintf("%s [%s, %s]", figures3(e.Value), figures3(*e.Low), figures3(*e.High))
	}
}

// figures3 writes v with three significant figures and no exponent; from 100 on
// all those before the point.
func figures3(v float64) string {
	if v == 0 {
		return "0"
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e") // as it is rounded: 0.9999 is 1.00
	n, _ := strconv.Atoi(exponent)
	return strconv.FormatFloat(v, 'f', max(2-n, 0), 64)
}

// Failures says in words how what was not ok ended, each with how often: "3
// exit 1".
func Failures(r assay.SummaryRow) []string {
	var all []string
	for _, o := range slices.Sorted(maps.Keys(r.Outcomes)) {
		switch {
		case o == assay.OK:
		case o == assay.Exit && len(r.Exits) > 0:
			for _, status := range slices.Sorted(maps.Keys(r.Exits)) {
				all = append(all, fmt.Sprintf("%d exit %d", r.Exits[status], status))
			}
		case o == assay.Signal && len(r.Signals) > 0:
			for _, name := range slices.Sorted(maps.Keys(r.Signals)) {
				all = append(all, fmt.Sprintf("%d %s", r.Signals[name], name))
			}
		default:
			all = append(all, fmt.Sprintf("%d %s", r.Outcomes[o], o))
		}
	}
	return all
}

// failures writes those of a row, and why the first was not ok.
func failures(r assay.SummaryRow) string {
	text := strings.Join(Failures(r), ", ")
	if text == "" {
		return "none"
	}
	if why := reason(r.Detail); why != "" {
		text += ": " + why
	}
	return text
}

// causes begin what Rust's programs say of why, each line after the one that it
// is the cause of.
var causes = regexp.MustCompile(`(?s)\n\s*(?:Caused by:|╰─▶)(.+)$`)

// number begins a line of such causes.
var number = regexp.MustCompile(`^[│╰─▶\s]*\d+: `)

// reason is the first line of a detail, and the last cause that follows it.
func reason(detail string) string {
	detail = strings.TrimSpace(detail)
	first, _, _ := strings.Cut(detail, "\n")
	if m := causes.FindStringSubmatch(detail); m != nil {
		last := strings.TrimSpace(m[1])
		last = last[strings.LastIndexByte(last, '\n')+1:]
		first += ": " + strings.TrimSpace(number.ReplaceAllString(last, ""))
	}
	return first
}
