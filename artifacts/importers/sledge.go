package importers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
)

// sledge reads the logs that Sledge writes of sandboxes and HTTP sessions.
var sledge = Format{Name: "sledge", Title: "Sledge: SLEDGE_SANDBOX_PERF_LOG and SLEDGE_HTTP_SESSION_PERF_LOG", Revision: 2, read: readSledge}

// sledgeFact is the fact that gives the processor's speed where a log does not.
const sledgeFact = "cpu_mhz"

// The names at the end of the sandbox log's header, and the columns that its
// rows have there.
const (
	sledgeShort = "proc_MHz,payload_size,regression_param"
	sledgeWhole = "proc_MHz,response_code,reserved,payload_size,regression_param"
)

// sledgeColumns say what a name in a log's header means.
var sledgeColumns = map[string]struct {
	kind, unit string
	role       assay.Role
	meaning    string
}{
	"id":               {"int", "", "", "number of the sandbox"},
	"tenant":           {"text", "", assay.RoleFactor, "tenant, as the specification names it"},
	"route":            {"text", "", assay.RoleWorkload, "route of the request, which selects the function"},
	"state":            {"text", "", "", "state at the end: Complete, or Error"},
	"deadline":         {"cycles", "", "", "relative deadline of the route"},
	"actual":           {"cycles", "", assay.RoleLatency, "from the request's arrival to its end"},
	"queued":           {"cycles", "", "", "from the allocation to the first dispatch"},
	"uninitialized":    {"cycles", "", "", "time in this state"},
	"allocated":        {"cycles", "", "", "time in this state"},
	"initialized":      {"cycles", "", "", "time in this state: ready, not yet run"},
	"runnable":         {"cycles", "", "", "time in this state: wants a processor"},
	"interrupted":      {"cycles", "", "", "time in this state"},
	"preempted":        {"cycles", "", "", "time in this state"},
	"running_sys":      {"cycles", "", "", "time in this state: runs Sledge's code"},
	"running_user":     {"cycles", "", "", "time in this state: runs the function's code"},
	"asleep":           {"cycles", "", "", "time in this state: waits for input or output"},
	"returned":         {"cycles", "", "", "time in this state: the answer is not yet sent"},
	"complete":         {"cycles", "", "", "time in this state"},
	"error":            {"cycles", "", "", "time in this state"},
	"proc_MHz":         {"int", "MHz", "", "speed of the processor by which cycles become time"},
	"response_code":    {"int", "", assay.RoleStatus, "HTTP status of the answer; 0 if none was sent"},
	"reserved":         {"int", "", "", "a 0 that Sledge prints between the status and the size"},
	"payload_size":     {"int", "bytes", "", "size of the request's body"},
	"regression_param": {"float", "", "", "parameter of the estimate of the execution time"},
	"header_len":       {"int", "bytes", "", "size of the answer's header"},
	"resp_body_len":    {"int", "bytes", assay.RoleSize, "size of the answer's body"},
	"receive_duration": {"cycles", "", "", "time to receive the request"},
	"sent_duration":    {"cycles", "", "", "time to send the answer"},
	"total_lifetime":   {"cycles", "", assay.RoleLatency, "from the session's start to its end"},
	"preprocessing":    {"cycles", "", "", "time to preprocess the request"},
}

func readSledge(ctx context.Context, in *Input, out *Output) error {
	given := 0.0
	for _, fact := range in.Facts {
		if fact.Name == sledgeFact {
			mhz, err := number(fact.Value)
			if err != nil || mhz <= 0 {
				return &FactError{fact, "want the processor's speed in MHz, a number above 0"}
			}
			given = mhz
		}
	}
	logs := make(map[string]*sledgeLog)
	return in.each(ctx, out, "a log of Sledge: its header begins with \"id,tenant,route\" or \"tenant,route,state\"", func(f *file) {
		first, _, _ := strings.Cut(f.text, "\n")
		names := strings.Split(strings.TrimSuffix(first, "\r"), ",")
		name, kind := "sandboxes", "Sledge sandbox log"
		switch {
		case strings.HasPrefix(first, "id,tenant,route,"):
		case strings.HasPrefix(first, "tenant,route,state,"):
			name, kind = "sessions", "Sledge HTTP session log"
		default:
			return
		}
		f.kind = kind
		log := logs[name]
		if log == nil {
			log = newSledgeLog(out, name, given)
			logs[name] = log
		}
		whole := names
		if head, ok := strings.CutSuffix(strings.Join(names, ","), sledgeShort); ok {
			whole = strings.Split(head+sledgeWhole, ",")
		}
		log.read(f, names, whole)
	})
}

