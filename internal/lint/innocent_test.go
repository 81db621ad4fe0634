package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// What looks like a defect and is none is not found.
func TestInnocent(t *testing.T) {
	for name, c := range map[string]struct {
		rule     string
		subjects []Subject
	}{
		"a scope that two share and one does not say": {"scope", []Subject{subject(made("", []row{
			{"who": "ant", "t": 1., "span": ""}, {"who": "bee", "t": 1., "span": "process"}, {"who": "cat", "t": 1., "span": "process"}, {"who": "cat", "t": 1., "span": "call"}}))}},
		"answers as large as a factor says": {"responses", []Subject{subject(made("", change(sweep(1), func(row) bool { return true },
			func(r row) { r["in"] = r["in"].(float64) * float64(r["threads"].(int64)) })))}},
	} {
		for _, f := range look(t, Options{Rules: []string{c.rule}}, c.subjects...) {
			t.Errorf("%s: %s %s: %s", name, f.Severity, f.Rule, f.Says)
		}
	}
}

// Only a mean follows Little's law: a latency that is not said to be one is not
// looked at.
func TestLittleWantsAMean(t *testing.T) {
	for meaning, want := range map[string]int{
		"mean time of a request": 1, "time per request, a mean": 1, "Average latency": 1, "mean latency in minutes": 1,
		"": 0, "latency": 0, "99% of the requests took at most this": 0, "p99 latency": 0, "mean of the p99s": 0, "average of the 99th percentiles": 0,
		"mean of the maxima": 0, "mean, corrected for late sends": 0, "what it is meant to be": 0,
	} {
		doubled := made("", change(sweep(1), is("ant"), func(r row) { r["r"] = r["r"].(float64) * 2 }))
		columnNamed(doubled, "r").Meaning = meaning
		if found := look(t, Options{Rules: []string{"little"}}, subject(doubled)); len(found) != want {
			t.Errorf("meaning %q: %d findings, want %d", meaning, len(found), want)
		}
	}
}

