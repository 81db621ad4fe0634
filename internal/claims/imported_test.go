package claims

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A row is a row of a made-up import.
type row struct {
	machine, program, system, scope string
	value                           float64 // 0: none
}

// imported makes an import of rows, whose values are of a role.
func imported(t *testing.T, role assay.Role, rows []row) Evidence {
	t.Helper()
	text := func(name string, role assay.Role, of func(row) string) *trace.Values {
		v := &trace.Values{Column: trace.Column{Name: name, Kind: trace.String, Role: role, Basis: assay.Given}}
		for _, r := range rows {
			v.Strings = append(v.Strings, of(r))
		}
		return v
	}
	scope := text("measured", assay.RoleScope, func(r row) string { return r.scope })
	value := &trace.Values{Column: trace.Column{Name: "time", Kind: trace.Float, Unit: "s", Role: role, Basis: assay.Given}}
	for _, r := range rows {
		scope.Null = append(scope.Null, r.scope == "")
		value.Floats = append(value.Floats, r.value)
		value.Null = append(value.Null, r.value == 0)
	}
	columns := []*trace.Values{
		text("machine", assay.RoleFactor, func(r row) string { return r.machine }),
		text("program", assay.RoleWorkload, func(r row) string { return r.program }),
		text("runtime", assay.RoleSystem, func(r row) string { return r.system }),
		scope, value,
	}
	return evidence(t, columns...)
}

// evidence makes an import of columns.
func evidence(t *testing.T, columns ...*trace.Values) Evidence {
	t.Helper()
	imp := &assay.Import{Name: "table", Traces: []assay.ImportTrace{{Name: "times"}}}
	for _, c := range columns {
		imp.Traces[0].Columns = append(imp.Traces[0].Columns, assay.ImportColumn{Name: c.Name, Kind: string(c.Kind), Unit: c.Unit, Role: c.Role})
	}
	return Evidence{Import: imp, Open: func(assay.ImportTrace) (*trace.Trace, error) {
		var b bytes.Buffer
		if err := trace.WriteColumns(&b, trace.Meta{Import: "table", Of: "times", Importer: "table", Revision: 1}, columns); err != nil {
			return nil, err
		}
		return trace.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	}}
}

// twice is a table in which docker takes 2, 4 and 8 times as long on three
// machines.
var twice = []row{
	{"a", "nop", "wasm", "run", 0.010}, {"a", "nop", "docker", "run", 0.020}, {"a", "nop", "wasm", "compile", 5},
	{"b", "nop", "wasm", "run", 0.010}, {"b", "nop", "docker", "run", 0.040},
	{"c", "nop", "wasm", "", 0.010}, {"c", "nop", "docker", "", 0.080},
	{"d", "nop", "wasm", "run", 0.010}, {"d", "nop", "docker", "run", 0},
	{"a", "other", "wasm", "run", 7},
}

// over is a check of docker over wasm, by machine and scope.
func over(change func(*assay.Check)) assay.Check {
	c := assay.Check{
		Metric: "mean",
		Of:     assay.Selection{Runtime: "docker"},
		Over:   &assay.Selection{Runtime: "wasm", Where: map[string]assay.OneOf{"program": {"nop"}}},
		Pair:   []string{"machine", "workload", "scope"}, Comparator: ">=", Value: 1, Unit: "x",
	}
	change(&c)
	return c
}

