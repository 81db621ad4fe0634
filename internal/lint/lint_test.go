package lint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

const seeds = 40 // clean data sets of each kind

func TestCleanDataHaveNoFindings(t *testing.T) {
	for seed := range uint64(seeds) {
		for name, s := range clean(seed) {
			for _, f := range look(t, Options{}, s) {
				t.Errorf("seed %d: clean %s: %s %s: %s", seed, name, f.Severity, f.Rule, f.Says)
			}
		}
	}
}

// A test of chance, such as that for drift, errs in so many of 1000 clean
// tables at most as docs/lint.md says: one.
func TestFalseAlarmsAreRare(t *testing.T) {
	const tables, most = 1000, 4 // more than 4 have a probability of 0.004 if 1 is expected
	for name, make := range map[string]func(seed uint64) []row{
		"starts":                       started,
		"20 systems, 6 processes of 6": func(seed uint64) []row { return steady(seed, 20, 6, 6) },
		"2 systems, 6 processes of 40": func(seed uint64) []row { return steady(seed, 2, 6, 40) },
	} {
		alarms := 0
		for seed := range uint64(tables) {
			for _, f := range look(t, Options{}, subject(made("", make(seed+seeds)))) {
				t.Logf("%s, seed %d: %s: %s", name, seed+seeds, f.Rule, f.Says)
				alarms++
			}
		}
		if alarms > most {
			t.Errorf("%s: %d findings in %d clean tables, want %d at most", name, alarms, tables, most)
		}
	}
}

// steady makes clean samples of so many systems, processes and calls of each,
// that spread by a fifth.
func steady(seed uint64, systems, processes, calls int) (rows []row) {
	random := rand.New(rand.NewPCG(seed, 7))
	for who := range systems {
		for again := range processes {
			for it := range calls {
				rows = append(rows, row{"who": fmt.Sprint(who), "again": int64(again), "it": int64(it), "t": 1000 * math.Exp(0.2*random.NormFloat64())})
			}
		}
	}
	return rows
}

// What can be found depends on the number of samples and of series: half of
// them ten times slower, from so many on as docs/lint.md says.
func TestFewestSamplesOfAFinding(t *testing.T) {
	for systems, fewest := range map[int]int{1: 16, 100: 22} {
		for _, calls := range []int{fewest - 1, fewest} {
			rows := change(steady(1, systems, 1, calls), func(r row) bool { return r["who"] == "0" && r["it"].(int64) < int64(calls)/2 }, func(r row) { r["t"] = r["t"].(float64) * 10 })
			if found := look(t, Options{Rules: []string{"drift"}}, subject(made("", rows))); len(found) != calls-fewest+1 {
				t.Errorf("%d systems of %d calls: %d findings, want %d", systems, calls, len(found), calls-fewest+1)
			}
		}
	}
}

