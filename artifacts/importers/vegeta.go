package importers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
)

// vegeta reads what vegeta's encode and report -type=json write.
var vegeta = Format{Name: "vegeta", Title: "vegeta encode (results, JSON) and vegeta report -type=json", Revision: 2, read: readVegeta}

func readVegeta(ctx context.Context, in *Input, out *Output) error {
	requests, reports := newVegetaRequests(out), newVegetaReports(out)
	return in.each(ctx, out, "JSON of vegeta: results of vegeta encode, or of vegeta report -type=json", func(f *file) {
		switch first, _, _ := strings.Cut(f.text, "\n"); {
		case !strings.HasPrefix(first, "{"):
		case strings.Contains(first, `"latencies"`) && strings.Contains(first, `"status_codes"`):
			f.kind = "vegeta report"
			reports.read(f)
		case strings.Contains(first, `"latency"`) && strings.Contains(first, `"timestamp"`):
			f.kind = "vegeta results"
			requests.read(f)
		}
	})
}

// vegetaRequests is the trace of results.
type vegetaRequests struct {
	trace                                     *Trace
	attack, method, url, outcome, failure     column[string]
	seq, start, latency, code, sent, received column[int64]
}

func newVegetaRequests(out *Output) *vegetaRequests {
	t := out.trace("requests", "one row a request, in the order in which they ended")
	return &vegetaRequests{
		trace:    t,
		attack:   t.text(known("attack", "", assay.RoleFactor, "name of the attack, from -name")),
		method:   t.text(known("method", "", assay.RoleFactor, "HTTP method; null of older versions")),
		url:      t.text(known("url", "", assay.RoleWorkload, "where the request went; null of older versions")),
		seq:      t.int(known("seq", "", assay.RoleIteration, "number of the request in the order in which they were sent, from 0")),
		start:    t.int(known("timestamp", "ns", assay.RoleStart, "when it was sent, since 1970 UTC")),
		latency:  t.int(known("latency", "ns", assay.RoleLatency, "of the request, from when it was sent to the end of the answer")),
		code:     t.int(known("code", "", assay.RoleStatus, "HTTP status; 0 if there was no answer")),
		sent:     t.int(known("bytes_out", "bytes", "", "size of the request's body")),
		received: t.int(known("bytes_in", "bytes", assay.RoleSize, "size of the answer's body")),
		outcome:  t.text(inferred("outcome", "", assay.RoleOutcome, "ok or failed", "ok where error is empty and the status is 2xx: to vegeta itself, 3xx is a good answer, too")),
		failure:  t.text(known("error", "", "", "why it failed; null if it did not")),
	}
}

// read reads results, one a line.
func (r *vegetaRequests) read(f *file) {
	n := 0
	for line := range strings.Lines(f.text) { // longer than other lines may be: they have bodies
		n++
		var x struct {
			Attack   string     `json:"attack"`
			Method   *string    `json:"method"`
			URL      *string    `json:"url"`
			Error    string     `json:"error"`
			Seq      *int64     `json:"seq"`
			Code     *int64     `json:"code"`
			Time     *time.Time `json:"timestamp"`
			Latency  *int64     `json:"latency"`
			BytesOut *int64     `json:"bytes_out"`
			BytesIn  *int64     `json:"bytes_in"`
		}
		why := ""
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			why = mistyped(err)
		} else if !utf8.ValidString(line) {
			why = notUTF8
		} else if x.Seq == nil || x.Code == nil || x.Time == nil || x.Latency == nil {
			why = "no seq, code, timestamp or latency"
		} else if why = beyond(*x.Time); why != "" {
		} else if err := negative(r.latency.v.Column, float64(*x.Latency)); err != nil {
			why = "latency: " + err.Error()
		} else if x.URL != nil {
			why = tooLong("url", *x.URL)
		}
		if why = firstOf(why, tooLong("error", x.Error), tooLong("attack", x.Attack), r.trace.full(1)); why != "" {
			f.reject(n, strings.TrimRight(line, "\r\n"), why)
			continue
		}
		r.trace.row(f.path, n)
		r.attack.set(x.Attack)
		maybe(r.method, x.Method)
		maybe(r.url, x.URL)
		r.seq.set(*x.Seq)
		r.start.set(x.Time.UnixNano())
		r.latency.set(*x.Latency)
		r.code.set(*x.Code)
		maybe(r.sent, x.BytesOut)
		maybe(r.received, x.BytesIn)
		r.outcome.set(goodIf(x.Error == "" && isGood(*x.Code)))
		if x.Error != "" {
			r.failure.set(x.Error)
		}
	}
	f.wound(n + 1)
}

// vegetaReports are the traces of reports.
type vegetaReports struct {
	reports                                       *Trace
	rate, throughput, success, received, sent     column[float64]
	requests, failed, duration, wait, mean, total column[int64]
	earliest, latest, end                         column[int64]

	percentiles *Trace
	percentile  column[float64]
	latency     column[int64]

	statuses    *Trace
	code, count column[int64]

	errors  *Trace
	message column[string]
}