func columnNamed(t Trace, name string) *trace.Values {
	for _, v := range t.Columns {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// Of two columns of a role, rounding is that of the one that is compared.
func TestRoundingOfTheColumnItself(t *testing.T) {
	columnsOf["a"] = trace.Column{Kind: trace.Int, Unit: "frames", Role: assay.RoleThroughput}
	defer delete(columnsOf, "a")
	rows := []row{{"a": int64(7), "x": 4., "n": int64(100), "took": 27.778}} // 3.6 a second, written as 4
	for _, f := range look(t, Options{Rules: []string{"overrate"}}, subject(made("", rows))) {
		t.Errorf("%s: %s", f.Rule, f.Says)
	}
}

// Processor use is compared in one unit, and with no processor time.
func TestUseAndTimeOfProcessors(t *testing.T) {
	used := func(name, unit string, scale float64) Subject {
		monitor := made("", change(keep(watched(1), is(name)), is(name), func(r row) { r["busy"] = r["busy"].(float64) * scale }))
		columnNamed(monitor, "busy").Unit = unit
		return Subject{Name: name, Traces: []Trace{monitor}}
	}
	for unit, want := range map[string][]assay.Severity{"%": {assay.SeverityWarning}, "cores": {assay.SeverityError}, "s": nil} {
		var got []assay.Severity
		for _, f := range look(t, Options{}, used("ant", "%", 1), used("bee", unit, 1.4)) {
			got = append(got, f.Severity)
		}
		if !slices.Equal(got, want) {
			t.Errorf("use in %% and in %s: %v, want %v", unit, got, want)
		}
	}
}

// A system that is in several pairs is counted once, and numbers that were
// computed say nothing of a tool.
func TestNoiseCountsRowsOnce(t *testing.T) {
	rows := change(started(1), func(row) bool { return true }, func(r row) {
		r["t"] = round(1500+10*float64(r["blk"].(int64)%3)+40*float64(len(r["what"].(string)))*map[string]float64{"ant": 1, "bee": 2}[r["who"].(string)], 1)
		r["who"], r["what"] = r["who"].(string)+r["what"].(string), "one"
	})
	all := made("", rows)
	all.Noise = 0.5
	found := look(t, Options{Rules: []string{"noise"}}, subject(all))
	if len(found) != 1 || found[0].Rows != len(rows) || found[0].Number.N != 4 {
		t.Errorf("found %+v, want all %d rows and 4 pairs", found, len(rows))
	}
}

// Equal numbers of replicates of several treatments need not have been taken
// together, blocks were.
func TestBlockOfReplicates(t *testing.T) {
	for role, want := range map[assay.Role]string{assay.RoleBlock: "blk 7 of 30 is 1.5", assay.RoleReplicate: "blk 7 of 30, of every treatment, is 1.5"} {
		bad := made("", change(started(1), func(r row) bool { return r["blk"] == int64(7) }, func(r row) { r["t"] = r["t"].(float64) * 1.55 }))
		columnNamed(bad, "blk").Role = role
		found := look(t, Options{Rules: []string{"block"}}, subject(bad))
		if len(found) != 1 || !strings.HasPrefix(found[0].Says, want) || strings.Contains(found[0].Effect, "host") != (role == assay.RoleBlock) {
			t.Errorf("%s: %+v, want %q", role, found, want)
		}
	}
}

// What many decimals a computed number has says nothing of the tool.
func TestDecimalsOfComputedNumbers(t *testing.T) {
	for decimals, want := range map[int]bool{2: true, 17: false} {
		monitor := made("", change(watched(1), is("ant"), func(r row) { r["busy"] = round(r["busy"].(float64)*1.4+1./3, decimals) }))
		found := look(t, Options{Rules: []string{"metric"}}, subject(monitor))
		if len(found) != 1 || strings.Contains(found[0].Says, "another tool") != want {
			t.Errorf("%d decimals: %+v", decimals, found)
		}
	}
}

// Statuses weigh what they count, those that nobody knows nothing, and a
// redirect is no good answer.
func TestFailuresByStatus(t *testing.T) {
	columnsOf["code"] = trace.Column{Kind: trace.Int, Role: assay.RoleStatus}
	defer delete(columnsOf, "code")
	for name, c := range map[string]struct {
		rows  []row
		null  []bool
		share float64
		of    int // requests
	}{
		"counted":  {[]row{{"code": int64(200), "n": int64(134)}, {"code": int64(500), "n": int64(26)}}, nil, 26. / 160, 160},
		"unknown":  {[]row{{"code": int64(0)}, {"code": int64(0)}, {"code": int64(500)}, {"code": int64(200)}}, []bool{true, true, false, false}, 0.5, 2},
		"redirect": {[]row{{"code": int64(302), "end": "ok"}, {"code": int64(200), "end": "ok"}}, nil, 0.5, 2},
		"timeout":  {[]row{{"code": int64(200), "end": "timeout"}, {"code": int64(200), "end": "ok"}}, nil, 0.5, 2},
	} {
		statuses := made("", c.rows)
		columnNamed(statuses, "code").Null = c.null
		found := look(t, Options{Rules: []string{"failures"}}, subject(statuses))
		if len(found) != 1 || found[0].Number.Value != c.share || found[0].Number.N != c.of || found[0].Rows > found[0].Of {
			t.Errorf("%s: %+v, want a share of %v of %d", name, found, c.share, c.of)
		}
	}
}

// Of samples of one test there is no interval.
func TestNoIntervalOfOneTest(t *testing.T) {
	for _, again := range []bool{false, true} {
		rows := change(keep(sweep(1), is("ant")), is("ant"), func(r row) { r["r"], r["it"] = r["r"].(float64)*2, int64(1) })
		for _, r := range rows {
			if !again {
				delete(r, "again")
			}
		}
		found := look(t, Options{Rules: []string{"little"}}, subject(made("", rows)))
		if len(found) != 1 || (found[0].Number.Low != nil) != again {
			t.Errorf("replicates %v: %+v", again, found)
		}
	}
}