func look(t *testing.T, o Options, subjects ...Subject) []assay.Finding {
	t.Helper()
	found, err := Lint(subjects, o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Each defect is put into clean data and is found: it, where it is, and
// nothing else.
func TestInjectedDefects(t *testing.T) {
	results := func(rows []row) []Subject { return []Subject{subject(made("results", rows))} }
	starts := func(rows []row) []Subject { return []Subject{subject(made("", rows))} }
	for _, c := range []struct {
		name     string
		inject   func(seed uint64) []Subject
		options  Options
		rule     string
		severity assay.Severity
		where    []assay.Fact
		number   float64
		within   float64 // so much of number, where chance moves it; else 0.02
	}{
		{"latencies doubled", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["r"] = r["r"].(float64) * 2 }))
		}, Options{}, "little", assay.SeverityError, ant, 2, 0},
		{"latencies in microseconds", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["r"] = r["r"].(float64) * 1000 }))
		}, Options{}, "little", assay.SeverityError, ant, 1000, 0},
		{"latencies corrected", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["r"] = r["r"].(float64) * (1.2 + 0.1*float64(r["again"].(int64))) }))
		}, Options{}, "little", assay.SeverityWarning, ant, 1.55, 0},
		{"latencies halved", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["r"] = r["r"].(float64) / 2 }))
		}, Options{}, "little", assay.SeverityError, ant, 0.5, 0},
		{"interval added up", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("bee"), func(r row) { r["gap"] = r["gap"].(float64) * 4 }))
		}, Options{}, "little", assay.SeverityError, bee, 4, 0},
		{"rates added up", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["took"] = r["took"].(float64) * 1.2 }))
		}, Options{}, "overrate", assay.SeverityError, ant, 1.2, 0},
		{"rates added up a little", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["took"] = r["took"].(float64) * 1.02 }))
		}, Options{}, "overrate", assay.SeverityWarning, ant, 1.02, 0},
		{"one answer for every function", func(seed uint64) []Subject {
			rows := sweep(seed)
			small := map[[3]int64]float64{}
			for _, r := range rows {
				if r["who"] == "ant" && r["what"] == "small" {
					small[[3]int64{r["threads"].(int64), r["inflight"].(int64), r["again"].(int64)}] = r["x"].(float64)
				}
			}
			return results(change(rows, is("ant"), func(r row) {
				rated(r, small[[3]int64{r["threads"].(int64), r["inflight"].(int64), r["again"].(int64)}]*(1+0.01*float64(len(r["what"].(string))-5)), 301)
			}))
		}, Options{}, "responses", assay.SeverityError, ant, 301, 0},
		{"every second answer is short", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return is("ant")(r) && r["what"] == "large" && r["again"].(int64)%2 == 0 },
				func(r row) { r["in"] = r["in"].(float64) / 2 }))
		}, Options{}, "responses", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}, {Name: "site", Value: "here"}, {Name: "what", Value: "large"}}, 0.667, 0},
		{"times below zero", func(seed uint64) []Subject {
			return starts(change(started(seed), func(r row) bool { return is("ant")(r) && r["blk"] == int64(7) }, func(r row) { r["t"] = -1. }))
		}, Options{}, "impossible", assay.SeverityError, []assay.Fact{{Name: "who", Value: "ant"}}, -1, 0},
		{"samples of one process", func(seed uint64) []Subject {
			rows := keep(called(seed), func(r row) bool { return r["again"] == int64(0) })
			for _, r := range rows {
				delete(r, "again")
			}
			return starts(keep(rows, is("ant")))
		}, Options{}, "replicates", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 1, 0},
		{"requests of one test", func(seed uint64) []Subject {
			var rows []row
			for i := range 50 {
				rows = append(rows, row{"who": "ant", "it": int64(i), "r": 1 + float64(i%7)/10})
			}
			return starts(rows)
		}, Options{}, "replicates", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 1, 0},
		{"requests fail", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return is("ant")(r) && r["what"] == "large" }, func(r row) { r["lost"] = int64(20000) }))
		}, Options{}, "failures", assay.SeverityError, []assay.Fact{{Name: "who", Value: "ant"}, {Name: "site", Value: "here"}, {Name: "what", Value: "large"}}, 0.2, 0},
		{"a test that did not end", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return is("bee")(r) && r["inflight"] == int64(16) && r["again"] == int64(1) },
				func(r row) { r["x"], r["took"], r["r"], r["gap"], r["in"] = 0., 0., 0., 0., 0. }))
		}, Options{Ignore: []string{"replicates"}}, "failures", assay.SeverityWarning, bee, 6, 0},
		{"three repetitions", func(seed uint64) []Subject {
			return results(keep(sweep(seed), func(r row) bool { return !is("ant")(r) || r["again"].(int64) <= 3 }))
		}, Options{}, "replicates", assay.SeverityWarning, ant, 3, 0},
		{"one repetition", func(seed uint64) []Subject {
			return results(keep(sweep(seed), func(r row) bool { return !is("ant")(r) || r["again"].(int64) <= 1 }))
		}, Options{}, "replicates", assay.SeverityWarning, ant, 1, 0},
		{"one process", func(seed uint64) []Subject {
			return starts(keep(called(seed), func(r row) bool { return !is("ant")(r) || r["again"] == int64(0) }))
		}, Options{}, "replicates", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 1, 0},
		{"other loads", func(seed uint64) []Subject {
			return results(keep(sweep(seed), func(r row) bool { return !is("ant")(r) || r["inflight"].(int64) < 8 }))
		}, Options{}, "grids", assay.SeverityWarning, nil, 3, 0},
		{"other requests", func(seed uint64) []Subject {
			return results(change(sweep(seed), is("ant"), func(r row) { r["n"], r["took"] = int64(50000), round(r["took"].(float64)/2, 4) }))
		}, Options{}, "grids", assay.SeverityWarning, nil, 5, 0},
		{"other requests at some loads", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return is("ant")(r) && r["inflight"].(int64) < 16 },
				func(r row) { r["n"], r["took"] = int64(50000), round(r["took"].(float64)/2, 4) }))
		}, Options{}, "grids", assay.SeverityWarning, nil, 5, 0},
		{"a poll of 5 ms", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return is("ant")(r) && r["inflight"].(int64) <= 4 && r["threads"] == int64(4) },
				func(r row) {
					rated(r, float64(r["inflight"].(int64))/0.005*(1+0.001*float64(r["again"].(int64))), r["in"].(float64)*1024/r["x"].(float64))
				}))
		}, Options{}, "quantum", assay.SeverityError, ant, 5, 0},
		{"load beyond saturation", func(seed uint64) []Subject {
			rows := sweep(seed)
			for _, r := range slices.Clone(rows) {
				if r["inflight"] == int64(16) {
					more := row{}
					for k, v := range r {
						more[k] = v
					}
					more["inflight"], more["r"] = int64(64), round(r["r"].(float64)*4, 3)
					rows = append(rows, more)
				}
			}
			return results(keep(rows, func(r row) bool { return is("ant")(r) }))
		}, Options{}, "saturation", assay.SeverityWarning, ant, 4, 0},
		{"cores of one, threads of the other", func(seed uint64) []Subject {
			return []Subject{subject(made("monitor", change(watched(seed), is("ant"), func(r row) { r["busy"] = round(r["busy"].(float64)*1.4, 1) })))}
		}, Options{}, "metric", assay.SeverityWarning, nil, 1.4, 0},
		{"cycles and nanoseconds", func(seed uint64) []Subject {
			a, b := started(seed), started(seed)
			cycles := made("", keep(b, is("bee")))
			for _, v := range cycles.Columns {
				if v.Role == assay.RoleSample {
					v.Unit = "cycles"
				}
			}
			return []Subject{subject(made("", keep(a, is("ant")))), {Name: "other", Traces: []Trace{cycles}}}
		}, Options{}, "metric", assay.SeverityError, nil, 2, 0},
		{"other scope", func(seed uint64) []Subject {
			return starts(change(started(seed), is("ant"), func(r row) { r["span"] = "instantiate" }))
		}, Options{}, "scope", assay.SeverityError, nil, 2, 0},
		{"an interpreter", func(seed uint64) []Subject {
			return starts(change(started(seed), is("ant"), func(r row) { r["how"] = "interpreter" }))
		}, Options{}, "mode", assay.SeverityNote, nil, 2, 0},
		{"unknown caches", func(seed uint64) []Subject {
			return starts(change(started(seed), func(row) bool { return true }, func(r row) { delete(r, "store") }))
		}, Options{}, "cache", assay.SeverityNote, nil, 2, 0},
		{"warm caches", func(seed uint64) []Subject {
			return starts(change(started(seed), is("ant"), func(r row) { r["store"] = "warm" }))
		}, Options{}, "cache", assay.SeverityError, nil, 2, 0},
		{"warm-up", func(seed uint64) []Subject {
			return starts(change(called(seed), func(r row) bool { return is("ant")(r) && r["it"].(int64) < 15 }, func(r row) { r["t"] = r["t"].(float64) * 1.3 }))
		}, Options{}, "drift", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 0.3, 0.2},
		{"a slow first call", func(seed uint64) []Subject {
			return starts(change(called(seed), func(r row) bool { return is("ant")(r) && r["it"].(int64) == 0 }, func(r row) { r["t"] = r["t"].(float64) * 2 }))
		}, Options{}, "drift", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 1, 0.1},
		{"a bad block", func(seed uint64) []Subject {
			return starts(change(started(seed), func(r row) bool { return r["blk"] == int64(7) }, func(r row) { r["t"] = r["t"].(float64) * 1.6 }))
		}, Options{}, "block", assay.SeverityWarning, []assay.Fact{{Name: "span", Value: "process"}}, 1.6, 0.1},
		{"a clock of 0.4 ms", func(seed uint64) []Subject {
			return starts(change(started(seed), is("ant"), func(r row) { r["t"] = 400 * math.Round(r["t"].(float64)/400) }))
		}, Options{}, "clock", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 0.25, 0},
		{"means alone", func(seed uint64) []Subject {
			var rows []row
			for i, r := range started(seed)[:8] {
				rows = append(rows, row{"who": r["who"], "what": r["what"], "threads": int64(i), "avg": r["t"].(float64) / 1e6})
			}
			return starts(keep(rows, is("ant")))
		}, Options{}, "replicates", assay.SeverityWarning, []assay.Fact{{Name: "who", Value: "ant"}}, 0, 0},
		{"an effect under the noise", func(seed uint64) []Subject {
			near := made("", change(started(seed), is("ant"), func(r row) { r["t"] = round(r["t"].(float64)*2.24, 1) }))
			near.Noise = 0.25
			return []Subject{subject(near)}
		}, Options{}, "noise", assay.SeverityNote, nil, 0.12, 0.25},
		{"a crowd", func(seed uint64) []Subject {
			return results(change(sweep(seed), func(r row) bool { return r["inflight"] == int64(16) }, func(r row) { r["site"], r["lost"] = []string{"here", "there"}[r["threads"].(int64)/4], int64(100000) }))
		}, Options{Rules: []string{"failures"}}, "failures", assay.SeverityError, []assay.Fact{}, 0.111, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(seeds) {
				found := look(t, c.options, c.inject(seed)...)
				if len(found) != 1 || found[0].Rule != c.rule || found[0].Severity != c.severity {
					for _, f := range found {
						t.Logf("%s %s: %s", f.Severity, f.Rule, f.Says)
					}
					t.Fatalf("seed %d: %d findings, want one %s of %s", seed, len(found), c.severity, c.rule)
				}
				f := found[0]
				if where := f.Where; c.where != nil && !slices.Equal(where, c.where) {
					t.Fatalf("seed %d: in %v, want %v", seed, where, c.where)
				}
				if f.Number == nil || math.Abs(f.Number.Value-c.number) > max(c.within, 0.02)*math.Abs(c.number) {
					t.Fatalf("seed %d: number %+v, want %v", seed, f.Number, c.number)
				}
				if f.Says == "" || f.Effect == "" || f.Remedy == "" || f.Rows == 0 || f.Of < f.Rows || len(f.Examples) == 0 {
					t.Fatalf("seed %d: %+v lacks something", seed, f)
				}
			}
		})
	}
}

