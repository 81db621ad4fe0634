// Package lint looks for defects in data that was measured by anybody, with no
// measurement of its own: numbers that contradict each other, comparisons of
// unlike things, effects that are too small for the samples. docs/lint.md has
// every rule with its formula, threshold and source.
//
// It is pure, reads the roles and units of columns and never the names of
// columns or files, and reads nothing into a column whose role or unit is not
// known: what cannot be judged is not found.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A Subject is what is looked at: an import, or a run by its RunTraces.
type Subject struct {
	Name   string // the reference it goes by
	Traces []Trace
}

// A Trace is one table of a subject. Its columns are equally long.
type Trace struct {
	Name    string // "" for the only one
	Columns []*trace.Values
	Noise   float64 // share by which the results of two equal treatments differ where they were measured: 0.03 is 3%; 0: not known
}

// Options say what is looked for.
type Options struct {
	Rules  []string `json:"rules,omitempty"`  // only these; none: all
	Ignore []string `json:"ignore,omitempty"` // not these
}

// A Rule is one kind of defect.
type Rule struct {
	Name  string // "little"
	Title string // one line for people
	look  func(rule string, tables []*table) []assay.Finding
}

// Rules lists the rules in the order of the docs.
func Rules() []Rule {
	return []Rule{
		{"impossible", "times, rates, sizes or counts below zero", each(impossible)},
		{"little", "latency, throughput and load contradict Little's law", each(little)},
		{"overrate", "more requests a second than requests by duration", each(overrate)},
		{"responses", "answers of one size where they should differ, or of many where they should not", each(responses)},
		{"failures", "requests or invocations without a good answer, tests without a result", each(failures)},
		{"replicates", "too few repetitions for an interval", replicates},
		{"grids", "compared systems were not given the same loads and requests", grids},
		{"metric", "one metric means two things", metric},
		{"quantum", "throughput is pinned to a poll interval or quantum", each(quantum)},
		{"saturation", "latency of a closed loop beyond saturation", each(saturation)},
		{"scope", "times of different scope are compared", scopes},
		{"mode", "an interpreter is compared with compiled code", modes},
		{"cache", "nobody knows whether caches were cold, or they were not alike", caches},
		{"drift", "samples drift: warm-up, or a trend", each(drift)},
		{"block", "one block or replicate is unlike the others", each(block)},
		{"clock", "the clock is too coarse for what it measured", each(clock)},
		{"noise", "an effect is under the noise of two equal treatments", each(noise)},
	}
}

// each is a rule that looks at one table at a time.
func each(look func(rule string, t *table) []assay.Finding) func(string, []*table) []assay.Finding {
	return func(rule string, tables []*table) (found []assay.Finding) {
		for _, t := range tables {
			found = append(found, look(rule, t)...)
		}
		return found
	}
}

// Lint returns what it finds: errors first, then in the order of the rules and
// subjects. Several subjects are compared with each other, too. A rule that
// Options names and that is not there is the error.
func Lint(subjects []Subject, o Options) ([]assay.Finding, error) {
	rules, err := chosen(o)
	if err != nil {
		return nil, err
	}
	var tables []*table
	for _, s := range subjects {
		for _, t := range s.Traces {
			tables = append(tables, newTable(s, t))
		}
	}
	var found []assay.Finding
	for _, r := range rules {
		found = append(found, once(crowded(r.look(r.Name, tables)))...)
	}
	slices.SortStableFunc(found, func(a, b assay.Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	return found, nil
}

func rank(s assay.Severity) int {
	return slices.Index([]assay.Severity{assay.SeverityError, assay.SeverityWarning, assay.SeverityNote}, s)
}

func chosen(o Options) ([]Rule, error) {
	rules := Rules()
	for _, name := range slices.Concat(o.Rules, o.Ignore) {
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Name == name }) {
			names := make([]string, len(rules))
			for i, r := range rules {
				names[i] = r.Name
			}
			return nil, fmt.Errorf("rule %q: want one of %s", name, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(rules, func(r Rule) bool {
		return len(o.Rules) > 0 && !slices.Contains(o.Rules, r.Name) || slices.Contains(o.Ignore, r.Name)
	}), nil
}

// once joins findings that differ in nothing but the trace that shows them:
// imports often hold the same numbers twice, as a table and in words.
func once(found []assay.Finding) []assay.Finding {
	var out []assay.Finding
	for _, f := range found {
		i := slices.IndexFunc(out, func(g assay.Finding) bool {
			return f.Subject == g.Subject && f.Trace != g.Trace && f.Severity == g.Severity && f.Says == g.Says && slices.Equal(f.Where, g.Where)
		})
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Trace += ", " + f.Trace
	}
	return out
}

const crowd = 6 // findings of a rule in one trace, more of which are said as one

// crowded joins the findings of a rule where there are too many to read.
func crowded(found []assay.Finding) (out []assay.Finding) {
	for len(found) > 0 {
		first := found[0]
		var alike, others []assay.Finding
		for _, f := range found {
			if f.Subject == first.Subject && f.Trace == first.Trace && f.Severity == first.Severity && f.Effect == first.Effect {
				alike = append(alike, f)
			} else {
				others = append(others, f)
			}
		}
		if len(alike) > crowd {
			alike = []assay.Finding{joined(alike)}
		}
		out, found = append(out, alike...), others
	}
	return out
}

// joined makes one finding of many: its number and examples are of the first.
func joined(alike []assay.Finding) assay.Finding {
	f := alike[0]
	f.Says = fmt.Sprintf("in %d conditions, the first of which is %s: %s", len(alike), words(f.Where), f.Says)
	f.Rows, f.Of = 0, 0
	for _, a := range alike {
		f.Rows, f.Of = f.Rows+a.Rows, f.Of+a.Of
		f.Where = slices.DeleteFunc(slices.Clone(f.Where), func(w assay.Fact) bool { return !slices.Contains(a.Where, w) })
	}
	return f
}
