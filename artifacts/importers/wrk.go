package importers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/assay-notebooks/assay"
)

// wrk reads what wrk and wrk2 print.
var wrk = Format{Name: "wrk", Title: "wrk and wrk2: what they print, with --latency or without", Revision: 2, read: readWrk}

func readWrk(ctx context.Context, in *Input, out *Output) error {
	w := newWrkTraces(out)
	return in.each(ctx, out, "text of wrk or wrk2: it has a line \"Running 10s test @ URL\"", func(f *file) {
		if !strings.HasPrefix(f.text, "Running ") && !strings.Contains(f.text, "\nRunning ") {
			return
		}
		f.kind = "wrk output"
		w.read(f)
	})
}

// wrkTraces are the traces of tests, and the test that is read.
type wrkTraces struct {
	tests  *Trace
	tool   column[string]
	url    column[string]
	number column[int64]
	counts map[string]column[int64]
	values map[string]column[float64]

	percentiles, spectra wrkLatencies

	test   wrkTest
	before map[wrkCondition]int64 // tests so far
}

// A wrkCondition is the same of tests that repeat each other.
type wrkCondition struct {
	url                  string
	wrk2                 bool
	threads, connections int64
	duration             float64 // that was asked for
}

// wrkLatencies are a trace of latencies by percentile.
type wrkLatencies struct {
	trace                *Trace
	url                  column[string]
	number, count        column[int64]
	threads, connections column[int64]
	correction           column[string]
	duration             column[float64]
	percentile, latency  column[float64]
}

// A wrkLatency is a line of such a trace.
type wrkLatency struct {
	line           int
	correction     string
	percentile, ms float64
	count          int64
}

// A wrkTest is what the lines of one test have said.
type wrkTest struct {
	line       int // of its first line, 0 before that
	url        string
	wrk2       bool
	correction string // of the latencies that come next
	counts     map[string]int64
	values     map[string]float64

	percentiles, spectrum []wrkLatency
}

// wrkErrors are the causes of failed requests.
var wrkErrors = []string{"connect_errors", "read_errors", "write_errors", "timeouts", "bad_status"}

func newWrkTraces(out *Output) *wrkTraces {
	t := out.trace("tests", "one row a test")
	w := &wrkTraces{tests: t, counts: make(map[string]column[int64]), values: make(map[string]column[float64]),
		before: make(map[wrkCondition]int64)}
	w.number = t.int(wrkNumber)
	w.tool = t.text(inferred("tool", "", assay.RoleFactor, "wrk, or wrk2, which sends at a fixed rate and corrects latencies for requests that it sent late",
		"wrk2 prints a line of its calibration, and HdrHistogram in front of percentiles"))
	w.url = t.text(known("url", "", assay.RoleWorkload, "where the requests went"))
	count := func(name, unit string, role assay.Role, meaning string) {
		w.counts[name] = t.int(known(name, unit, role, meaning))
	}
	value := func(name, unit string, role assay.Role, meaning string) {
		w.values[name] = t.float(known(name, unit, role, meaning))
	}
	value("duration_set", "s", assay.RoleFactor, "duration that was asked for")
	count("threads", "", assay.RoleFactor, "threads of the client")
	count("connections", "", assay.RoleLoad, "connections: each has one request under way")
	count("requests", "", assay.RoleRequests, "requests that were answered, whatever the status")
	value("duration", "s", assay.RoleDuration, "elapsed time, printed with three digits")
	value("read", "bytes", "", "bytes received, printed with three digits")
	value("rps", "1/s", assay.RoleThroughput, "answers a second")
	value("transfer", "bytes/s", assay.RoleTransfer, "bytes received a second, printed with three digits")
	value("latency_mean", "ms", assay.RoleMean, "mean latency, corrected as the percentiles are: with more samples than there were requests (wrk), or from when they were due (wrk2)")
	value("latency_stdev", "ms", assay.RoleSpread, "standard deviation of the latencies")
	value("latency_max", "ms", "", "longest latency")
	value("latency_within", "%", "", "share of the latencies within one standard deviation of the mean")
	value("thread_rps_mean", "1/s", "", "answers a second of one thread: mean over intervals")
	value("thread_rps_stdev", "1/s", "", "answers a second of one thread: standard deviation")
	value("thread_rps_max", "1/s", "", "answers a second of one thread: maximum")
	value("thread_rps_within", "%", "", "share of the intervals within one standard deviation of the mean")
	for i, meaning := range []string{"connections that could not be made", "errors of reading", "errors of writing",
		"requests without an answer in the time allowed", "answers whose status is not 2xx or 3xx"} {
		w.counts[wrkErrors[i]] = t.int(known(wrkErrors[i], "", "", meaning+"; wrk prints no line for none"))
	}
	w.counts["failed"] = t.int(inferred("failed", "", assay.RoleFailed, "all requests that failed: wrk takes 3xx for a good answer", "the sum of "+strings.Join(wrkErrors, ", ")))
	w.percentiles = newWrkLatencies(out, "percentiles", "latencies by percentile, from --latency")
	w.spectra = newWrkLatencies(out, "spectra", "wrk2's histogram of latencies")
	w.spectra.count = w.spectra.trace.int(known("count", "", "", "requests that took at most the latency"))
	return w
}