var (
	ant = []assay.Fact{{Name: "who", Value: "ant"}, {Name: "site", Value: "here"}}
	bee = []assay.Fact{{Name: "who", Value: "bee"}, {Name: "site", Value: "here"}}
)

func is(who string) func(row) bool { return func(r row) bool { return r["who"] == who } }

func change(rows []row, these func(row) bool, how func(row)) []row {
	for _, r := range rows {
		if these(r) {
			how(r)
		}
	}
	return rows
}

func keep(rows []row, these func(row) bool) []row {
	return slices.DeleteFunc(rows, func(r row) bool { return !these(r) })
}

// A factor in a part of the rows is the factor of these.
func TestLittleInAPart(t *testing.T) {
	for part, these := range map[string]func(row) bool{
		"one function":        func(r row) bool { return r["what"] == "small" },
		"two of three":        func(r row) bool { return r["what"] != "small" },
		"half of the repeats": func(r row) bool { return r["again"].(int64) <= 3 },
		"one load and repeat": func(r row) bool { return r["inflight"] == int64(4) && r["again"].(int64) <= 2 },
	} {
		rows := change(sweep(1), func(r row) bool { return is("ant")(r) && these(r) }, func(r row) { r["r"] = r["r"].(float64) * 2 })
		found := look(t, Options{}, subject(made("results", rows)))
		if len(found) != 1 || found[0].Rule != "little" || found[0].Severity != assay.SeverityError || math.Abs(found[0].Number.Value-2) > 0.01 ||
			!strings.Contains(found[0].Says, "a factor of 2") {
			t.Errorf("%s: %+v, want an error of a factor of 2", part, found)
		}
	}
	rows := change(sweep(1), func(r row) bool { return is("ant")(r) && r["inflight"] == int64(4) }, func(r row) { r["r"] = r["r"].(float64) * 1.3 })
	if found := look(t, Options{}, subject(made("results", rows))); len(found) != 1 || found[0].Severity != assay.SeverityWarning {
		t.Errorf("a fifth of the rows off by 1.3: %+v, want a warning", found)
	}
}

