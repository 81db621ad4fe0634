// Package shimwire reads what a shim writes to descriptor 3, as
// docs/shim-protocol.md has it. It runs nothing, and judges a shim by its lines
// alone: what they say is what was measured.
package shimwire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// Bounds of the protocol.
const (
	Version  = 1
	MaxCalls = 5000
	maxLine  = 1024 // bytes, with its end

	// MaxBytes is more than any report has: a call and its region for each, and
	// a line for all there is besides.
	MaxBytes = (2*MaxCalls + 100) * maxLine
)

// An End is how a shim says that it ended.
type End string

// The ends.
const (
	OK          End = "ok"
	Exit        End = "exit"
	Trap        End = "trap"
	Unsupported End = "unsupported"
	CannotRun   End = "cannot-run"
	Wrong       End = "wrong"
)

var ends = []End{OK, Exit, Trap, Unsupported, CannotRun, Wrong}

// statuses are those of shims by their end. After Exit it is the guest's.
var statuses = map[End]int{OK: 0, Trap: 134, Unsupported: 70, CannotRun: 70, Wrong: 65}

// A Report is what a shim wrote.
type Report struct {
	Engine  string
	Version string // of the engine
	Mode    string
	Threads int // that compile; 0: not known, or nothing is compiled
	Phases  []Phase
	Count   int64
	Unit    string // of Count; "": nothing was counted
	End     End    // "": it did not say
	Detail  string // of End
	Wrong   string // why the report is not to be used; "": it is whole and as asked for
}

// A Phase is one phase that a shim timed.
type Phase struct {
	Name  assay.Phase // merged ones joined by "+"
	Call  int         // of a call, its number from 1; of a region, that of the call it is in; otherwise 0
	NS    int64
	CPUNS *int64 // nil: not measured
}

// Within finds r wrong if its phases take longer, in all, than their process,
// which took wall ns.
func (r *Report) Within(wall int64) {
	left := wall
	for _, p := range r.Phases {
		if p.NS > left {
			if r.Wrong == "" {
				r.Wrong = fmt.Sprintf("the phases take longer together than their process, %d ns: is the shim's clock wrong?", wall)
			}
			return
		}
		if p.Name != assay.Region { // which is part of the call that comes next
			left -= p.NS
		}
	}
}

// Exited finds r wrong if its end does not go with how its process ended: the
// status, -1 if it died by a signal.
func (r *Report) Exited(status int) {
	want, fixed := statuses[r.End]
	switch {
	case r.Wrong != "" || fixed && status == want:
	case fixed:
		r.Wrong = fmt.Sprintf("descriptor 3: the end is %q, and the shim's status is %d, not %d", r.End, status, want)
	case r.End == Exit && status == 0:
		r.Wrong = "descriptor 3: the guest exited within a call that was to return"
	}
}

// modes are those names of modes that have one meaning, in plans and of shims.
var modes = []string{string(runners.Interpreter), string(runners.JIT), string(runners.AOT), string(runners.Precompiled)}

// Took finds r wrong if its mode is not the one that was asked for, or, where
// none was, contradicts how the plan says that code is executed.
func (r *Report) Took(executes, asked string) {
	switch {
	case r.Wrong != "" || r.Mode == "":
	case asked != "":
		if r.Mode != asked {
			r.Wrong = fmt.Sprintf("descriptor 3: the mode is %q, %q was asked for", r.Mode, asked)
		}
	case executes != "" && r.Mode != executes && slices.Contains(modes, r.Mode):
		r.Wrong = fmt.Sprintf("descriptor 3: the mode is %q, and the plan's %q", r.Mode, executes)
	}
}

// A Reader takes in what a shim writes, however it is cut. What it holds is
// bounded: a line, and what the protocol has of phases, calls and regions.
type Reader struct {
	Calls int  // that were asked for
	Count bool // that was asked for

	line    []byte // begun
	lines   int    // whole
	seen    map[assay.Phase]bool
	calls   int   // after the first
	regions int   // the call of the latest one, plus 1
	region  int64 // ns of it, until its call is there
	report  Report
}

// Write takes p in. It never fails: what is wrong is in the report.
func (r *Reader) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && r.report.Wrong == ""; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		rest = after
		if len(r.line)+len(part) >= maxLine {
			r.wrong("line %d is longer than %d bytes", r.lines+1, maxLine)
			break
		}
		r.line = append(r.line, part...)
		if !whole {
			break
		}
		r.lines++
		r.take(r.line)
		r.line = r.line[:0]
	}
	return len(p), nil
}

// Close returns the report. Nothing can be written after it.
func (r *Reader) Close() Report {
	rep := &r.report
	switch {
	case rep.Wrong != "":
	case len(r.line) > 0:
		r.wrong("the last line, %q, has no end", clip(r.line))
	case r.lines == 0:
		r.wrong("the shim reported nothing")
	case rep.End == "":
		r.wrong("no line says the end: the shim was cut off")
	case rep.End != OK:
	case !r.seen[assay.FirstCall]:
		r.wrong("no %s was reported", assay.FirstCall)
	case r.calls != r.Calls:
		r.wrong("%d calls were reported, %d asked for", r.calls, r.Calls)
	case r.Count != (rep.Unit != ""):
		r.wrong("a count was asked for: %t, reported: %t", r.Count, rep.Unit != "")
	}
	return *rep
}

func (r *Reader) wrong(format string, args ...any) {
	r.report.Wrong = "descriptor 3: " + fmt.Sprintf(format, args...)
}