func newVegetaReports(out *Output) *vegetaReports {
	t := out.trace("reports", "one row a report of an attack")
	r := &vegetaReports{
		reports:    t,
		requests:   t.int(known("requests", "", assay.RoleRequests, "requests made")),
		failed:     t.int(inferred("failed", "", assay.RoleFailed, "requests without a good answer", "requests - those of status_codes with a status of 2xx: to vegeta's success, 3xx is good, too")),
		success:    t.float(known("success", "", "", "share of the requests with a status of 2xx or 3xx, of 1")),
		rate:       t.float(known("rate", "1/s", assay.RoleRate, "requests a second that were sent, open loop")),
		throughput: t.float(known("throughput", "1/s", assay.RoleThroughput, "answers with 2xx or 3xx a second, until the last one")),
		duration:   t.int(known("duration", "ns", "", "from the first request to the last")),
		wait:       t.int(known("wait", "ns", "", "from the last request to the last answer")),
		mean:       t.int(known("latency", "ns", assay.RoleLatency, "mean latency")),
		total:      t.int(known("latency_total", "ns", "", "sum of the latencies")),
		earliest:   t.int(known("earliest", "ns", assay.RoleStart, "when the first request was sent, since 1970 UTC")),
		latest:     t.int(known("latest", "ns", "", "when the last request was sent, since 1970 UTC")),
		end:        t.int(known("end", "ns", assay.RoleEnd, "when the last answer ended, since 1970 UTC")),
		received:   t.float(known("bytes_in", "bytes", "", "mean size of the answers' bodies")),
		sent:       t.float(known("bytes_out", "bytes", "", "mean size of the requests' bodies")),
	}
	r.percentiles = out.trace("percentiles", "latencies by percentile, of reports; vegeta estimates them")
	r.percentile = r.percentiles.float(known("percentile", "%", assay.RoleFactor, "share of the requests that took at most the latency; 0 is the shortest, 100 the longest"))
	r.latency = r.percentiles.int(known("latency", "ns", assay.RoleLatency, "percentile of the latencies"))
	r.statuses = out.trace("statuses", "how many requests had which status, of reports")
	r.code = r.statuses.int(known("code", "", assay.RoleStatus, "HTTP status; 0 if there was no answer"))
	r.count = r.statuses.int(known("count", "", assay.RoleRequests, "requests with that status"))
	r.errors = out.trace("errors", "the different errors, of reports")
	r.message = r.errors.text(known("error", "", "", "why requests failed"))
	return r
}

// A vegetaReport is what vegeta report -type=json writes. That its numbers are
// null is no report.
type vegetaReport struct {
	Latencies map[string]int64
	BytesIn   struct{ Mean float64 } `json:"bytes_in"`
	BytesOut  struct{ Mean float64 } `json:"bytes_out"`
	Earliest  time.Time
	Latest    time.Time
	End       time.Time

	Duration, Wait, Requests  *int64
	Rate, Throughput, Success *float64

	StatusCodes map[string]int64 `json:"status_codes"`
	Errors      []string
}

// read reads reports, one a line.
func (r *vegetaReports) read(f *file) {
	for n, line := range f.lines() {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var x vegetaReport
		why := ""
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			why = mistyped(err)
		}
		why = firstOf(why, r.add(f, n, &x))
		if why != "" {
			f.reject(n, line, why)
		}
	}
}

// vegetaPercentiles are the percentiles that a report has.
var vegetaPercentiles = []struct {
	key   string
	share float64
}{{"min", 0}, {"50th", 50}, {"90th", 90}, {"95th", 95}, {"99th", 99}, {"max", 100}}

// add adds the rows of a report, or says why it cannot.
func (r *vegetaReports) add(f *file, n int, x *vegetaReport) string {
	for _, at := range []time.Time{x.Earliest, x.Latest, x.End} {
		if why := beyond(at); why != "" {
			return why
		}
	}
	if x.Duration == nil || x.Wait == nil || x.Requests == nil || x.Rate == nil || x.Throughput == nil || x.Success == nil {
		return "no duration, wait, requests, rate, throughput or success"
	}
	for name, latency := range x.Latencies {
		if err := negative(r.latency.v.Column, float64(latency)); err != nil {
			return "latencies: " + name + ": " + err.Error()
		}
	}
	failed := *x.Requests
	codes := make(map[int64]int64)
	for text, count := range x.StatusCodes {
		code, err := integer(text)
		if err != nil {
			return fmt.Sprintf("status_codes: %v", err)
		}
		codes[code] += count
		if isGood(code) {
			failed -= count
		}
	}
	if why := r.reports.full(1 + len(x.Latencies) + len(codes) + len(x.Errors)); why != "" {
		return why
	}
	r.reports.row(f.path, n)
	r.requests.set(*x.Requests)
	r.failed.set(failed)
	r.success.set(*x.Success)
	r.rate.set(*x.Rate)
	r.throughput.set(*x.Throughput)
	r.duration.set(*x.Duration)
	r.wait.set(*x.Wait)
	if mean, ok := x.Latencies["mean"]; ok {
		r.mean.set(mean)
	}
	if total, ok := x.Latencies["total"]; ok {
		r.total.set(total)
	}
	r.earliest.set(x.Earliest.UnixNano())
	r.latest.set(x.Latest.UnixNano())
	r.end.set(x.End.UnixNano())
	r.received.set(x.BytesIn.Mean)
	r.sent.set(x.BytesOut.Mean)
	for _, p := range vegetaPercentiles {
		if latency, ok := x.Latencies[p.key]; ok {
			r.percentiles.row(f.path, n)
			r.percentile.set(p.share)
			r.latency.set(latency)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		r.statuses.row(f.path, n)
		r.code.set(code)
		r.count.set(codes[code])
	}
	for _, message := range x.Errors {
		r.errors.row(f.path, n)
		r.message.set(message)
	}
	return ""
}

// isGood reports whether a status is that of a good answer: 2xx.
func isGood(status int64) bool { return status >= 200 && status < 300 }

// beyond says that a time cannot be told in nanoseconds since 1970, "" if it
// can.
func beyond(at time.Time) string {
	if year := at.Year(); year < 1970 || year > 2261 {
		return fmt.Sprintf("a time in the year %d", year)
	}
	return ""
}
