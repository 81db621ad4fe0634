package claims

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// judge judges a claim by a run's trace.
func judge(check assay.Check, t *trace.Trace) (assay.Judgement, error) {
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: t})
	return j, err
}

// made is a made-up trace: what a test says of each invocation's process.
func made(t *testing.T, samples []assay.Sample, params ...string) *trace.Trace {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Write(&b, trace.Meta{Params: params}, slices.Values(samples)); err != nil {
		t.Fatal(err)
	}
	tr, err := trace.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// processes returns an ok process of w on runtime for each time, in
// microseconds; trial tells it from others.
func processes(trial int32, w, runtime string, us ...int64) []assay.Sample {
	var all []assay.Sample
	for i, v := range us {
		ns, rss := 1000*v, 1024*v
		all = append(all, assay.Sample{Seq: int64(1000*int(trial) + i), Trial: trial, Workload: w, Runtime: runtime, Phase: assay.Process,
			Outcome: assay.OK, WallNS: &ns, RSSBytes: &rss})
	}
	return all
}

// withCalls adds to each process calls of the given times, the first a warm-up
// that takes forever.
func withCalls(processes []assay.Sample, ns ...[]int64) []assay.Sample {
	var all []assay.Sample
	for i, p := range processes {
		all = append(all, p)
		for k, v := range append([]int64{math.MaxInt64}, ns[i]...) {
			c := p
			c.Phase, c.Call, c.Warmup, c.WallNS, c.RSSBytes, c.CPUNS = assay.Call, int32(k+1), k == 0, &v, nil, nil
			all = append(all, c)
		}
	}
	return all
}

// ten are ten times with the median 1055 us; their 95% interval by order
// statistics is from the second to the ninth: 1020 to 1090 us. (The sum of the
// binomial probabilities of 2 to 8 of 10 is 0.9785; of 3 to 7 it is 0.8906.)
var ten = []int64{1100, 1010, 1020, 1030, 1090, 1040, 1050, 1080, 1060, 1070}

// The verdict flips exactly where the interval and the widened bound meet.
func TestVerdictsFlipAtTheBound(t *testing.T) {
	tr := made(t, processes(0, "w", "r", ten...))
	for _, c := range []struct {
		comparator string
		value      float64
		unit       string
		tolerance  float64
		want       assay.Verdict
	}{
		{"<=", 1090, "us", 0, assay.Holds},
		{"<=", 1089.9, "us", 0, assay.Inconclusive},
		{"<=", 1020, "us", 0, assay.Inconclusive},
		{"<=", 1019.9, "us", 0, assay.Fails},
		{">=", 1020, "us", 0, assay.Holds},
		{">=", 1020.1, "us", 0, assay.Inconclusive},
		{">=", 1090, "us", 0, assay.Inconclusive},
		{">=", 1090.1, "us", 0, assay.Fails},
		{"<=", 1000, "us", 0.0901, assay.Holds}, // 1090.1
		{"<=", 1000, "us", 0.0899, assay.Inconclusive},
		{"<=", 1000, "us", 0.0199, assay.Fails},
		{">=", 1200, "us", 0.1501, assay.Holds}, // 1019.9
		{">=", 1200, "us", 0.1499, assay.Inconclusive},
		{">=", 1200, "us", 0.0916, assay.Fails}, // 1090.08
		{"=", 1055, "us", 0.0333, assay.Holds},  // 1019.87 to 1090.13
		{"=", 1055, "us", 0.0331, assay.Inconclusive},
		{"=", 1000, "us", 0.0199, assay.Fails},
		{"=", 1000, "us", 0.0201, assay.Inconclusive},
		{"=", 1200, "us", 0.09, assay.Fails}, // from 1092
		{"in", 1020, "us", 0, assay.Holds},   // to 1090
		{"in", 1020.1, "us", 0, assay.Inconclusive},
		{"in", 1019.9, "us", 0, assay.Inconclusive},
		{"in", 1020.1, "us", 0.0001, assay.Holds}, // from 1019.998
		{"in", 1019.9, "us", 0.0001, assay.Holds}, // to 1090.009
		{"in", 1090.1, "us", 0, assay.Fails},
		{"in", 949.9, "us", 0, assay.Fails}, // to 1019.9
		{"<=", 1.09, "ms", 0, assay.Holds},
		{"<=", 1.0899, "ms", 0, assay.Inconclusive},
		{"<=", 0.00109, "s", 0, assay.Holds},
		{"<=", 1090000, "ns", 0, assay.Holds},
		{"<=", 1089999, "ns", 0, assay.Inconclusive},
	} {
		check := assay.Check{Metric: "wall_ns", Comparator: c.comparator, Value: c.value, Unit: c.unit, Tolerance: c.tolerance}
		if c.comparator == "in" {
			check.To = c.value + 70
		}
		if err := CheckCheck(check); err != nil {
			t.Errorf("%+v: %v", check, err)
		}
		j, err := judge(check, tr)
		if err != nil {
			t.Fatal(err)
		}
		if j.Verdict != c.want {
			t.Errorf("%s %v %s, tolerance %v: %s, want %s (%s)", c.comparator, c.value, c.unit, c.tolerance, j.Verdict, c.want, j.Reason)
		}
	}
}

func TestEstimateIsOfTheSamples(t *testing.T) {
	j, err := judge(assay.Check{Metric: "wall_ns", Comparator: "<=", Value: 2, Unit: "ms"}, made(t, processes(0, "w", "r", ten...)))
	if err != nil {
		t.Fatal(err)
	}
	if e := j.Estimate; e == nil || e.Value != 1.055 || *e.Low != 1.02 || *e.High != 1.09 || e.N != 10 || e.Unit != "ms" || e.Statistic != "median" {
		t.Errorf("estimate %+v, want the median 1.055 ms [1.02, 1.09] of 10", e)
	}
	if want := "median wall_ns of w on r (10 ok invocations): all of the interval [1.02, 1.09] is at most 2 ms; how much equal treatments differ on its host in wall_ns of phase process is not known: \"assay host noise\" there measures it"; j.Reason != want {
		t.Errorf("reason %q, want %q", j.Reason, want)
	}
	j, err = judge(assay.Check{Metric: "peak_rss_bytes", Comparator: "<=", Value: 2, Unit: "MiB"}, made(t, processes(0, "w", "r", ten...)))
	if err != nil || j.Estimate == nil || j.Estimate.Value != 1055.0/1024 || j.Verdict != assay.Holds {
		t.Errorf("memory: %+v, %v; want the median of 1055 KiB", j, err)
	}
}

// A ratio of medians has an interval that holds the truth and is found again:
// 2.0 for one set and its double.
func TestRatio(t *testing.T) {
	double := slices.Clone(ten)
	for i := range double {
		double[i] *= 2
	}
	tr := made(t, append(processes(0, "w", "slow", double...), processes(1, "w", "fast", ten...)...))
	check := assay.Check{Metric: "wall_ns", Of: assay.Selection{Runtime: "slow"}, Over: &assay.Selection{Runtime: "fast"}, Unit: "x"}
	verdict := func(comparator string, value, tolerance float64) assay.Judgement {
		t.Helper()
		check.Comparator, check.Value, check.Tolerance = comparator, value, tolerance
		j, err := judge(check, tr)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := verdict("=", 2, 0.1)
	e := j.Estimate
	if e == nil || e.Value != 2 || *e.Low >= 2 || *e.High <= 2 || *e.Low < 1.9 || *e.High > 2.1 || e.N != 10 || j.Verdict != assay.Holds {
		t.Fatalf("estimate %+v, %s; want 2 within a narrow interval", e, j.Verdict)
	}
	for _, c := range []struct {
		comparator string
		value      float64
		want       assay.Verdict
	}{
		{">=", *e.Low, assay.Holds}, {">=", math.Nextafter(*e.Low, 9), assay.Inconclusive},
		{">=", *e.High, assay.Inconclusive}, {">=", math.Nextafter(*e.High, 9), assay.Fails},
		{"<=", *e.High, assay.Holds}, {"<=", math.Nextafter(*e.High, 0), assay.Inconclusive},
		{"<=", *e.Low, assay.Inconclusive}, {"<=", math.Nextafter(*e.Low, 0), assay.Fails},
	} {
		if got := verdict(c.comparator, c.value, 0); got.Verdict != c.want {
			t.Errorf("%s %v: %s, want %s; the interval is [%v, %v]", c.comparator, c.value, got.Verdict, c.want, *e.Low, *e.High)
		}
	}
}

// A thousand calls in six processes are six independent values: the interval is
// that of the processes' medians, their least and greatest.
func TestCallsCountAsInvocations(t *testing.T) {
	var calls [][]int64
	for i := range int64(6) {
		var ns []int64
		for k := range int64(101) {
			ns = append(ns, 1000*(i+1)+k-50) // their median is 1000(i+1)
		}
		calls = append(calls, ns)
	}
	tr := made(t, withCalls(processes(0, "w", "r", 9, 9, 9, 9, 9, 9), calls...))
	check := assay.Check{Metric: "wall_ns", Phase: assay.Call, Comparator: "<=", Value: 6, Unit: "us"}
	j, err := judge(check, tr)
	if err != nil {
		t.Fatal(err)
	}
	if e := j.Estimate; e == nil || e.Value != 3.5 || *e.Low != 1 || *e.High != 6 || e.N != 6 || j.Verdict != assay.Holds {
		t.Errorf("%+v, %s; want 3.5 us [1, 6] of 6 invocations", e, j.Reason)
	}
	check.Value = 5.999
	if j, err := judge(check, tr); err != nil || j.Verdict != assay.Inconclusive {
		t.Errorf("at most 5.999 us: %s, %v; want inconclusive", j.Verdict, err)
	}
}

func TestCannotBeTold(t *testing.T) {
	five := processes(0, "w", "r", 1, 2, 3, 4, 5)
	broken := processes(0, "w", "r", 1, 2, 3, 4, 5, 6)
	for i := range broken {
		broken[i].Outcome, broken[i].Detail = assay.Unsupported, "node not found"
	}
	small := processes(0, "w", "r", ten...)
	small[3].RSSBytes = nil
	several := append(processes(0, "w", "r", ten...), processes(1, "v", "r", ten...)...)
	with := func(change func(*assay.Check)) assay.Check {
		c := assay.Check{Metric: "wall_ns", Comparator: "<=", Value: 1, Unit: "ms"}
		change(&c)
		return c
	}
	plain := with(func(*assay.Check) {})
	for _, c := range []struct {
		name    string
		samples []assay.Sample
		check   assay.Check
		want    string
	}{
		{"too few", five, plain, "5 ok invocations are too few for a 95% interval: it takes 6"},
		{"no ok sample", broken, plain, "w on r has no ok samples: 6 unsupported: node not found"},
		{"another runtime", five, with(func(c *assay.Check) { c.Of.Runtime = "q" }), "no trial of the run is any workload on q"},
		{"another parameter", five, with(func(c *assay.Check) { c.Of.Params = map[string]string{"n": "1"} }), "no trial of the run is any workload n=1 on any runtime"},
		{"two workloads", several, plain, "selects 2 trials, w on r, v on r"},
		{"unknown column", five, with(func(c *assay.Check) { c.Metric = "joules" }), `no measure "joules": it has wall_ns, cpu_ns, peak_rss_bytes, user_ns, `},
		{"no measure", five, with(func(c *assay.Check) { c.Metric = "seq" }), `no measure "seq"`},
		{"no time span", five, with(func(c *assay.Check) { c.Metric = "start_ns" }), `no measure "start_ns"`},
		{"another phase", five, with(func(c *assay.Check) { c.Phase = assay.Instantiate }), "no samples of phase instantiate, which is another scope than [process]"},
		{"another unit", processes(0, "w", "r", ten...), with(func(c *assay.Check) { c.Unit = "MiB" }), "wall_ns is in ns, which is not a thing that MiB can say"},
		{"not measured", five, with(func(c *assay.Check) { c.Metric = "cpu_ns" }), "cpu_ns is not measured"},
		{"below the floor", small, with(func(c *assay.Check) { c.Metric, c.Unit = "peak_rss_bytes", "MiB" }), "too small to be told"},
		{"over itself", processes(0, "w", "r", ten...), with(func(c *assay.Check) { c.Over, c.Unit = &assay.Selection{}, "x" }), "divided by itself"},
		{"over nothing", processes(0, "w", "r", ten...), with(func(c *assay.Check) { c.Over, c.Unit = &assay.Selection{Runtime: "q"}, "x" }), "no trial of the run"},
	} {
		if err := CheckCheck(c.check); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		j, err := judge(c.check, made(t, c.samples))
		if err != nil || j.Verdict != assay.NotTestable || !strings.Contains(j.Reason, c.want) {
			t.Errorf("%s: %s, %q, %v; want unsupported with %q", c.name, j.Verdict, j.Reason, err, c.want)
		}
	}
}

// Failures are no samples, and are said.
func TestFailuresAreSaid(t *testing.T) {
	samples := processes(0, "w", "r", ten...)
	late := processes(0, "w", "r", 99999)[0]
	late.Seq, late.Outcome = 77, assay.Timeout
	j, err := judge(assay.Check{Metric: "wall_ns", Comparator: "<=", Value: 2, Unit: "ms"}, made(t, append(samples, late)))
	if err != nil || j.Estimate == nil || j.Estimate.N != 10 || !strings.Contains(j.Reason, "10 ok invocations; left out: 1 timeout") {
		t.Errorf("%+v, %v; want 10 samples and the timeout said", j, err)
	}
}

func TestMalformedChecks(t *testing.T) {
	good := assay.Check{Metric: "wall_ns", Comparator: "<=", Value: 1, Unit: "ms"}
	if err := CheckCheck(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*assay.Check){
		"metric is missing":                func(c *assay.Check) { c.Metric = "" },
		`comparator "<": want "<="`:        func(c *assay.Check) { c.Comparator = "<" },
		`"in" goes from 1 to 1: want`:      func(c *assay.Check) { c.Comparator, c.To = "in", 1 },
		`"in" goes from 1 to NaN: want`:    func(c *assay.Check) { c.Comparator, c.To = "in", math.NaN() },
		`"in" goes from 1 to +Inf: want`:   func(c *assay.Check) { c.Comparator, c.To = "in", math.Inf(1) },
		`to 2: only "in" has two ends`:     func(c *assay.Check) { c.To = 2 },
		"value NaN":                        func(c *assay.Check) { c.Value = math.NaN() },
		"value -1":                         func(c *assay.Check) { c.Value = -1 },
		"tolerance -0.1":                   func(c *assay.Check) { c.Tolerance = -0.1 },
		`"=" needs a value and`:            func(c *assay.Check) { c.Comparator = "=" },
		`phase "start-up": want`:           func(c *assay.Check) { c.Phase = "start-up" },
		`unit "parsec": want one of GB`:    func(c *assay.Check) { c.Unit = "parsec" },
		`a ratio has the unit "x"`:         func(c *assay.Check) { c.Over = &assay.Selection{} },
		"there is no over to divide by":    func(c *assay.Check) { c.Unit = "x" },
		`such as "wall_ns"; comparator ""`: func(c *assay.Check) { c.Metric, c.Comparator = "", "" },
	} {
		c := good
		spoil(&c)
		if err := CheckCheck(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", c, err, want)
		}
	}
}

// Regions of calls count a process once, and that of a first call is none of
// them.
func TestRegionsOfARun(t *testing.T) {
	var samples []assay.Sample
	for _, s := range withCalls(processes(0, "w", "r", ten...), slices.Repeat([][]int64{{1000, 2000, 2000, 2000, 3000}}, len(ten))...) {
		if s.Phase == assay.Call {
			s.Phase = assay.Region
			if s.Warmup {
				s.Call, s.Warmup = 0, false // of the first call
			}
		}
		samples = append(samples, s)
	}
	check := assay.Check{Metric: "wall_ns", Phase: assay.CallRegion, Comparator: "<=", Value: 2, Unit: "us"}
	j, err := judge(check, made(t, samples))
	if err != nil || j.Verdict != assay.Holds || j.Estimate == nil || j.Estimate.N != len(ten) || j.Estimate.Value != 2 {
		t.Errorf("call-region: %+v, %v; want that it holds, of %d invocations", j, err, len(ten))
	}
}