// The geometric mean of 2, 4 and 8 is 4; with two degrees of freedom Student's t
// is 4.302653, and the standard deviation of the logarithms ln 2.
func TestPairs(t *testing.T) {
	j, concerned, err := Judge(assay.Claim{ID: "c"}, Checks{over(func(*assay.Check) {})}, imported(t, assay.RoleMean, twice))
	if err != nil || !concerned || j.Estimate == nil {
		t.Fatalf("%+v, %v", j, err)
	}
	spread := math.Exp(4.302653 * math.Ln2 / math.Sqrt(3))
	e := j.Estimate
	if math.Abs(e.Value-4) > 1e-9 || math.Abs(*e.Low-4/spread) > 1e-5 || math.Abs(*e.High-4*spread) > 1e-4 || e.N != 3 {
		t.Errorf("%v [%v, %v] of %d; want 4 [%v, %v] of 3", e.Value, *e.Low, *e.High, e.N, 4/spread, 4*spread)
	}
	if j.Verdict != assay.Inconclusive || !strings.Contains(j.Reason, "over 3 pairs by machine (3), program, measured (2): only a part of the interval [0.7149, 22.38] is at least 1 x; n is 3, and more values of machine would narrow it; the samples behind the means are gone; no file says the scope of 1 pairs") {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
	for _, c := range []struct {
		comparator string
		value      float64
		want       assay.Verdict
	}{
		{">=", 4/spread - 1e-4, assay.Holds}, {">=", 4/spread + 1e-4, assay.Inconclusive}, {">=", 4*spread + 1e-3, assay.Fails},
		{"<=", 4*spread + 1e-3, assay.Holds}, {"<=", 4*spread - 1e-3, assay.Inconclusive}, {"<=", 4/spread - 1e-4, assay.Fails},
	} {
		check := over(func(k *assay.Check) { k.Comparator, k.Value = c.comparator, c.value })
		if j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, twice)); err != nil || j.Verdict != c.want {
			t.Errorf("%s %v: %s, %v; want %s", c.comparator, c.value, j.Verdict, err, c.want)
		}
	}
}

// Pairs of one machine are not independent: the interval is over the machines'
// geometric means, 2, 4 and 8 as before, though there are two programs on each;
// or over the programs, where there are fewer of these. Two of everything give
// none.
func TestPairsAreClustered(t *testing.T) {
	rows := func(machines, programs int) (all []row) {
		for m := range machines {
			for p := range programs {
				w := fmt.Sprint("p", p)
				of := math.Exp2(float64(m + 1 + 2*(p%2))) // 2 and 8, 4 and 16, 8 and 32
				all = append(all, row{fmt.Sprint("m", m), w, "wasm", "run", 1}, row{fmt.Sprint("m", m), w, "docker", "run", of})
			}
		}
		return all
	}
	check := over(func(c *assay.Check) { c.Over = &assay.Selection{Runtime: "wasm"} })
	spread := math.Exp(4.302653 * math.Ln2 / math.Sqrt(3))
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, rows(3, 4)))
	if e := j.Estimate; err != nil || e == nil || e.N != 3 || math.Abs(e.Value-8) > 1e-9 || math.Abs(*e.Low-8/spread) > 1e-5 || math.Abs(*e.High-8*spread) > 1e-4 ||
		!strings.Contains(j.Reason, "geometric mean over 12 pairs by machine (3), program (4), measured, those of one machine first: ") {
		t.Errorf("%+v: %s, %v; want 8 [%v, %v] of 3 machines", e, j.Reason, err, 8/spread, 8*spread)
	}
	j, _, err = Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, rows(4, 3)))
	if e := j.Estimate; err != nil || e == nil || e.N != 3 || !strings.Contains(j.Reason, "those of one program first") {
		t.Errorf("%+v: %s, %v; want 3 programs", e, j.Reason, err)
	}
	j, _, err = Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, rows(2, 4)))
	if e := j.Estimate; err != nil || e == nil || e.N != 4 {
		t.Errorf("%+v: %s, %v; want 4 programs: two machines give no interval", e, j.Reason, err)
	}
	j, _, err = Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, rows(2, 2)))
	if err != nil || j.Estimate != nil || !strings.Contains(j.Reason, "4 pairs are too few for an interval: those of one machine or program or measured are not independent") {
		t.Errorf("%+v: %s, %v; want none", j.Estimate, j.Reason, err)
	}
}

// column makes a column of texts.
func column(role assay.Role, texts ...string) *trace.Values {
	return &trace.Values{Column: trace.Column{Name: string(role), Kind: trace.String, Role: role, Basis: assay.Given}, Strings: texts}
}

// times makes a column of seconds.
func times(role assay.Role, seconds ...float64) *trace.Values {
	return &trace.Values{Column: trace.Column{Name: "seconds", Kind: trace.Float, Unit: "s", Role: role, Basis: assay.Given}, Floats: seconds}
}

