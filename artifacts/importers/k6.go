package importers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
)

// k6 reads what k6's --out json and --summary-export write.
var k6 = Format{Name: "k6", Title: "k6 run --out json (points) and --summary-export (a summary)", Revision: 2, read: readK6}

func readK6(ctx context.Context, in *Input, out *Output) error {
	summary := newK6Summary(out)
	points := k6Points{out: out, metrics: make(map[string]*k6Metric)}
	return in.each(ctx, out, "JSON of k6: lines of --out json, or what --summary-export writes", func(f *file) {
		switch head := f.text[:min(len(f.text), 4<<10)]; {
		case !strings.HasPrefix(head, "{"):
		case k6Type.MatchString(head):
			f.kind = "k6 points"
			points.read(f)
		case strings.Contains(f.text, `"metrics"`):
			f.kind = "k6 summary"
			summary.read(f)
		}
	})
}

// k6Points are the traces of metrics: one each, since their units differ.
type k6Points struct {
	out     *Output
	metrics map[string]*k6Metric
}

// A k6Metric is the trace of one metric.
type k6Metric struct {
	trace    *Trace
	contains string
	time     column[int64]
	value    column[float64]
	status   column[int64]
	outcome  column[string]
	tags     *textColumns
}

// k6Units are the units of what a metric contains.
var k6Units = map[string]string{"time": "ms", "data": "bytes", "default": ""}

// k6Roles are what k6's own metrics are.
var k6Roles = map[string]assay.Role{
	"http_req_duration": assay.RoleLatency, "grpc_req_duration": assay.RoleLatency,
	"iteration_duration": assay.RoleSample, "vus": assay.RoleLoad,
}

// k6Tags are what k6's own tags are, where they are no condition of the test.
var k6Tags = map[string]assay.Role{"name": assay.RoleWorkload,
	"expected_response": "", "error": "", "error_code": "", "proto": "", "tls_version": "", "ocsp_status": ""}

// k6Type is what a line of --out json has, as k6 or another program writes it.
var k6Type = regexp.MustCompile(`"type"\s*:\s*"(Metric|Point)"`)

var k6Name = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)

// k6Reserved are the traces of summaries, which no metric can have.
var k6Reserved = []string{"trends", "counters", "gauges", "rates", "tests", "rejected"}

// A k6Line is one line of --out json.
type k6Line struct {
	Type   string
	Metric string
	Data   struct {
		Type, Contains string // of a metric
		Time           *time.Time
		Value          *float64
		Tags           map[string]string
	}
}

func (p *k6Points) read(f *file) {
	for n, line := range f.lines() {
		var x k6Line
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			f.reject(n, line, mistyped(err))
		} else if why := p.add(f, n, &x); why != "" {
			f.reject(n, line, why)
		}
	}
}

// add reads a line, or says why it cannot.
func (p *k6Points) add(f *file, n int, x *k6Line) string {
	m := p.metrics[x.Metric]
	switch {
	case x.Type != "Metric" && x.Type != "Point":
		return fmt.Sprintf("type %.100q: neither Metric nor Point", x.Type)
	case m == nil && (!k6Name.MatchString(x.Metric) || slices.Contains(k6Reserved, x.Metric)):
		return fmt.Sprintf("metric %.200q cannot name a trace: give it another name in the script, or in the lines", x.Metric)
	case m == nil && len(p.metrics) == maxNamed:
		return fmt.Sprintf("more than %d metrics", maxNamed)
	case m == nil:
		m = p.metric(x)
	}
	if x.Type == "Metric" {
		if x.Data.Contains != m.contains {
			return fmt.Sprintf("mixed units: the metric %s contains %q here, and %q before", x.Metric, x.Data.Contains, m.contains)
		}
		return ""
	}
	if x.Data.Time == nil || x.Data.Value == nil {
		return "no time or no value"
	}
	tags := maps.Clone(x.Data.Tags)
	status, err := int64(0), error(nil)
	if text := tags["status"]; text != "" {
		status, err = integer(text)
		delete(tags, "status")
	}
	if err != nil {
		return "status: " + err.Error()
	}
	if err := negative(m.value.v.Column, *x.Data.Value); err != nil {
		return "value: " + err.Error()
	}
	if why := firstOf(beyond(*x.Data.Time), m.tags.check(tags)); why != "" {
		return why
	}
	m.trace.row(f.path, n)
	m.time.set(x.Data.Time.UnixNano())
	m.value.set(*x.Data.Value)
	if x.Data.Tags["status"] != "" {
		m.status.set(status)
	}
	if good := tags["expected_response"]; good != "" {
		m.outcome.set(goodIf(good == "true" && (x.Data.Tags["status"] == "" || isGood(status))))
	}
	m.tags.set(tags)
	return ""
}