// wrkNumber is the column that tells repetitions apart.
var wrkNumber = known("test", "", assay.RoleReplicate, "number of the test under these conditions, from 1, in all files")

func newWrkLatencies(out *Output, name, meaning string) wrkLatencies {
	t := out.trace(name, meaning)
	return wrkLatencies{
		trace:       t,
		number:      t.int(wrkNumber),
		url:         t.text(known("url", "", assay.RoleWorkload, "where the requests went")),
		duration:    t.float(known("duration_set", "s", assay.RoleFactor, "duration that was asked for")),
		threads:     t.int(known("threads", "", assay.RoleFactor, "threads of the client")),
		connections: t.int(known("connections", "", assay.RoleLoad, "connections: each has one request under way")),
		correction:  t.text(known("correction", "", assay.RoleFactor, "for what waits behind a slow answer. due: counted from when the request was due (wrk2); none: from when it was sent (wrk2 -U); added: from when it was sent, with samples that wrk 4 makes up for answers that took longer than the mean interval")),
		percentile:  t.float(known("percentile", "%", assay.RoleFactor, "share of the requests that took at most the latency")),
		latency:     t.float(known("latency", "ms", assay.RoleLatency, "percentile of the latencies")),
	}
}

// A wrkLine is a line that wrk prints, and what it says.
type wrkLine struct {
	match *regexp.Regexp
	names []string // what its groups are
}

var wrkLines = []wrkLine{
	{regexp.MustCompile(`^  (\d+) threads and (\d+) connections$`), []string{"threads", "connections"}},
	{regexp.MustCompile(`^    Latency +(\S+) +(\S+) +(\S+) +(\S+)%$`),
		[]string{"latency_mean", "latency_stdev", "latency_max", "latency_within"}},
	{regexp.MustCompile(`^    Req/Sec +(\S+) +(\S+) +(\S+) +(\S+)%$`),
		[]string{"thread_rps_mean", "thread_rps_stdev", "thread_rps_max", "thread_rps_within"}},
	{regexp.MustCompile(`^  (\d+) requests in (\S+), (\S+) ?read$`), []string{"requests", "duration", "read"}},
	{regexp.MustCompile(`^  Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$`), wrkErrors[:4]},
	{regexp.MustCompile(`^  Non-2xx or 3xx responses: (\d+)$`), wrkErrors[4:]},
	{regexp.MustCompile(`^Requests/sec: +(\S+)$`), []string{"rps"}},
	{regexp.MustCompile(`^Transfer/sec: +(\S+)$`), []string{"transfer"}},
}

var (
	wrkBegin        = regexp.MustCompile(`^Running (\S+) test @ (.*)$`)
	wrkDistribution = regexp.MustCompile(`^  Latency Distribution(| \(HdrHistogram - (Recorded|Uncorrected) .*\))$`)
	wrkPercentile   = regexp.MustCompile(`^ *([0-9.]+)% +(\S+)$`)
	wrkSpectrum     = regexp.MustCompile(`^ *([0-9.]+) +([0-9.]+) +(\d+) +(?:inf|[0-9.]+)$`)
	wrkStray        = regexp.MustCompile(`^(    Latency|    Req/Sec|  \d+ requests|  Socket errors|  Non-2xx|Requests/sec|Transfer/sec)`)
)

// read reads the tests of a file.
func (w *wrkTraces) read(f *file) {
	w.test = wrkTest{}
	for n, line := range f.lines() {
		if said := wrkBegin.FindStringSubmatch(line); said != nil {
			w.end(f)
			w.begin(f, n, said[1], said[2], line)
		} else if w.test.line > 0 {
			if why := w.line(f, n, line); why != "" {
				f.reject(n, line, why)
			}
		}
	}
	w.end(f)
}

func (w *wrkTraces) begin(f *file, n int, duration, url, line string) {
	w.test = wrkTest{line: n, url: url, counts: make(map[string]int64), values: make(map[string]float64)}
	seconds, err := wrkQuantity(duration, wrkSeconds)
	if err != nil {
		f.reject(n, line, err.Error())
	}
	w.test.values["duration_set"] = seconds
}

// end adds the row of the test that has been read.
func (w *wrkTraces) end(f *file) {
	t := w.test
	if t.line == 0 {
		return
	}
	if _, ok := t.values["rps"]; !ok {
		f.reject(t.line, "Running ... test @ "+t.url, "the test has no line Requests/sec: it did not end")
		return
	}
	if why := firstOf(w.tests.full(1), w.percentiles.trace.full(len(t.percentiles)), w.spectra.trace.full(len(t.spectrum))); why != "" {
		f.reject(t.line, "Running ... test @ "+t.url, why)
		return
	}
	under := wrkCondition{t.url, t.wrk2, t.counts["threads"], t.counts["connections"], t.values["duration_set"]}
	w.before[under]++
	w.percentiles.rows(f, &t, w.before[under], t.percentiles)
	w.spectra.rows(f, &t, w.before[under], t.spectrum)
	w.tests.row(f.path, t.line)
	w.number.set(w.before[under])
	w.url.set(t.url)
	w.tool.set("wrk")
	if t.wrk2 {
		w.tool.set("wrk2")
	}
	failed := int64(0)
	for _, name := range wrkErrors {
		t.counts[name] += 0
		failed += t.counts[name]
	}
	t.counts["failed"] = failed
	for name, x := range t.counts {
		w.counts[name].set(x)
	}
	for name, x := range t.values {
		w.values[name].set(x)
	}
}

