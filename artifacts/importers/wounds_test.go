package importers

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assay-notebooks/assay"
)

// Rows that cannot be read are named by file and line; leniently they are kept
// as rejected, beside good rows.
func TestWounds(t *testing.T) {
	const (
		sledgeHead = "id,tenant,route,state,actual,proc_MHz,payload_size,regression_param\n"
		sledgeRow  = "1,edge,/fib,Complete,2400,2400,200,0,7,0.5\n"
		sightRow   = `{"arch":"x","engine":"e","wasm":"w","process":1,"iteration":0,"phase":"Execution","event":"cycles","count":`
		pidHead    = "Linux 6.1.0 (n) \t11/26/26 \t_x86_64_\t(2 CPU)\n\n23:59:58 UID PID %usr %CPU CPU Command\n"
		k6Metric   = `{"type":"Metric","data":{"name":"m","type":"trend","contains":"time"},"metric":"m"}` + "\n"
		k6Point    = `{"type":"Point","metric":"m","data":{"time":"2026-01-01T00:00:00Z","value":1}}` + "\n"
		wrkTest    = "Running 1s test @ http://h/\n  1 threads and 2 connections\n"
		wrkEnd     = "  10 requests in 1.00s, 1.00KB read\nRequests/sec:     10.00\n"
	)
	for _, test := range []struct {
		name, format, text string
		want               string // of the error
		good               int    // rows that are read leniently
	}{
		{"a missing column", "ab", abPercentiles + "\n0,1.5\n1\n", "f:3: 1 columns, want 2", 1},
		{"a word for a number", "ab", abPercentiles + "\n0,1.5\n1,fast\n", `f:3: column latency: "fast" is not a number`, 1},
		{"no number", "ab", abPercentiles + "\n0,1.5\n1,NaN\n", `f:3: column latency: "NaN" is not a number`, 1},
		{"a fraction of a millisecond", "ab", abRequests + "\nThu\t1\t0\t0\t0.5\t0\n" + "Thu\t1\t0\t1\t1\t0\n", `f:2: column ttime: "0.5" is not a whole number`, 1},

		{"a text for a time", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"command":"b","times":["x"]}]}`, "f:2: times: a string, want float64", 2},
		{"no list", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"command":"b","times":null}]}`, "f:2: null, want a list", 2},
		{"a key twice", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"command":"b","times":[1,2],"times":[3]}]}`, `f:2: "times" stands there twice`, 2},
		{"unequal lists", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"command":"b","times":[1,2],"exit_codes":[0]}]}`, "f:2: the lists", 2},
		{"an end in the middle", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"comm`, "f:2: the JSON ends too early", 2},
		{"more behind the end", "hyperfine", `{"results":[{"command":"a","times":[1]}]}` + "\n{}", "f:2: more than one value", 2},

		{"a summary", "sightglass", "[" + sightRow + "5},\n" + `{"arch":"x","engine":"e","wasm":"w","phase":"Execution","event":"cycles","mean":3.5}]`, "f:2: a summary", 1},
		{"a fraction of a cycle", "sightglass", "[" + sightRow + "5},\n" + sightRow + "5.5}]", `f:2: count: "5.5" is not a whole number`, 1},
		{"a short row of CSV", "sightglass", "arch,engine,wasm,process,iteration,phase,event,count\nx,e,w,1,0,execution,cycles,5\nx,e,w\n", "f:3: 3 columns, want 8", 1},

		{"no unit", "gobench", "BenchmarkA 1 5 ns/op\nBenchmarkB 1 5\n", "f:2: missing units", 1},
		{"a word for a time", "gobench", "BenchmarkA 1 5 ns/op\nBenchmarkB 1 x ns/op\n", "f:2: a measurement is not a number", 1},
		{"mixed units", "gobench", "BenchmarkA 1 5 ns/op 1 ms/op\nBenchmarkB 1 5 us/op\nBenchmarkA 1 5 us/op\n", "f:3: mixed units: the benchmark is in us/op here, and in ns/op before", 2},
		{"a unit twice", "gobench", "BenchmarkA 1 5 ns/op\nBenchmarkB 1 5 ns/op 6 ns/op\n", `f:2: "ns/op" is measured twice`, 1},
		{"a unit that is a column", "gobench", "BenchmarkA 1 5 ns/op\nBenchmarkB 1 5 line\n", `f:2: the unit "line" cannot name a column`, 1},

		{"no end of a test", "wrk", wrkTest + wrkEnd + wrkTest, "f:5: the test has no line Requests/sec", 1},
		{"another unit", "wrk", wrkTest + "    Latency     2.53kB    1.35ms  11.96ms   83.49%\n" + wrkEnd, `f:3: latency_mean: "2.53kB" has another unit`, 1},
		{"another line", "wrk", wrkTest + "  Socket errors: none\n" + wrkEnd, "f:3: not as wrk prints this line", 1},

		{"no latency", "vegeta", `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":5}` + "\n" + `{"seq":1,"code":200}` + "\n", "f:2: no seq, code, timestamp or latency", 1},
		{"a text for a status", "vegeta", `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":5}` + "\n" + `{"seq":1,"code":"ok"}` + "\n", "f:2: code: a string, want int64", 1},
		{"half a line", "vegeta", `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":5}` + "\n" + `{"seq":1,`, "f:2: unexpected end of JSON input", 1},

		{"mixed units", "k6", k6Metric + k6Point + strings.Replace(k6Metric, "time", "data", 1), `f:3: mixed units: the metric m contains "data" here, and "time" before`, 1},
		{"no time", "k6", k6Metric + k6Point + strings.Replace(k6Point, "2026", "bad", 1), `f:3: "bad-01-01T00:00:00Z" is not a time`, 1},
		{"blanks behind colons", "k6", strings.ReplaceAll(k6Metric, `":`, `": `) + k6Point + "{\n", "f:3: unexpected end", 1},
		{"no value", "k6", k6Point + `{"type":"Point","metric":"m","data":{"time":"2026-01-01T00:00:00Z"}}` + "\n", "f:2: no time or no value", 1},
		{"a metric that is a trace of ours", "k6", k6Point + strings.Replace(k6Point, `"m"`, `"rejected"`, 1), `f:2: metric "rejected" cannot name a trace`, 1},

		{"a missing column", "sledge", sledgeHead + sledgeRow + "2,edge\n", "f:3: 2 columns, want 8 or 10", 1},
		{"a word for cycles", "sledge", sledgeHead + sledgeRow + strings.Replace(sledgeRow, "2400", "many", 1), `f:3: column actual: "many" is not a whole number`, 1},

		{"an unknown column", "locust", "Type,Name,Request Count,Taste\nGET,/,1,good\n" + "", "f:1: column \"Taste\"", 0},
		{"a word for a percentile", "locust", "Type,Name,Request Count,50%\nGET,/,1,4\nGET,/x,1,slow\n", `f:3: 50%: "slow" is not a number`, 2},
		{"a quote in the middle", "locust", "Type,Name,Request Count,50%\nGET,/,1,4\nGET,a\"b,1,4\n", `f:3: bare " in`, 2},

		{"a short row", "pidstat", pidHead + "23:59:59 0 7 1.0 1.0 0 srv\n00:00:00 0 7\n", "f:5: 2 columns, want 6 and the time", 1},
		{"no time", "pidstat", pidHead + "23:59:59 0 7 1.0 1.0 0 srv\nlater 0 7 1.0 1.0 0 srv\n", `f:5: "later" is not a time of day`, 1},
		{"a unit behind a number", "pidstat", pidHead + "23:59:59 0 7 1.0 1.0 0 srv\n00:00:00 0 7 1.0% 1.0 0 srv\n", `f:5: column %usr: "1.0%" is not a number`, 1},

		{"a negative time", "hyperfine", `{"results":[{"command":"a","times":[1]},` + "\n" + `{"command":"b","times":[1,-1]}]}`, "f:2: times: -1 s: nothing takes less than no time", 2},
		{"a negative mean", "hyperfine", `{"results":[{"command":"a","mean":1},` + "\n" + `{"command":"b","mean":-1}]}`, "f:2: mean: -1 s", 1},
		{"negative cycles", "sightglass", "[" + sightRow + "5},\n" + sightRow + "-5}]", "f:2: count: -5 cycles", 1},
		{"a negative time", "gobench", "BenchmarkA 1 5 ns/op\nBenchmarkB 1 -5 ns/op\n", "f:2: -5 ns/op: nothing takes", 1},
		{"what -json prints", "gobench", `{"Action":"output","Output":"BenchmarkA \n"}` + "\n", "f:1: this is of go test -json", 0},
		{"a negative latency", "vegeta", `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":5}` + "\n" + `{"seq":1,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":-5}` + "\n", "f:2: latency: -5 ns", 1},
		{"a negative latency", "k6", strings.ReplaceAll(k6Metric+k6Point, `"m"`, `"http_req_duration"`) + strings.ReplaceAll(strings.Replace(k6Point, ":1}", ":-1}", 1), `"m"`, `"http_req_duration"`), "f:3: value: -1 ms", 1},
		{"a negative latency", "ab", abRequests + "\nThu\t1\t0\t0\t1\t0\n" + "Thu\t1\t0\t1\t-1\t0\n", "f:3: column ttime: -1 ms", 1},
		{"negative cycles", "sledge", sledgeHead + sledgeRow + strings.Replace(sledgeRow, "2400", "-2400", 1), "f:3: column actual: -2400 cycles", 1},
		{"an end before the start", "faasm", `[{"function":"f","executedHost":"h"},` + "\n" + `{"function":"f","start_ts":"9","finish_ts":"7"}]`, "f:2: it ended 2 ms before", 1},
		{"a negative time", "wasmbounds", wide + "1,2,hash,a.b,1,none,1,-2\n", "f:5: column mus_1: -2 us", 6},
		{"a negative rate", "ab-sweep", "concurrency,rps\n1,10\n2,-10\n", "f:3: column rps: -10: that cannot be below 0", 1},
		{"no number", "wrk", wrkTest + "Requests/sec:     10.00\n" + wrkTest + "Requests/sec:     NaN\n" + wrkEnd, `f:6: rps: "NaN" is no number with a unit`, 2},

		{"no function", "faasm", `[{"function":"f","executedHost":"h"},` + "\n" + `{"id":1}]`, "f:2: no function", 1},
		{"a word for a time", "faasm", `[{"function":"f","executedHost":"h"},` + "\n" + `{"function":"f","start_ts":"noon"}]`, `f:2: start_ts: "noon" is not a whole number`, 1},
	} {
		f, err := Find(test.format)
		if err != nil {
			t.Fatal(err)
		}
		in := input(one("f", test.text))
		if _, err := f.Read(t.Context(), in); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %s: error %v, want %q", test.format, test.name, err, test.want)
		}
		in.Lenient = true
		out, err := f.Read(t.Context(), in)
		if err != nil {
			t.Errorf("%s, %s, leniently: %v", test.format, test.name, err)
			continue
		}
		good := 0
		for _, trace := range out.Traces {
			if trace.Name != "rejected" {
				good += trace.rows
			}
		}
		if last := out.Traces[len(out.Traces)-1]; good != test.good || last.Name != "rejected" || last.rows != 1 {
			t.Errorf("%s, %s, leniently: %d good rows and a trace %s of %d, want %d and one that is rejected", test.format, test.name, good, last.Name, last.rows, test.good)
		}
	}
}