// metric begins the trace of the metric in x.
func (p *k6Points) metric(x *k6Line) *k6Metric {
	m := &k6Metric{trace: p.out.trace(x.Metric, "one row a point of the metric "+x.Metric), contains: x.Data.Contains}
	value := known("value", k6Units[m.contains], k6Roles[x.Metric], "value of the metric, a "+x.Data.Type)
	value.Evidence = "the line Metric says that it contains " + m.contains
	if x.Type != "Metric" {
		value.Basis, value.Meaning, value.Evidence = assay.Unknown, "value of the metric", "no line Metric says what it is"
	}
	m.time = m.trace.int(known("time", "ns", assay.RoleTime, "when it was taken, since 1970 UTC"))
	m.value = m.trace.float(value)
	m.status = m.trace.int(known("status", "", assay.RoleStatus, "HTTP status, from the tag; 0 if there was no answer; null of points that are of no request"))
	m.outcome = m.trace.text(inferred("outcome", "", assay.RoleOutcome, "ok or failed", "ok where the tag expected_response is true and the status is 2xx: to k6, 3xx is expected, too"))
	m.tags = m.trace.textColumns("tag.", assay.RoleFactor, "tag of the point")
	m.tags.roles = k6Tags
	p.metrics[x.Metric] = m
	return m
}

// k6Summary are the traces of summaries.
type k6Summary struct {
	trends           *Trace
	trend, statistic column[string]
	percentile       column[float64]
	time, other      column[float64]

	counters       *Trace
	counter        column[string]
	count, perTime column[float64]

	gauges               *Trace
	gauge                column[string]
	value, least, utmost column[float64]

	rates         *Trace
	rate          column[string]
	passes, fails column[int64]
	share         column[float64]

	tests            *Trace
	requests, failed column[int64]
}

func newK6Summary(out *Output) *k6Summary {
	const metric = "name of the metric, with the tags that choose its points in braces"
	s := &k6Summary{trends: out.trace("trends", "one row a statistic of a trend, of summaries: the samples are not there")}
	s.trend = s.trends.text(known("metric", "", assay.RoleFactor, metric))
	s.statistic = s.trends.text(known("statistic", "", assay.RoleFactor, "avg, min, med, max, count or p(N)"))
	s.percentile = s.trends.float(inferred("percentile", "%", "", "share of the points that are at most the value; null of others", "min is 0, med 50, p(N) N, max 100"))
	s.time = s.trends.float(known("time", "ms", assay.RoleLatency, "value of a trend of k6 itself, which is a time; null of others"))
	s.other = s.trends.float(known("value", "", "", "value of a trend that the script made: the summary does not say the unit; null of others"))
	s.other.v.Basis = assay.Unknown

	s.counters = out.trace("counters", "one row a counter, of summaries")
	s.counter = s.counters.text(known("metric", "", assay.RoleFactor, metric))
	s.count = s.counters.float(known("count", "", "", "sum of the points: of http_reqs requests, of data_received and data_sent bytes"))
	s.perTime = s.counters.float(known("rate", "1/s", "", "count / duration of the test"))

	s.gauges = out.trace("gauges", "one row a gauge, of summaries")
	s.gauge = s.gauges.text(known("metric", "", assay.RoleFactor, metric))
	s.value = s.gauges.float(known("value", "", "", "the last value"))
	s.least = s.gauges.float(known("min", "", "", "the smallest value"))
	s.utmost = s.gauges.float(known("max", "", "", "the largest value"))

	s.rates = out.trace("rates", "one row a rate, of summaries")
	s.rate = s.rates.text(known("metric", "", assay.RoleFactor, metric))
	s.passes = s.rates.int(known("passes", "", "", "points that are not 0: of http_req_failed, requests that failed"))
	s.fails = s.rates.int(known("fails", "", "", "points that are 0: of http_req_failed, requests that did not fail"))
	s.share = s.rates.float(known("value", "", "", "passes / (passes + fails)"))

	s.tests = out.trace("tests", "one row a summary with HTTP requests")
	s.requests = s.tests.int(inferred("requests", "", assay.RoleRequests, "requests made", "passes + fails of the rate http_req_failed"))
	s.failed = s.tests.int(inferred("failed", "", assay.RoleFailed, "requests that failed: k6 takes 3xx for a good answer", "passes of the rate http_req_failed"))
	return s
}

