package claims

import (
	"bytes"
	"fmt"
	"math"
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
	if j.Verdict != assay.Inconclusive || !strings.Contains(j.Reason, "over 3 pairs by machine (3), program, measured (2): only a part of the interval [0.7149, 22.38] is at least 1 x; n is 3, and more pairs would narrow it; the samples behind the means are gone, so n counts pairs; no file says the scope of 1") {
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
		noise := &assay.Noise{Phase: assay.Process, Floors: []assay.NoiseFloor{{Metric: "wall_ns", Floor: c.floor}}}
		check := assay.Check{Metric: "wall_ns", Comparator: "<=", Value: c.value, Unit: "ms"}
		j, _, err := Judge(assay.Claim{ID: "c"}, Checks{check}, Evidence{Run: tr, Noise: noise})
		if err != nil || j.Verdict != c.want || j.Floor != c.floor {
			t.Errorf("<= %v ms with a floor of %v: %s (%s), %v; want %s", c.value, c.floor, j.Verdict, j.Reason, err, c.want)
		}
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
// difference that was seen.
func TestFloors(t *testing.T) {
	var samples []assay.Sample
	for i := range int32(40) {
		for k, label := range []string{"A1", "A2"} {
			s := processes(int32(k), "w", "r", 1000+(7*int64(i)+3*int64(k))%50)[0]
			s.Block, s.Seq, s.Params = i, int64(2*i)+int64(k), map[string]string{"label": label}
			samples = append(samples, s)
		}
	}
	samples[0].RSSBytes = nil
	tr := made(t, samples, "label")
	floors, err := Floors(tr, "label", "A1", "A2")
	if err != nil || len(floors) != 1 || floors[0].Metric != "wall_ns" || floors[0].N != 40 {
		t.Fatalf("%+v, %v; want one floor, of wall_ns: memory is not known of all", floors, err)
	}
	f := floors[0]
	if seen := math.Exp(math.Abs(math.Log(f.Ratio))) - 1; f.Floor < seen-1e-12 || f.Floor > 0.05 || !(f.Low <= f.Ratio && f.Ratio <= f.High) {
		t.Errorf("%+v; want at least %v and at most 5%%", f, seen)
	}
	if again, _ := Floors(tr, "label", "A1", "A2"); again[0] != f {
		t.Errorf("%+v, then %+v", f, again[0])
	}
	if _, err := Floors(made(t, samples[:30], "label"), "label", "A1", "A2"); err == nil {
		t.Error("15 blocks gave a floor")
	}
}