// each repeats texts to so many.
func each(n int, texts ...string) (all []string) {
	for i := range n {
		all = append(all, texts[i%len(texts)])
	}
	return all
}

// Rows that did not end well are no samples, however quick; the reason counts
// them. An outcome stands above a status.
func TestFailedRowsAreNoSamples(t *testing.T) {
	seconds := slices.Concat(slices.Repeat([]float64{0.05}, 8), slices.Repeat([]float64{0.0001}, 12))
	outcomes := append(each(8, "ok"), each(12, "refused", "timeout", "refused")...)
	statuses := append(each(8, "200"), each(12, "502")...)
	check := assay.Check{Metric: "latency", Comparator: "<=", Value: 1, Unit: "ms"}
	for name, c := range map[string]struct {
		columns []*trace.Values
		want    string
	}{
		"outcomes":          {[]*trace.Values{column(assay.RoleOutcome, outcomes...)}, "(8 rows; left out: 8 refused, 4 timeout)"},
		"statuses":          {[]*trace.Values{column(assay.RoleStatus, statuses...)}, "(8 rows; left out: 12 status 502)"},
		"both":              {[]*trace.Values{column(assay.RoleStatus, each(20, "502")...), column(assay.RoleOutcome, outcomes...)}, "(8 rows; left out: 8 refused, 4 timeout)"},
		"outcomes not said": {[]*trace.Values{column(assay.RoleOutcome, each(20, "")...), column(assay.RoleStatus, statuses...)}, "(8 rows; left out: 12 status 502)"},
	} {
		j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, evidence(t, append(c.columns, times(assay.RoleLatency, seconds...))...))
		if e := j.Estimate; err != nil || e == nil || e.Value != 50 || e.N != 8 || j.Verdict != assay.Fails || !strings.Contains(j.Reason, c.want) {
			t.Errorf("%s: %+v, %s: %s, %v; want 50 ms of 8 rows and %q", name, e, j.Verdict, j.Reason, err, c.want)
		}
	}
	all := evidence(t, column(assay.RoleOutcome, each(20, "a", "b", "c", "d", "e")...), times(assay.RoleLatency, seconds...))
	j, concerned, err := Judge(assay.Claim{ID: "c"}, Checks{check}, all)
	if err != nil || !concerned || j.Verdict != assay.NotTestable || !strings.Contains(j.Reason, "no good rows: 4 a, 4 b, 4 c, 8 of 2 other kinds") {
		t.Errorf("all failed: %s: %s, concerned %v, %v", j.Verdict, j.Reason, concerned, err)
	}
}

// Requests of one test are one value; repetitions of it, or blocks, are several.
func TestRowsOfOneTestAreOne(t *testing.T) {
	seconds := slices.Concat(slices.Repeat([]float64{0.01, 0.02, 0.03}, 6))
	numbers := each(18, "1", "2", "3", "4", "5", "6")
	check := assay.Check{Metric: "latency", Comparator: "<=", Value: 100, Unit: "ms"}
	for _, role := range []assay.Role{assay.RoleIteration, assay.RoleTime, assay.RoleStart} {
		series := column(role, numbers...)
		j, concerned, err := Judge(assay.Claim{ID: "c"}, Checks{check}, evidence(t, series, times(assay.RoleLatency, seconds...)))
		if err != nil || !concerned || j.Estimate != nil || !strings.Contains(j.Reason, "18 rows of one test, by column "+string(role)+": they are not independent, and n is 1; import repetitions") {
			t.Errorf("%s: %+v: %s, %v; want that they are not independent", role, j.Estimate, j.Reason, err)
		}
		for _, repeat := range []assay.Role{assay.RoleReplicate, assay.RoleBlock} {
			j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, evidence(t, series, column(repeat, numbers...), times(assay.RoleLatency, seconds...)))
			if e := j.Estimate; err != nil || e == nil || e.N != 6 || !strings.Contains(j.Reason, "(6 "+string(repeat)+"s)") {
				t.Errorf("%s with %s: %+v: %s, %v; want n = 6", role, repeat, e, j.Reason, err)
			}
		}
	}
	means := evidence(t, column(assay.RoleReplicate, numbers...), times(assay.RoleMean, seconds...))
	check.Metric = "mean"
	if j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, means); err != nil || j.Estimate != nil || !strings.Contains(j.Reason, "several means of replicate 1, which cannot be put together") {
		t.Errorf("three means of a replicate: %+v: %s, %v", j.Estimate, j.Reason, err)
	}
}