// line reads one line of a test, and says why it cannot.
func (w *wrkTraces) line(f *file, n int, line string) (why string) {
	t := &w.test
	if strings.HasPrefix(line, "  Thread calibration:") {
		t.wrk2 = true
		return ""
	}
	if said := wrkDistribution.FindStringSubmatch(line); said != nil {
		t.wrk2 = t.wrk2 || said[1] != ""
		t.correction = map[string]string{"": "added", "Recorded": "due", "Uncorrected": "none"}[said[2]]
		return ""
	}
	if said := wrkPercentile.FindStringSubmatch(line); said != nil {
		return t.percentile(n, said[1], said[2])
	}
	if said := wrkSpectrum.FindStringSubmatch(line); said != nil {
		return t.histogram(n, said[1:])
	}
	for _, l := range wrkLines {
		if said := l.match.FindStringSubmatch(line); said != nil {
			for i, name := range l.names {
				if err := w.set(name, said[i+1]); err != nil {
					why = firstOf(why, name+": "+err.Error())
				}
			}
			return why
		}
	}
	if wrkStray.MatchString(line) {
		return "not as wrk prints this line"
	}
	return "" // what a script printed, and titles
}

// set notes a value of the test.
func (w *wrkTraces) set(name, text string) error {
	t := &w.test
	if _, ok := w.counts[name]; ok {
		x, err := integer(text)
		if err == nil {
			t.counts[name] = x
		}
		return err
	}
	if strings.HasSuffix(text, "nan") { // of no numbers
		if name == "latency_within" {
			delete(t.values, "latency_mean") // 0 then, and so are these
			delete(t.values, "latency_stdev")
			delete(t.values, "latency_max")
		}
		return nil
	}
	x, err := wrkQuantity(text, wrkUnitsOf(name))
	if err == nil {
		t.values[name] = x
	}
	return err
}

func wrkUnitsOf(name string) wrkUnits {
	switch name {
	case "latency_mean", "latency_stdev", "latency_max":
		return wrkMilliseconds
	case "duration":
		return wrkSeconds
	case "read", "transfer":
		return wrkBytes
	}
	return wrkMetric
}

// percentile reads a line of the latencies' distribution.
func (t *wrkTest) percentile(n int, share, latency string) string {
	percentile, err := number(share)
	ms, err2 := wrkQuantity(latency, wrkMilliseconds)
	if err := errors.Join(err, err2); err != nil {
		return err.Error()
	}
	t.percentiles = append(t.percentiles, wrkLatency{line: n, correction: t.correction, percentile: percentile, ms: ms})
	return ""
}

// histogram reads a line of wrk2's histogram: the latency in ms, the share of
// the requests, how many these are, and 1/(1-share).
func (t *wrkTest) histogram(n int, said []string) string {
	ms, err := number(said[0])
	share, err2 := number(said[1])
	count, err3 := integer(said[2])
	if err := errors.Join(err, err2, err3); err != nil {
		return err.Error()
	}
	t.spectrum = append(t.spectrum, wrkLatency{line: n, correction: t.correction, percentile: 100 * share, ms: ms, count: count})
	return ""
}

// rows adds the rows of a test.
func (l *wrkLatencies) rows(f *file, t *wrkTest, repetition int64, all []wrkLatency) {
	for _, x := range all {
		l.trace.row(f.path, x.line)
		l.number.set(repetition)
		l.url.set(t.url)
		l.duration.set(t.values["duration_set"])
		if threads, ok := t.counts["threads"]; ok {
			l.threads.set(threads)
			l.connections.set(t.counts["connections"])
		}
		l.correction.set(x.correction)
		l.percentile.set(x.percentile)
		l.latency.set(x.ms)
		if l.count.v != nil {
			l.count.set(x.count)
		}
	}
}

// The units of wrk, which it writes behind numbers: how many of the column's
// unit each is.
type wrkUnits map[string]float64

var (
	wrkSeconds      = wrkUnits{"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
	wrkMilliseconds = wrkUnits{"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3, "h": 3600e3}
	wrkMetric       = wrkUnits{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
	wrkBytes        = wrkUnits{"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}
)

// wrkQuantity parses a number with its unit.
func wrkQuantity(text string, units wrkUnits) (float64, error) {
	if strings.Trim(text, "0123456789.") == text {
		return 0, fmt.Errorf("%.100q is no number with a unit", text)
	}
	unit := strings.TrimLeft(text, "0123456789.")
	scale, ok := units[unit]
	if !ok {
		return 0, fmt.Errorf("%.100q has another unit than the column", text)
	}
	x, err := number(strings.TrimSuffix(text, unit))
	return x * scale, err
}