// A sledgeLog is the trace of the logs of one kind. Versions of Sledge differ
// in the columns.
type sledgeLog struct {
	trace *Trace
	given float64 // MHz, 0 if not given
	cells map[string]*cell
	time  map[string]column[float64] // of the columns of cycles

	outcome column[string] // of sandboxes
}

func newSledgeLog(out *Output, name string, given float64) *sledgeLog {
	l := &sledgeLog{given: given, cells: make(map[string]*cell), time: make(map[string]column[float64])}
	if name == "sessions" {
		l.trace = out.trace(name, "one row an HTTP session, when it ends")
		return l
	}
	l.trace = out.trace(name, "one row a request, when its sandbox ends")
	l.outcome = l.trace.text(inferred("outcome", "", assay.RoleOutcome, "ok or failed", "ok where the state is Complete"))
	return l
}

// cell returns the cell of a name, which it makes when the name is new.
func (l *sledgeLog) cell(name string) *cell {
	if c := l.cells[name]; c != nil {
		return c
	}
	said, ok := sledgeColumns[name]
	c := known(name, said.unit, said.role, said.meaning)
	switch name {
	case "response_code", "reserved", "payload_size", "regression_param":
		c.Basis, c.Evidence = assay.Inferred, "Sledge's source prints 24 values below a header of 22 names: from here on the names of the header are of other columns"
	}
	switch {
	case !ok:
		c.Name, c.Basis, c.Meaning = "other."+name, assay.Unknown, "a column of the log that this importer does not know"
		l.cells[name] = l.trace.textCell(c)
	case said.kind == "cycles":
		c.Unit, c.Role = "cycles", ""
		l.cells[name] = l.trace.intCell(c)
		l.time[name] = l.trace.float(inferred(name+"_us", "us", said.role, said.meaning,
			"cycles / proc_MHz, or / the fact "+sledgeFact+" where proc_MHz is 0 or absent; null without both"))
	case said.kind == "int":
		l.cells[name] = l.trace.intCell(c)
	case said.kind == "float":
		l.cells[name] = l.trace.floatCell(c)
	default:
		l.cells[name] = l.trace.textCell(c)
	}
	return l.cells[name]
}

// read reads the rows of a log whose header has the names. Rows of as many
// columns as whole are of these.
func (l *sledgeLog) read(f *file, names, whole []string) {
	header := strings.Join(names, ",")
	if !utf8.ValidString(header) {
		f.reject(1, header, notUTF8)
		return
	}
	for i, name := range names {
		if name == "" || len(name) > maxName || slices.Contains(names[:i], name) {
			f.reject(1, header, fmt.Sprintf("the name of column %d is empty, too long or there twice", i+1))
			return
		}
	}
	if len(l.cells)+len(whole) > maxNamed {
		f.reject(1, header, fmt.Sprintf("more than %d different names", maxNamed))
		return
	}
	for n, line := range f.lines() {
		if n == 1 {
			continue
		}
		texts := strings.Split(line, ",")
		of := names
		if len(texts) == len(whole) {
			of = whole
		}
		if len(texts) != len(of) {
			f.reject(n, line, fmt.Sprintf("%d columns, want %d or %d", len(texts), len(names), len(whole)))
			continue
		}
		cells := make([]*cell, len(of))
		for i, name := range of {
			cells[i] = l.cell(name)
		}
		if f.row(l.trace, n, cells, texts, line) {
			l.conclude(of, cells)
		}
	}
}

// conclude gives the row what follows from its cells.
func (l *sledgeLog) conclude(names []string, cells []*cell) {
	if at := slices.Index(names, "state"); at >= 0 && l.outcome.v != nil {
		l.outcome.set(goodIf(strings.EqualFold(cells[at].text, "Complete")))
	}
	mhz := l.given
	if at := slices.Index(names, "proc_MHz"); at >= 0 && cells[at].int > 0 {
		mhz = float64(cells[at].int)
	}
	if mhz == 0 {
		return
	}
	for i, name := range names {
		if time, ok := l.time[name]; ok {
			time.set(float64(cells[i].int) / mhz)
		}
	}
}

// goodIf is the outcome of a request.
func goodIf(good bool) string {
	if good {
		return string(assay.OK)
	}
	return "failed"
}