// A ratio of times that span nobody says what says so.
func TestRatioWithoutScope(t *testing.T) {
	seconds := []float64{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2}
	check := assay.Check{Metric: "sample", Of: assay.Selection{Runtime: "b"}, Over: &assay.Selection{Runtime: "a"}, Comparator: ">=", Value: 1, Unit: "x"}
	systems := column(assay.RoleSystem, append(each(6, "a"), each(6, "b")...)...)
	programs := column(assay.RoleWorkload, each(12, "p", "q", "r", "s", "t", "u")...)
	for name, c := range map[string]struct {
		pair    []string
		columns []*trace.Values
		silent  bool
	}{
		"whole":         {nil, []*trace.Values{systems}, true},
		"pairs":         {[]string{"workload"}, []*trace.Values{systems, programs}, true},
		"whole, said":   {nil, []*trace.Values{systems, column(assay.RoleScope, each(12, "process")...)}, false},
		"pairs, said":   {[]string{"workload"}, []*trace.Values{systems, programs, column(assay.RoleScope, each(12, "process")...)}, false},
		"whole, unsaid": {nil, []*trace.Values{systems, column(assay.RoleScope, each(12, "")...)}, true},
	} {
		check.Pair = c.pair
		j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, evidence(t, append(c.columns, times(assay.RoleSample, seconds...))...))
		if err != nil || j.Verdict != assay.Holds || strings.Contains(j.Reason, "no file says what the times span") != c.silent {
			t.Errorf("%s: %s: %s, %v; want that the scope is not said: %v", name, j.Verdict, j.Reason, err, c.silent)
		}
	}
}

// What is measured of another thing says where it is, and is no verdict.
func TestInstead(t *testing.T) {
	for _, c := range []struct {
		comparator string
		value      float64
		want       string
	}{
		{">=", 0.5, "all of the interval [0.7149, 22.38] would be at least 0.5 x"},
		{">=", 30, "none of the interval [0.7149, 22.38] would be at least 30 x"},
		{">=", 1, "only a part of the interval [0.7149, 22.38] would be at least 1 x"},
	} {
		check := over(func(k *assay.Check) { k.Comparator, k.Value, k.Instead = c.comparator, c.value, "V8" })
		j, concerned, err := Judge(assay.Claim{ID: "c", Subject: "WAVM"}, Checks{check}, imported(t, assay.RoleMean, twice))
		if err != nil || !concerned || j.Verdict != assay.NotTestable || j.Estimate == nil || math.Abs(j.Estimate.Value-4) > 1e-9 ||
			!strings.HasPrefix(j.Reason, "of V8, not of WAVM: time of docker over wasm") || !strings.Contains(j.Reason, c.want) {
			t.Errorf("%s %v: %+v, concerned %v, %v; want unsupported with 4 x and %q", c.comparator, c.value, j, concerned, err, c.want)
		}
	}
	check := over(func(k *assay.Check) { k.Instead = "V8" })
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, twice))
	if err != nil || !strings.HasPrefix(j.Reason, "of V8, not of what the claim is about: ") {
		t.Errorf("of a claim without a subject: %q, %v", j.Reason, err)
	}
}

// A pair may have one side, in the unit of the check.
func TestPairsWithoutRatio(t *testing.T) {
	check := over(func(c *assay.Check) { c.Over, c.Unit, c.Value = nil, "ms", 40 })
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleMean, twice))
	if err != nil || j.Estimate == nil || math.Abs(j.Estimate.Value-40) > 1e-9 || j.Estimate.Unit != "ms" || j.Estimate.N != 3 {
		t.Errorf("%+v, %v; want 40 ms of 3", j, err)
	}
}

