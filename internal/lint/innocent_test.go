package lint

import (
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