// A gzip stream that ends too early is an error with the line at which it
// does, whatever the format.
func TestTruncatedGzip(t *testing.T) {
	for _, f := range Formats() {
		in := example(t, f.Name)
		path, text := lastExample(t, f.Name)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		in.Files = fstest.MapFS{"f.gz": {Data: b.Bytes()}}
		if _, err := f.Read(t.Context(), in); err != nil {
			t.Errorf("%s: %s, compressed: %v", f.Name, path, err)
		}
		for _, n := range []int{11, b.Len() - 4} {
			in.Files = fstest.MapFS{"f.gz": {Data: b.Bytes()[:n]}}
			if _, err := f.Read(t.Context(), in); err == nil || !strings.Contains(err.Error(), "f.gz:") || !strings.Contains(err.Error(), "gzip") {
				t.Errorf("%s: %s, cut to %d bytes: error %v, want one of gzip with a line", f.Name, path, n, err)
			}
		}
	}
}

// JSON that is cut short is an error, wherever it is cut.
func TestTruncatedJSON(t *testing.T) {
	for _, test := range []struct {
		format     Format
		text, head string // from the head on, the format is known
	}{
		{hyperfine, `{"results":[{"command":"a","mean":1.5,"times":[1, 2],"exit_codes":[0,0]},` + "\n" + `{"command":"b","times":[1, 2]}]}`, `{"results"`},
		{sightglass, `[{"arch":"x","engine":"e","wasm":"w","process":1,"iteration":0,"phase":"Execution","event":"cycles","count":5}]`, `[{"arch":"x","engine":"e","wasm":"w","process":1,"iteration":0,"phase":"Execution","event"`},
		{k6, `{"metrics":{"vus":{"value":1,"min":1,"max":2},` + "\n" + `"http_reqs":{"count":5,"rate":2.5}},"root_group":{"name":"","checks":{}}}`, `{"metrics"`},
		{faasm, `{"appId":1,"messageResults":[{"function":"f","executedHost":"h"},` + "\n" + `{"function":"g","executedHost":"h"}]}`, `{"appId":1,"messageResults":[{"function":"f","executedHost"`},
		{vegeta, `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency":5}`, `{"seq":0,"code":200,"timestamp":"2026-01-01T00:00:00Z","latency"`},
	} {
		if _, err := test.format.Read(t.Context(), input(one("f", test.text))); err != nil {
			t.Errorf("%s: %v", test.format.Name, err)
		}
		for n := len(test.head); n < len(test.text); n++ {
			if _, err := test.format.Read(t.Context(), input(one("f", test.text[:n]))); err == nil || !strings.Contains(err.Error(), "f:") || !strings.Contains(err.Error(), "end") {
				t.Errorf("%s, %s: error %v, want that it ends too early", test.format.Name, test.text[:n], err)
			}
		}
	}
}