// Failures that no request counts are a number, not a share.
func TestFailuresWithoutRequests(t *testing.T) {
	for says, rows := range map[string][]row{
		"all 2966 attempts failed: there is no answer":                                                             {{"n": int64(0), "lost": int64(2966), "x": 0.}},
		"30 failed beside 20 requests: not all that failed is counted as a request, or one of the counts is wrong": {{"n": int64(20), "lost": int64(30), "x": 1.}},
	} {
		found := look(t, Options{Rules: []string{"failures"}}, subject(made("", rows)))
		if len(found) != 1 || found[0].Says != says || found[0].Severity != assay.SeverityError || found[0].Number.N == 0 || found[0].Number.Value == 0 {
			t.Errorf("%+v, want %q", found, says)
		}
	}
}

// A throughput of no requests, or in no time, is none.
func TestRateOfNothing(t *testing.T) {
	for column, zero := range map[string]any{"n": int64(0), "took": 0.} {
		rows := change(sweep(1), func(r row) bool { return is("ant")(r) && r["inflight"] == int64(4) && r["again"] == int64(1) }, func(r row) { r[column] = zero })
		found := look(t, Options{Rules: []string{"impossible"}}, subject(made("", rows)))
		if len(found) != 1 || found[0].Severity != assay.SeverityError || found[0].Rows != 6 {
			t.Errorf("%s is 0: %+v, want an error in 6 rows", column, found)
		}
	}
}

// Modes are words, however they are written.
func TestModesInCapitals(t *testing.T) {
	rows := change(started(1), is("ant"), func(r row) { r["how"] = "Interpreter" })
	if found := look(t, Options{Rules: []string{"mode"}}, subject(made("", rows))); len(found) != 1 {
		t.Errorf("found %+v, want an interpreter beside compiled code", found)
	}
}

// What failed in a table of run times was refused by nobody.
func TestFailuresOfRuns(t *testing.T) {
	for _, load := range []bool{false, true} {
		rows := change(started(1), func(r row) bool { return is("ant")(r) && r["blk"] == int64(2) }, func(r row) { r["end"] = "failed" })
		if load {
			change(rows, func(row) bool { return true }, func(r row) { r["r"] = 1. })
		}
		found := look(t, Options{Rules: []string{"failures"}}, subject(made("", rows)))
		if len(found) == 0 || strings.Contains(found[0].Effect, "refused") != load {
			t.Errorf("of a load test %v: %+v", load, found)
		}
	}
}
