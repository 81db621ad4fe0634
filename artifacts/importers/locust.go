package importers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// locust reads what Locust's --csv writes, and the requests that SPRIGHT's
// scripts write from within Locust.
var locust = Format{Name: "locust", Title: "Locust --csv (statistics, history, failures), and SPRIGHT's stats.csv of requests", Revision: 2, read: readLocust}

func readLocust(ctx context.Context, in *Input, out *Output) error {
	l := newLocustTraces(out)
	return in.each(ctx, out, "a table of Locust --csv, nor of SPRIGHT's scripts, with lines like TIME;METHOD;NAME;MILLISECONDS", func(f *file) {
		first, _, _ := strings.Cut(f.text, "\n")
		first = strings.ReplaceAll(strings.TrimSuffix(first, "\r"), `"`, "")
		switch {
		case strings.HasPrefix(first, "Timestamp,User Count,Type,Name,"):
			f.kind = "Locust history"
			l.statistics(f, "history")
		case strings.HasPrefix(first, "Type,Name,Request Count,"):
			f.kind = "Locust statistics"
			l.statistics(f, "endpoints")
		case strings.HasPrefix(first, "Method,Name,Error,Occurrences"):
			f.kind = "Locust failures"
			l.failures(f)
		case locustRequest.MatchString(first):
			f.kind = "SPRIGHT requests"
			for n, line := range f.lines() {
				f.row(l.requests, n, l.request, strings.Split(line, ";"), line)
			}
		}
	})
}

var locustRequest = regexp.MustCompile(`^[0-9.]+;[A-Z]+;[^;]*;[0-9.]+$`)

// locustTraces are the traces of Locust's files. The rows that are of all
// requests together are in traces of their own.
type locustTraces struct {
	requests *Trace
	request  []*cell

	tables      map[string]*locustTable
	percentiles map[string]*locustPercentiles // likewise

	failed  *Trace
	failure map[string]*cell
}

// A locustTable is a trace of statistics.
type locustTable struct {
	trace *Trace
	cells map[string]*cell // by the name in the header
}

// locustPercentiles is a trace of percentiles.
type locustPercentiles struct {
	trace          *Trace
	of             []*cell // what the statistics are of: by these names
	names          []string
	share, latency column[float64]
}

func newLocustTraces(out *Output) *locustTraces {
	l := &locustTraces{tables: make(map[string]*locustTable), percentiles: make(map[string]*locustPercentiles)}
	l.requests = out.trace("requests", "one row a request that was answered well, from SPRIGHT's scripts, in the order in which they ended")
	l.request = []*cell{
		l.requests.floatCell(known("time", "s", assay.RoleEnd, "when it ended, since 1970 UTC")),
		l.requests.textCell(known("method", "", assay.RoleFactor, "HTTP method")),
		l.requests.textCell(known("name", "", assay.RoleWorkload, "where the request went")),
		l.requests.floatCell(known("latency", "ms", assay.RoleLatency, "of the request")),
	}
	for _, name := range []string{"endpoints", "totals", "history", "history_totals"} {
		l.tables[name] = newLocustTable(out, name)
		l.percentiles[name] = newLocustPercentiles(out, name)
	}
	l.failed = out.trace("failures", "how often each endpoint failed in which way")
	l.failure = map[string]*cell{
		"Method":      l.failed.textCell(known("method", "", assay.RoleFactor, "HTTP method")),
		"Name":        l.failed.textCell(known("name", "", assay.RoleWorkload, "endpoint")),
		"Error":       l.failed.textCell(known("error", "", "", "why the request failed")),
		"Occurrences": l.failed.intCell(known("failed", "", assay.RoleFailed, "requests that failed so")),
		"First Seen":  l.failed.textCell(known("first_seen", "", "", "when it was first seen; null before Locust 2.40")).maybe(),
		"Last Seen":   l.failed.textCell(known("last_seen", "", "", "when it was last seen; null before Locust 2.40")).maybe(),
	}
	return l
}

// locustMeanings say what the traces of statistics hold.
var locustMeanings = map[string]string{
	"endpoints":      "one row an endpoint: statistics of the whole test",
	"totals":         "the statistics of all endpoints together",
	"history":        "one row an endpoint and second, where Locust ran with --csv-full-history",
	"history_totals": "one row a second: all endpoints together",
}

// isHistory reports whether a trace has a row a second.
func isHistory(name string) bool { return strings.HasPrefix(name, "history") }

func newLocustTable(out *Output, name string) *locustTable {
	t := out.trace(name, locustMeanings[name])
	l := &locustTable{trace: t, cells: locustOf(t, name)}
	// Of the whole test until then, in either file; only in the history's
	// header Locust says Total.
	total, rate := "", "of the whole test"
	if isHistory(name) {
		total, rate = "Total ", "of the last ten seconds or so"
	}
	l.cells[total+"Request Count"] = t.intCell(known("requests", "", assay.RoleRequests, "requests made so far"))
	l.cells[total+"Failure Count"] = t.intCell(known("failed", "", assay.RoleFailed, "requests that failed so far"))
	l.cells[total+"Median Response Time"] = t.floatCell(known("latency_median", "ms", "", "median latency so far, which Locust rounds")).maybe()
	l.cells[total+"Average Response Time"] = t.floatCell(known("latency_mean", "ms", assay.RoleLatency, "mean latency so far"))
	l.cells[total+"Min Response Time"] = t.floatCell(known("latency_min", "ms", "", "shortest latency so far")).maybe()
	l.cells[total+"Max Response Time"] = t.floatCell(known("latency_max", "ms", "", "longest latency so far")).maybe()
	l.cells[total+"Average Content Size"] = t.floatCell(known("size", "bytes", assay.RoleSize, "mean size of the answers' bodies so far"))
	l.cells["Requests/s"] = t.floatCell(known("rps", "1/s", assay.RoleThroughput, "requests a second, with those that failed, "+rate))
	l.cells["Failures/s"] = t.floatCell(known("failed_per_second", "1/s", "", "requests a second that failed, "+rate))
	return l
}