// lastExample returns the last file of a format's examples.
func lastExample(t *testing.T, name string) (path string, text []byte) {
	t.Helper()
	err := fs.WalkDir(examples(name), ".", func(p string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path = p
		}
		return err
	})
	if err == nil {
		text, err = fs.ReadFile(examples(name), path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

// Files of other formats are kept; if there are no others, that is an error
// which says what is wanted.
func TestOtherFiles(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "table" || f.Name == "ab-sweep" || f.Name == "wasmbounds" {
			continue
		}
		if _, err := f.Read(t.Context(), input(one("notes.txt", "read me\n"))); err == nil || !strings.Contains(err.Error(), "none of the 1 files is ") {
			t.Errorf("%s: error %v, want one that says what is wanted", f.Name, err)
		}
		paths, _ := fs.Glob(examples(f.Name), "*")
		text, err := fs.ReadFile(examples(f.Name), paths[0])
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Read(t.Context(), input(fstest.MapFS{"notes.txt": {Data: []byte("read me\n")}, "x/" + paths[0]: {Data: text}}))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if len(out.Sources) != 2 || out.Sources[0].Kind != "" || out.Sources[1].Path != filepath.ToSlash("x/"+paths[0]) || out.Sources[1].Rows == 0 {
			t.Errorf("%s: the sources are %+v", f.Name, out.Sources)
		}
	}
}

// Facts that a format needs are used by it.
func TestSledgeSpeed(t *testing.T) {
	const log = "tenant,route,state,total_lifetime\nedge,/fib,done,4800\n"
	out, err := sledge.Read(t.Context(), input(one("f", log), assay.Fact{Name: sledgeFact, Value: "2400"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := columnText(t, out, "sessions", "total_lifetime_us"); got != "2" {
		t.Errorf("4800 cycles at 2400 MHz are %s us, want 2", got)
	}
	if out, err = sledge.Read(t.Context(), input(one("f", log))); err != nil {
		t.Fatal(err)
	}
	if got := columnText(t, out, "sessions", "total_lifetime_us"); got != "~" {
		t.Errorf("4800 cycles at an unknown speed are %s us, want null", got)
	}
	if _, err := sledge.Read(t.Context(), input(one("f", log), assay.Fact{Name: sledgeFact, Value: "fast"})); err == nil {
		t.Error("a speed of fast is no error")
	}
}

// Time goes on past midnight, in 12 hours and in 24; decimal commas are read.
func TestPidstatLanguages(t *testing.T) {
	for _, test := range []struct{ name, text, seconds, cpu string }{
		{"24 hours", "23:59:58 UID PID %CPU Command\n23:59:59 0 7 2.50 srv\n\n00:00:00 UID PID %CPU Command\n00:00:01 0 7 3.50 a srv\n", "86399 86401", "2.5 3.5"},
		{"12 hours", "11:59:58 PM UID PID %CPU Command\n11:59:59 PM 0 7 2.50 srv\n12:00:01 AM 0 7 3.50 srv\n12:00:02 PM 0 7 3.50 srv\n", "86399 86401 129602", "2.5 3.5 3.5"},
		{"German", "11:59:58 UID PID %CPU Command\n11:59:59 0 7 2,50 srv\nDurchschn.: UID PID %CPU Command\nDurchschn.: 0 7 2,50 srv\n", "43199", "2.5"},
		{"French", "11:59:58 UID PID %CPU Command\n11:59:59 0 7 2,50 srv\nMoyenne : UID PID %CPU Command\nMoyenne : 0 7 2,50 srv\n", "43199", "2.5"},
	} {
		out, err := pidstat.Read(t.Context(), input(one("f", test.text)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if s, cpu := columnText(t, out, "cpu", "seconds"), columnText(t, out, "cpu", "%CPU"); s != test.seconds || cpu != test.cpu {
			t.Errorf("%s: at %s s %s %%, want %s and %s", test.name, s, cpu, test.seconds, test.cpu)
		}
	}
}

// columnText spells the values of a column.
func columnText(t *testing.T, out *Output, name, of string) string {
	t.Helper()
	for _, trace := range out.Traces {
		for i, v := range trace.Columns {
			if trace.Name == name && v.Name == of {
				values := make([]string, trace.rows)
				for row := range values {
					values[row] = value(trace, i, row)
				}
				return strings.Join(values, " ")
			}
		}
	}
	t.Fatalf("no column %s in a trace %s", of, name)
	return ""
}

// A mean of samples that are not in the files is a mean, never a sample.
func TestMeans(t *testing.T) {
	for _, test := range []struct {
		format Format
		text   string
	}{
		{hyperfine, `{"results":[{"command":"a","mean":1.5,"stddev":0.5,"median":1.5,"user":1,"system":0,"min":1,"max":2}]}`},
		{gobench, "BenchmarkA 1000 5 ns/op\n"},
		{wrk, "Running 1s test @ http://h/\n    Latency     2.53ms    1.35ms  11.96ms   83.49%\nRequests/sec:     10.00\n"},
	} {
		out, err := test.format.Read(t.Context(), input(one("f", test.text)))
		if err != nil {
			t.Errorf("%s: %v", test.format.Name, err)
			continue
		}
		means := 0
		for _, v := range out.Traces[0].Columns {
			switch v.Role {
			case assay.RoleMean:
				means++
			case assay.RoleSample, assay.RoleLatency:
				t.Errorf("%s: the column %s has the role %s", test.format.Name, v.Name, v.Role)
			}
		}
		if means != 1 || len(out.Traces) != 1 {
			t.Errorf("%s: %d means in %d traces, want one in one", test.format.Name, means, len(out.Traces))
		}
	}
}