func TestImportCannotTell(t *testing.T) {
	where := func(k, v string) map[string]assay.OneOf { return map[string]assay.OneOf{k: {v}} }
	for _, c := range []struct {
		name, want string
		elsewhere  bool
		check      assay.Check
	}{
		{"another scope", "compile over run: what these times span is not the same", false, over(func(c *assay.Check) {
			c.Of, c.Over = assay.Selection{Runtime: "wasm", Where: where("scope", "compile")}, &assay.Selection{Runtime: "wasm", Workload: "nop", Where: where("scope", "run")}
			c.Pair = []string{"machine"}
		})},
		{"two pairs", "2 pairs have no interval: it takes 3", false, over(func(c *assay.Check) {
			c.Of.Where = map[string]assay.OneOf{"machine": {"a", "b"}}
		})},
		{"several means", "2 means, which cannot be put together", false, over(func(c *assay.Check) {
			c.Of, c.Over, c.Unit, c.Pair = assay.Selection{Runtime: "wasm", Workload: "nop", Where: where("machine", "e")}, nil, "ms", []string{"machine"}
		})},
		{"several treatments", "several treatments, which differ in machine (a, b, c", false, over(func(c *assay.Check) { c.Pair = []string{"workload"} })},
		{"no pairs, several", "several treatments, which differ in machine", false, over(func(c *assay.Check) { c.Pair = nil })},
		{"other machine", "what is compared differs in machine, too (a and b)", false, over(func(c *assay.Check) {
			c.Of, c.Over, c.Pair = assay.Selection{Runtime: "even"}, &assay.Selection{Runtime: "odd"}, nil
		})},
		{"one mean", "1 means are too few for a 95% interval: it takes 6", false, over(func(c *assay.Check) {
			c.Of.Where, c.Over, c.Pair, c.Unit = where("machine", "a"), nil, nil, "ms"
		})},
		{"no values", "has no values", false, over(func(c *assay.Check) { c.Of.Where = where("machine", "d") })},
		{"another unit", "time is in s, which is not a thing that MiB can say", false, over(func(c *assay.Check) { c.Over, c.Unit = nil, "MiB" })},
		{"no such row", "no row of trace times has machine = z", true, over(func(c *assay.Check) { c.Of.Where = where("machine", "z") })},
		{"no such column", "times has no joules", true, over(func(c *assay.Check) { c.Metric = "joules" })},
		{"no such trace", `no trace "other"`, true, over(func(c *assay.Check) { c.Trace = "other" })},
		{"a phase", "phase call, which a run has", true, over(func(c *assay.Check) { c.Phase = assay.Call })},
		{"a text", "program of trace times is no number", false, over(func(c *assay.Check) { c.Metric = "workload" })},
	} {
		rows := append([]row{
			{"e", "nop", "wasm", "run", 1}, {"e", "nop", "wasm", "run", 2},
			{"a", "nop", "even", "run", 1}, {"b", "nop", "odd", "run", 1},
		}, twice...)
		j, concerned, err := Judge(assay.Claim{ID: "c"}, Checks{c.check}, imported(t, assay.RoleMean, rows))
		if err != nil || j.Verdict != assay.NotTestable || j.Estimate != nil || !strings.Contains(j.Reason, c.want) || concerned == c.elsewhere {
			t.Errorf("%s: %s, concerned %v, %q, %v; want unsupported with %q", c.name, j.Verdict, concerned, j.Reason, err, c.want)
		}
	}
}

// Of several checks the first that the evidence can test is the one.
func TestFirstCheckThatFits(t *testing.T) {
	run := assay.Check{Metric: "wall_ns", Phase: assay.Call, Comparator: "<=", Value: 1, Unit: "s"}
	fits := over(func(c *assay.Check) { c.Note = "the table" })
	for _, checks := range []Checks{{run, fits}, {fits, run}, {run, fits, over(func(c *assay.Check) { c.Value = 99 })}} {
		j, concerned, err := Judge(assay.Claim{ID: "c"}, checks, imported(t, assay.RoleMean, twice))
		if err != nil || !concerned || j.Check.Note != "the table" {
			t.Errorf("%+v, %v, %v; want the check of the table", j.Check, concerned, err)
		}
	}
	j, concerned, err := Judge(assay.Claim{ID: "c"}, Checks{run}, imported(t, assay.RoleMean, twice))
	if err != nil || concerned || j.Verdict != assay.NotTestable {
		t.Errorf("%+v, %v, %v; want unsupported, and not concerned", j, concerned, err)
	}
}

