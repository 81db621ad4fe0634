package lint

import (
	"math"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// Latencies of requests are looked at as samples are, and what is said to be a
// statistic of them is not.
func TestLatenciesAreSamples(t *testing.T) {
	every := func(row) bool { return true }
	scaled := func(by float64, these func(row) bool) func(seed uint64) []row {
		return func(seed uint64) []row {
			return change(called(seed), these, func(r row) { r["t"] = round(r["t"].(float64)*by, 1) })
		}
	}
	for rule, rows := range map[string]func(seed uint64) []row{
		"drift": scaled(1.5, func(r row) bool { return is("ant")(r) && r["it"].(int64) < 20 }),
		"clock": func(seed uint64) []row {
			return change(called(seed), every, func(r row) { r["t"] = 200 * math.Round(r["t"].(float64)/200+float64(r["it"].(int64)%3)) })
		},
		"block": scaled(1.5, func(r row) bool { return r["again"].(int64) == 3 }),
		"noise": scaled(1.1, is("bee")),
	} {
		for _, c := range []struct {
			role    assay.Role
			meaning string
			want    int
		}{{assay.RoleSample, "", 1}, {assay.RoleLatency, "of the request", 1}, {assay.RoleLatency, "99th percentile", 0}} {
			for _, beside := range []bool{false, true} { // a throughput that shows nothing
				all := rows(1)
				if beside {
					change(all, every, func(r row) { r["x"] = 100. })
				}
				data := made("", all)
				data.Noise = 0.2
				v := columnNamed(data, "t")
				v.Role, v.Meaning = c.role, c.meaning
				found := look(t, Options{Rules: []string{rule}}, subject(data))
				if rule == "drift" || rule == "clock" || rule == "block" { // one finding a condition
					found = slices.CompactFunc(found, func(a, b assay.Finding) bool { return a.Rule == b.Rule })
				}
				if len(found) != c.want {
					t.Errorf("%s of a %s %q, beside a throughput %v: %d findings, want %d", rule, c.role, c.meaning, beside, len(found), c.want)
				}
			}
		}
	}
}

// Requests that begin in one second are in no order, as of a tool that sorts
// them by what they took.
func TestOrderOfStarts(t *testing.T) {
	columnsOf["began"] = trace.Column{Kind: trace.Int, Unit: "s", Role: assay.RoleStart}
	defer delete(columnsOf, "began")
	for per, want := range map[int]int{1: 1, 200: 0} {
		var rows []row
		for i := range 200 {
			rows = append(rows, row{"who": "ant", "began": int64(i / per), "t": float64(100 + i)})
		}
		slices.Reverse(rows)
		if found := look(t, Options{Rules: []string{"drift"}}, subject(made("", rows))); len(found) != want {
			t.Errorf("%d requests a second: %d findings, want %d", per, len(found), want)
		}
	}
}