func (s *k6Summary) read(f *file) {
	j := f.json()
	j.end(j.object(func(key string) error {
		if key != "metrics" {
			return j.skip()
		}
		return j.object(func(name string) error {
			line := j.line()
			var x map[string]json.RawMessage
			raw, why, err := j.element(&x)
			if why = firstOf(why, tooLong("metric", name)); err == nil && why == "" {
				why = s.add(f, line, name, x)
			}
			if why != "" {
				f.reject(line, raw, why)
			}
			return err
		})
	}))
}

var k6Percentile = regexp.MustCompile(`^p\(([0-9.]+)\)$`)

// add adds the rows of a metric, or says why it cannot.
func (s *k6Summary) add(f *file, line int, name string, x map[string]json.RawMessage) string {
	if why := s.trends.full(1 + len(x)); why != "" {
		return why
	}
	numbers := make(map[string]float64)
	for _, key := range slices.Sorted(maps.Keys(x)) {
		if key == "thresholds" {
			continue
		}
		value, err := number(string(x[key]))
		if err != nil {
			return key + ": " + err.Error()
		}
		numbers[key] = value
	}
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { _, ok := numbers[key]; return !ok })
	}
	switch {
	case has("passes", "fails", "value"):
		s.rates.row(f.path, line)
		s.rate.set(name)
		s.passes.set(int64(numbers["passes"]))
		s.fails.set(int64(numbers["fails"]))
		s.share.set(numbers["value"])
		if name == "http_req_failed" {
			s.tests.row(f.path, line)
			s.requests.set(int64(numbers["passes"] + numbers["fails"]))
			s.failed.set(int64(numbers["passes"]))
		}
	case has("count", "rate"):
		s.counters.row(f.path, line)
		s.counter.set(name)
		s.count.set(numbers["count"])
		s.perTime.set(numbers["rate"])
	case has("value", "min", "max"):
		s.gauges.row(f.path, line)
		s.gauge.set(name)
		s.value.set(numbers["value"])
		s.least.set(numbers["min"])
		s.utmost.set(numbers["max"])
	default:
		return s.addTrend(f, line, name, numbers)
	}
	return ""
}

// addTrend adds one row a statistic.
func (s *k6Summary) addTrend(f *file, line int, name string, numbers map[string]float64) string {
	shares := map[string]float64{"min": 0, "med": 50, "max": 100}
	for statistic := range numbers {
		if said := k6Percentile.FindStringSubmatch(statistic); said != nil {
			share, err := number(said[1])
			if err != nil {
				return err.Error()
			}
			shares[statistic] = share
		} else if _, ok := shares[statistic]; !ok && statistic != "avg" && statistic != "count" {
			return fmt.Sprintf("statistic %.100q: of no kind of metric that k6 has", statistic)
		}
	}
	for _, statistic := range slices.Sorted(maps.Keys(numbers)) {
		s.trends.row(f.path, line)
		s.trend.set(name)
		s.statistic.set(statistic)
		if share, ok := shares[statistic]; ok {
			s.percentile.set(share)
		}
		if base, _, _ := strings.Cut(name, "{"); statistic != "count" && k6IsTime(base) {
			s.time.set(numbers[statistic])
		} else {
			s.other.set(numbers[statistic])
		}
	}
	return ""
}

// k6IsTime reports whether a trend of k6 itself is of times.
func k6IsTime(metric string) bool {
	switch metric {
	case "iteration_duration", "group_duration", "grpc_req_duration", "ws_connecting", "ws_session_duration", "ws_ping",
		"http_req_blocked", "http_req_connecting", "http_req_duration", "http_req_receiving", "http_req_sending",
		"http_req_tls_handshaking", "http_req_waiting":
		return true
	}
	return false
}