// Samples of one treatment have a median, and two a ratio.
func TestSamplesOfAnImport(t *testing.T) {
	var rows []row
	for i, us := range ten {
		rows = append(rows, row{"a", "nop", "slow", "run", 2e-6 * float64(us)}, row{"a", "nop", "fast", "run", 1e-6 * float64(ten[(i+3)%10])})
	}
	check := assay.Check{Metric: "sample", Of: assay.Selection{Runtime: "fast"}, Comparator: "<=", Value: 1.09, Unit: "ms"}
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleSample, rows))
	if e := j.Estimate; err != nil || e == nil || math.Abs(e.Value-1.055) > 1e-9 || math.Abs(*e.Low-1.02) > 1e-9 || e.N != 10 {
		t.Errorf("%+v, %v; want 1.055 ms from 1.02", j, err)
	}
	check.Of, check.Over, check.Comparator, check.Value, check.Unit, check.Tolerance = assay.Selection{Runtime: "slow"}, &check.Of, "=", 2, "x", 0.1
	check.Over = &assay.Selection{Runtime: "fast"}
	j, _, err = Judge(assay.Claim{ID: "c"}, Checks{check}, imported(t, assay.RoleSample, rows))
	if e := j.Estimate; err != nil || e == nil || math.Abs(e.Value-2) > 1e-9 || j.Verdict != assay.Holds {
		t.Errorf("%+v, %v; want 2x", j, err)
	}
}

// A verdict that the host's noise could turn is none.
func TestNoiseMakesInconclusive(t *testing.T) {
	tr := made(t, processes(0, "w", "r", ten...)) // 1055 us [1020, 1090]
	for _, c := range []struct {
		value, floor float64
		want         assay.Verdict
	}{
		{1.2, 0, assay.Holds}, {1.2, 0.1, assay.Holds}, {1.2, 0.2, assay.Inconclusive},
		{1.0, 0, assay.Fails}, {1.0, 0.05, assay.Fails}, {1.0, 0.06, assay.Inconclusive},
		{1.05, 0.5, assay.Inconclusive},
	} {
		check := assay.Check{Metric: "wall_ns", Comparator: "<=", Value: c.value, Unit: "ms"}
		j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: tr, Noise: certified(assay.Process, c.floor)})
		spans := 1.02 <= c.value && c.value < 1.09 // noise could not turn that
		if err != nil || j.Verdict != c.want || j.Noise.IsZero() != spans || !spans && j.Floor != c.floor {
			t.Errorf("<= %v ms with a floor of %v: %s (%s), %v; want %s", c.value, c.floor, j.Verdict, j.Reason, err, c.want)
		}
	}
}

// certified is a certificate of noise in a phase.
func certified(phase assay.Phase, floor float64) []Certificate {
	return []Certificate{{Manifest: assay.DigestOf([]byte(phase)), Noise: assay.Noise{
		Workload: "nothing", Runtime: "wazero", Phase: phase, Floors: []assay.NoiseFloor{{Metric: "wall_ns", Floor: floor, N: 300}},
	}}}
}