// locustOf are the columns that say what statistics are of.
func locustOf(t *Trace, name string) map[string]*cell {
	of := make(map[string]*cell)
	if isHistory(name) {
		of["Timestamp"] = t.intCell(known("time", "s", assay.RoleTime, "since 1970 UTC"))
		of["User Count"] = t.intCell(known("users", "", assay.RoleFactor, "users that Locust simulated: each waits between its requests, so that they are not the requests under way"))
	}
	of["Type"] = t.textCell(known("method", "", assay.RoleFactor, "HTTP method; null of all together")).maybe()
	of["Name"] = t.textCell(known("name", "", assay.RoleWorkload, "endpoint, or Aggregated for all together"))
	return of
}

func newLocustPercentiles(out *Output, name string) *locustPercentiles {
	t := out.trace(name+"_percentiles", "latencies by percentile, of the trace "+name)
	p := &locustPercentiles{trace: t}
	of := locustOf(t, name)
	for _, field := range []string{"Timestamp", "User Count", "Type", "Name"} {
		if c := of[field]; c != nil {
			p.names, p.of = append(p.names, field), append(p.of, c)
		}
	}
	p.share = t.float(known("percentile", "%", assay.RoleFactor, "share of the requests that took at most the latency"))
	p.latency = t.float(known("latency", "ms", assay.RoleLatency, "percentile of the latencies, which Locust rounds to two digits"))
	return p
}

// locustHeader are the names of a file's columns.
type locustHeader []string

// bad says what keeps a header from being understood, "" if nothing does.
// Statistics have percentiles behind the columns that have cells.
func (h locustHeader) bad(cells map[string]*cell, percentiles bool) string {
	for i, name := range h {
		_, share := shareOf(name)
		if _, ok := cells[name]; !ok && !(share && percentiles) {
			return fmt.Sprintf("column %.100q: Locust has none of that name here", name)
		}
		if slices.Contains(h[:i], name) {
			return fmt.Sprintf("column %.100q is there twice", name)
		}
	}
	for _, name := range []string{"Type", "Name"} {
		if cells[name] != nil && !slices.Contains(h, name) {
			return "no column " + name
		}
	}
	return ""
}

// shareOf returns the number in a name like "99.9%".
func shareOf(name string) (float64, bool) {
	text, ok := strings.CutSuffix(name, "%")
	if !ok {
		return 0, false
	}
	share, err := number(text)
	return share, err == nil && share >= 0 && share <= 100
}

// statistics reads statistics into the trace of that name, and those of all
// endpoints together into the trace beside it.
func (l *locustTraces) statistics(f *file, name string) {
	totals := map[string]string{"endpoints": "totals", "history": "history_totals"}[name]
	var header locustHeader
	stop := false
	f.csv(func(line int, fields []string, raw string) {
		switch {
		case stop:
		case header == nil:
			header = slices.Clone(fields)
			if why := header.bad(l.tables[name].cells, true); why != "" {
				f.reject(line, raw, why)
				stop = true
			}
		case fields[min(slices.Index(header, "Name"), len(fields)-1)] == "Aggregated":
			l.statistic(f, totals, header, line, fields, raw)
		default:
			l.statistic(f, name, header, line, fields, raw)
		}
	})
}

// statistic reads one row of statistics.
func (l *locustTraces) statistic(f *file, name string, header locustHeader, line int, fields []string, raw string) {
	if len(fields) != len(header) {
		f.reject(line, raw, fmt.Sprintf("%d columns, want %d", len(fields), len(header)))
		return
	}
	var cells []*cell
	var texts []string
	var shares, latencies []float64
	of := make(map[string]string)
	for i, column := range header {
		share, ok := shareOf(column)
		if !ok {
			cells, texts = append(cells, l.tables[name].cells[column]), append(texts, fields[i])
			of[column] = fields[i]
			continue
		}
		if fields[i] == "N/A" || fields[i] == "" {
			continue // there was no request
		}
		latency, err := number(fields[i])
		if err != nil {
			f.reject(line, raw, column+": "+err.Error())
			return
		}
		shares, latencies = append(shares, share), append(latencies, latency)
	}
	if !f.row(l.tables[name].trace, line, cells, texts, raw) {
		return
	}
	p := l.percentiles[name]
	texts = texts[:0]
	for _, column := range p.names {
		texts = append(texts, of[column])
	}
	for i, share := range shares {
		if !f.row(p.trace, line, p.of, texts, raw) {
			return
		}
		p.share.set(share)
		p.latency.set(latencies[i])
	}
}

// failures reads the failures.
func (l *locustTraces) failures(f *file) {
	var header locustHeader
	var cells []*cell
	f.csv(func(line int, fields []string, raw string) {
		switch {
		case header == nil:
			header = slices.Clone(fields)
			why := header.bad(l.failure, false)
			for _, name := range header {
				cells = append(cells, l.failure[name])
			}
			if why != "" {
				f.reject(line, raw, why)
				cells = nil
			}
		case cells != nil:
			f.row(l.failed, line, cells, fields, raw)
		}
	})
}