// A line is any of the protocol's.
type line struct {
	Shim    *int64  `json:"shim"`
	Engine  string  `json:"engine"`
	Version string  `json:"version"`
	Mode    string  `json:"mode"`
	Threads int32   `json:"threads"`
	Phase   *string `json:"phase"`
	Call    *int64  `json:"call"`
	NS      *int64  `json:"ns"`
	CPUNS   *int64  `json:"cpu_ns"`
	Count   *int64  `json:"count"`
	Unit    string  `json:"unit"`
	End     *End    `json:"end"`
	Detail  string  `json:"detail"`
}

// take takes in one line.
func (r *Reader) take(text []byte) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		r.wrong("line %d, %q, is not one of the protocol: %v", r.lines, clip(text), err)
		return
	}
	rep, why := &r.report, ""
	switch {
	case rep.End != "":
		why = "follows the end"
	case r.lines == 1:
		why = rep.head(l)
	case l.Phase != nil && rep.Unit == "":
		why = r.phase(l)
	case l.Count != nil && rep.Unit == "" && len(rep.Phases) > 0:
		if *l.Count < 0 || l.Unit == "" {
			why = "is not a count of 0 or more with its unit"
		}
		rep.Count, rep.Unit = *l.Count, l.Unit
	case l.End != nil:
		if !slices.Contains(ends, *l.End) {
			why = fmt.Sprintf("has none of the ends %q", ends)
		}
		rep.End, rep.Detail = *l.End, l.Detail
	default:
		why = "is no phase, count or end in its place"
	}
	if why != "" {
		r.wrong("line %d, %q, %s", r.lines, clip(text), why)
	}
}

// head takes in the first line, and returns what is wrong with it.
func (rep *Report) head(l line) string {
	switch {
	case l.Shim == nil:
		return `is not the first line: want "shim"`
	case *l.Shim != Version:
		return fmt.Sprintf("is of version %d of the protocol: want %d", *l.Shim, Version)
	case l.Engine == "" || l.Version == "" || l.Mode == "":
		return "wants an engine, its version and its mode"
	case strings.ContainsFunc(l.Engine+l.Version+l.Mode, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has an engine, a version or a mode that cannot be printed"
	case l.Threads < 0:
		return "has a negative number of threads"
	}
	rep.Engine, rep.Version, rep.Mode, rep.Threads = l.Engine, l.Version, l.Mode, int(l.Threads)
	return ""
}

// order is the phases but call and region as they are merged.
var order = []assay.Phase{
	assay.EngineInit, assay.Compile, assay.Load, assay.Link, assay.Instantiate,
	assay.FirstCall, assay.SecondInstantiate, assay.Teardown,
}

// mergeable is how many of order may be merged with another.
const mergeable = 5

// phase takes in a phase, and returns what is wrong with it.
func (r *Reader) phase(l line) string {
	if l.NS == nil || *l.NS < 0 || l.CPUNS != nil && *l.CPUNS < 0 {
		return "wants ns of 0 or more, and such cpu_ns or none"
	}
	p := Phase{Name: assay.Phase(*l.Phase), NS: *l.NS, CPUNS: l.CPUNS}
	if l.Call != nil {
		if *l.Call < 1 || *l.Call > MaxCalls {
			return fmt.Sprintf("has no call from 1 to %d", MaxCalls)
		}
		p.Call = int(*l.Call)
	}
	next := 0 // the call that is under way
	if r.seen[assay.FirstCall] {
		next = r.calls + 1
	}
	over := r.seen[assay.SecondInstantiate] || r.seen[assay.Teardown]
	switch p.Name {
	case assay.Call:
		if over || next == 0 || p.Call != next {
			return fmt.Sprintf("is out of order: calls come after %s, numbered from 1", assay.FirstCall)
		}
		r.calls++
	case assay.Region:
		if over || p.Call != next || r.regions > next {
			return fmt.Sprintf("is out of order: want at most one %s in a call, before it", assay.Region)
		}
		r.regions, r.region = next+1, p.NS
	default:
		if p.Call != 0 {
			return "has a call, and is none"
		}
		if why := r.single(p.Name); why != "" {
			return why
		}
	}
	if p.Name == assay.FirstCall || p.Name == assay.Call {
		if p.NS < r.region {
			return "is shorter than the region in it"
		}
		r.region = 0
	}
	r.report.Phases = append(r.report.Phases, p)
	return ""
}

// single takes in the name of a phase that is there once, and returns what is
// wrong with it.
func (r *Reader) single(name assay.Phase) string {
	parts := strings.Split(string(name), "+")
	last := -1
	for _, part := range parts {
		i := slices.Index(order, assay.Phase(part))
		switch {
		case i < 0:
			return fmt.Sprintf("names no phase: want one of %q", order)
		case len(parts) > 1 && i >= mergeable:
			return fmt.Sprintf("merges %s, which is never merged", part)
		case i <= last:
			return fmt.Sprintf("merges out of order: want that of %q", order[:mergeable])
		case r.seen[order[i]]:
			return fmt.Sprintf("is %s once more", part)
		}
		for _, later := range order[max(i+1, mergeable):] {
			if r.seen[later] {
				return fmt.Sprintf("is out of order: it comes before %s", later)
			}
		}
		last = i
	}
	if last > mergeable && !r.seen[assay.FirstCall] {
		return fmt.Sprintf("is out of order: it comes after %s", assay.FirstCall)
	}
	if r.seen == nil {
		r.seen = map[assay.Phase]bool{}
	}
	for _, part := range parts {
		r.seen[assay.Phase(part)] = true
	}
	if r.seen[assay.Compile] && r.seen[assay.Load] {
		return fmt.Sprintf("makes both %s and %s: a module is compiled or loaded", assay.Compile, assay.Load)
	}
	return ""
}

// clip returns the beginning of a line, for an error.
func clip(text []byte) []byte { return text[:min(len(text), 100)] }