// Noise counts in the phase that it was measured in, wherever the check says its
// phase; and that it is not known is said.
func TestNoiseIsOfAPhase(t *testing.T) {
	calls := slices.Repeat([][]int64{{5000, 5000, 5000}}, 10)
	tr := made(t, withCalls(processes(0, "w", "r", ten...), calls...))
	const unknown = `; how much equal treatments differ on its host in wall_ns of phase call is not known: "assay host noise" there measures it`
	const known = "; equal treatments differ by up to 50% on its host (nothing on wazero, n 300)"
	for _, check := range []assay.Check{
		{Metric: "wall_ns", Phase: assay.Call, Comparator: "<=", Value: 6, Unit: "us"},
		{Metric: "wall_ns", Of: assay.Selection{Phase: assay.Call}, Comparator: "<=", Value: 6, Unit: "us"},
	} {
		for _, c := range []struct {
			noise []Certificate
			want  assay.Verdict
			says  string
		}{
			{nil, assay.Holds, unknown},
			{certified(assay.Process, 0.5), assay.Holds, unknown},
			{certified(assay.Call, 0.5), assay.Inconclusive, known + ", and with that it is [3.333, 7.5]: too near to the bound to tell"},
			{append(certified(assay.Process, 0), certified(assay.Call, 0.5)...), assay.Inconclusive, known},
			{certified(assay.Call, 0.1), assay.Holds, "; equal treatments differ by up to 10% on its host (nothing on wazero, n 300)"},
		} {
			j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: tr, Noise: c.noise})
			if err != nil || j.Verdict != c.want || !strings.Contains(j.Reason, c.says) {
				t.Errorf("%+v with %+v: %s: %s, %v; want %s and %q", check, c.noise, j.Verdict, j.Reason, err, c.want, c.says)
			}
		}
	}
	check := assay.Check{Metric: "output_bytes", Comparator: "<=", Value: 6, Unit: "bytes"}
	if j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: tr}); err != nil || strings.Contains(j.Reason, "differ") {
		t.Errorf("sizes have no noise: %s, %v", j.Reason, err)
	}
}

func TestPhasesOfARunAreNotDivided(t *testing.T) {
	tr := made(t, withCalls(processes(0, "w", "r", ten...), make([][]int64, 10)...))
	check := assay.Check{Metric: "wall_ns", Of: assay.Selection{Phase: assay.Process}, Over: &assay.Selection{Phase: assay.Call}, Comparator: ">=", Value: 1, Unit: "x"}
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: tr})
	if err != nil || j.Verdict != assay.NotTestable || !strings.Contains(j.Reason, "what these span is not the same") {
		t.Errorf("%s: %s, %v", j.Verdict, j.Reason, err)
	}
}

// Pairs of a run are its workloads or parameters.
func TestPairsOfARun(t *testing.T) {
	var samples []assay.Sample
	for i, factor := range []int64{2, 4, 8} {
		var slow []int64
		for _, us := range ten {
			slow = append(slow, factor*us)
		}
		w := fmt.Sprint("w", i)
		samples = append(samples, processes(int32(2*i), w, "slow", slow...)...)
		samples = append(samples, processes(int32(2*i+1), w, "fast", ten...)...)
	}
	samples = append(samples, processes(6, "alone", "slow", ten...)...)
	check := assay.Check{Metric: "wall_ns", Of: assay.Selection{Runtime: "slow"}, Over: &assay.Selection{Runtime: "fast"}, Pair: []string{"workload"}, Comparator: ">=", Value: 1, Unit: "x"}
	j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: made(t, samples)})
	if e := j.Estimate; err != nil || e == nil || math.Abs(e.Value-4) > 1e-9 || e.N != 3 || !strings.Contains(j.Reason, "left out: alone: no trial") {
		t.Errorf("%+v, %v; want 4 over 3 pairs", j, err)
	}
	check.Pair = []string{"colour"}
	if j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: made(t, samples)}); err != nil || !strings.Contains(j.Reason, `no "colour" to pair by`) {
		t.Errorf("by colour: %+v, %v", j, err)
	}
}

// Two labels of one treatment: the floor is small, seeded, and at least the
// difference that was seen; of calls, that of the invocations' medians.
func TestFloors(t *testing.T) {
	var samples []assay.Sample
	for i := range int32(40) {
		for k, label := range []string{"A1", "A2"} {
			us := 1000 + (7*int64(i)+3*int64(k))%50
			all := withCalls(processes(int32(k), "w", "r", us), []int64{1, 1000 * us, 1 << 40})
			for n := range all {
				all[n].Block, all[n].Seq, all[n].Params = i, int64(2*i)+int64(k), map[string]string{"label": label}
			}
			samples = append(samples, all...)
		}
	}
	samples[0].RSSBytes = nil
	tr := made(t, samples, "label")
	var first assay.NoiseFloor
	for _, phase := range []assay.Phase{assay.Process, assay.Call} {
		floors, err := Floors(tr, phase, "label", "A1", "A2")
		if err != nil || len(floors) != 1 || floors[0].Metric != "wall_ns" || floors[0].N != 40 {
			t.Fatalf("%s: %+v, %v; want one floor, of wall_ns: memory is not known of all", phase, floors, err)
		}
		f := floors[0]
		if seen := math.Exp(math.Abs(math.Log(f.Ratio))) - 1; f.Floor < seen-1e-12 || f.Floor > 0.05 || !(f.Low <= f.Ratio && f.Ratio <= f.High) {
			t.Errorf("%s: %+v; want at least %v and at most 5%%", phase, f, seen)
		}
		if again, _ := Floors(tr, phase, "label", "A1", "A2"); again[0] != f {
			t.Errorf("%s: %+v, then %+v", phase, f, again[0])
		}
		if phase == assay.Process {
			first = f
		} else if f != first {
			t.Errorf("the medians of the calls are the processes' times, and give %+v, not %+v", f, first)
		}
	}
	if _, err := Floors(made(t, samples[:150], "label"), assay.Process, "label", "A1", "A2"); err == nil {
		t.Error("18 blocks gave a floor")
	}
}

// Of several A/A pairs each metric has the floor of that which differs most in
// it.
func TestControlOfEachMetric(t *testing.T) {
	var samples []assay.Sample
	for i := range int32(40) {
		for k, runtime := range []string{"r", "r" + assay.ControlSuffix} {
			for n, w := range []string{"slow", "large"} {
				s := processes(int32(2*n+k), w, runtime, 1000)[0]
				s.Block, s.Seq = i, 4*int64(i)+int64(2*n+k)
				wall, rss := int64(1e6), int64(1e6)
				if k == 1 { // each pair differs in one
					wall, rss = wall+100_000*int64(1-n), rss+100_000*int64(n)
				}
				s.WallNS, s.RSSBytes = &wall, &rss
				samples = append(samples, s)
			}
		}
	}
	got, err := Control(made(t, samples), assay.Process)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, n := range got {
		of[n.Floors[0].Metric] = n.Workload
	}
	if of["wall_ns"] != "slow" || of["peak_rss_bytes"] != "large" {
		t.Errorf("pairs %v, want that of slow for times and that of large for memory", of)
	}
}

// An A/A pair in a run is how much equal treatments differ there, rather than
// the certificate of its host; and nothing else is judged by its second half.
func TestControl(t *testing.T) {
	pair := func(blocks int) *trace.Trace {
		var samples []assay.Sample
		for i := range int32(blocks) {
			for k, runtime := range []string{"r", "r" + assay.ControlSuffix} {
				us := 1000 + (7*int64(i)+3*int64(k))%50
				one := processes(int32(k), "w", runtime, us)[0]
				one.Block, one.Seq = i, 2*int64(i)+int64(k)
				compile := one
				compile.Phase = assay.Compile
				samples = append(samples, one, compile)
			}
		}
		return made(t, samples)
	}
	for _, c := range []struct {
		blocks int
		phase  assay.Phase
		says   string
	}{
		{40, assay.Process, "equal treatments differ by up to 0.4412% in it (w on r, n 40)"},
		{40, assay.Compile, "equal treatments differ by up to 0.4412% in it (w on r, n 40)"},
		{19, assay.Process, "equal treatments differ by up to 50% on its host"},
		{19, assay.Compile, "of phase compile is not known: control: true in the protocol measures it in the run itself"},
	} {
		check := assay.Check{Metric: "wall_ns", Phase: c.phase, Comparator: "<=", Value: 9, Unit: "ms"}
		j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: pair(c.blocks), Noise: certified(assay.Process, 0.5)})
		if err != nil || j.Verdict != assay.Holds || !strings.Contains(j.Reason, c.says) {
			t.Errorf("%d blocks, %s: %s: %s, %v; want that it holds and %q", c.blocks, c.phase, j.Verdict, j.Reason, err, c.says)
		}
	}
}
