package claims

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// schema compiles docs/claims.schema.json.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("../../docs/claims.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid validates a YAML file by the schema.
func valid(t *testing.T, s *jsonschema.Schema, b []byte) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestLedger(t *testing.T) {
	b, err := Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Claims) != 41 {
		t.Errorf("%d claims, want 41", len(b.Claims))
	}
	s := schema(t)
	for name, text := range map[string][]byte{"ledger.yaml": ledger, "policy.yaml": policy} {
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var said struct{ Claims []map[string]any }
	if err := yaml.Unmarshal(ledger, &said); err != nil {
		t.Fatal(err)
	}
	for i, c := range b.Claims {
		if len(said.Claims[i]) != 17 {
			t.Errorf("%s: %d fields, want all 17, null where the source does not say", c.ID, len(said.Claims[i]))
		}
		if c.Quote == "" || c.Source == "" || c.SourceKind == "" || c.Subject == "" || c.Kind == "" {
			t.Errorf("%s: no quote, source or subject: %+v", c.ID, c)
		}
		if b.Needs[c.ID] == "" {
			t.Errorf("%s: the policy does not say what it needs", c.ID)
		}
		if c.Kind == "opinion" && (len(c.Value) > 0 || len(b.Checks[c.ID]) > 0) {
			t.Errorf("%s: an opinion with a number", c.ID)
		}
	}
}

// The ledger holds the facts of the shared list, word for word.
func TestLedgerCarriesTheFacts(t *testing.T) {
	text, err := os.ReadFile(tooltest.Shared(t, "claims.json"))
	if err != nil {
		t.Fatal(err)
	}
	var facts []struct{ ID, Subject, Quote, Conditions string }
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	b, err := Ledger()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		c, ok := b.Find(f.ID)
		if !ok || c.Subject != f.Subject || c.Quote != f.Quote || c.Conditions != f.Conditions {
			t.Errorf("%s: %+v, want %+v", f.ID, c, f)
		}
	}
	if len(facts) != len(b.Claims) {
		t.Errorf("%d claims, want %d", len(b.Claims), len(facts))
	}
}

func TestParseClaims(t *testing.T) {
	const whole = `
claims:
  - id: fast
    quote: up to 100x faster
    source: https://example.org/fast
    value: 100
    unit: x
    from: 2021-03-01
  - id: vague
    quote: blazingly fast
checks:
  vague: {instead: V8, metric: wall_ns, comparator: in, value: 4, to: 5, unit: ms}
  fast:
    metric: wall_ns
    of: {workload: noop, runtime: wazero, params: {n: "1"}}
    over: {runtime: native}
    comparator: ">="
    value: 100
    unit: x
    tolerance: 0.05
`
	c, err := Parse([]byte(whole), Book{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Claims) != 2 || c.Claims[0].Value[0] != 100 || c.Claims[0].From != "2021-03-01" || c.Claims[1].Value != nil {
		t.Errorf("claims %+v: want two, the second without a value", c.Claims)
	}
	if f := c.Checks["fast"][0]; f.Over == nil || f.Over.Runtime != "native" || f.Of.Params["n"] != "1" || f.Tolerance != 0.05 {
		t.Errorf("check %+v", f)
	}
	if v := c.Checks["vague"][0]; v.Instead != "V8" || v.Value != 4 || v.To != 5 {
		t.Errorf("check %+v", v)
	}
	s := schema(t)
	for fields, good := range map[string]bool{
		"value: 4, comparator: in, to: 5": true, "value: 4, comparator: '<='": true, "value: 4, comparator: in": false,
		"value: 4, comparator: '<=', to: 5": false, "value: 4, comparator: '=='": false,
		"comparator: '<=', value: 0": true, "comparator: '<='": false, "comparator: '<=', value: null": false, "comparator: '<=', value: ~": false,
		"value: 4, comparator: '>=', tolerance: 0.99": true, "value: 4, comparator: '>=', tolerance: 5": false, "value: 4, comparator: '<=', tolerance: 1": false,
	} {
		text := []byte("claims: [{id: a}]\nchecks: {a: {metric: wall_ns, unit: ms, " + fields + "}}")
		_, err := Parse(text, Book{})
		if invalid := valid(t, s, text); (err == nil) != good || (invalid == nil) != good {
			t.Errorf("%s: %v, and by the schema: %v; good is %v", fields, err, invalid, good)
		}
	}
	for _, bad := range []struct{ text, want string }{
		{"claims: [{quote: x}]", "claim 1: it has no id"},
		{"claims: [{id: a}, {id: a}]", "claim a is there twice"},
		{"checks: {a: {metric: wall_ns, comparator: '<=', value: 1, unit: ms}}", "a check of a, and no such claim"},
		{"claims: [{id: a}]\nchecks: {a: {metric: wall_ns, comparator: '<=', value: .inf, unit: ms}}", "value +Inf"},
		{"claims: [{id: a, op: x}]", "line 1"},
		{"claims: [{id: a, value: .nan}]", "value NaN: want a number"},
		{"claims: [{id: a, value: -.inf}]", "value -Inf: want a number"},
		{"claims: [{id: a, value: [1, .inf], comparator: in}]", "value +Inf: want a number"},
		{"claims: [{id: a, from: 2021-99-99}]", `from "2021-99-99": want a year, a month or a day`},
		{"claims: [{id: a, until: 2021-02-30}]", `until "2021-02-30": want a year`},
		{"claims: [{id: a, until: '21'}]", `until "21": want a year`},
		{"claims: [{id: a, from: '2021', until: '1999'}]", "until 1999 is before from 2021"},
		{"claims: [{id: a, from: 2021-03-02, until: 2021-03-01}]", "until 2021-03-01 is before from 2021-03-02"},
	} {
		if c, err := Parse([]byte(bad.text), Book{}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%q: %+v, %v; want an error with %q", bad.text, c, err, bad.want)
		}
	}
}

// A month begins with its first day and ends with its last.
func TestDates(t *testing.T) {
	for _, c := range []assay.Claim{{From: "2021-03-31", Until: "2021-03"}, {From: "2021", Until: "2021-01-01"}, {From: "2020-02-29", Until: "2020"}} {
		c.ID = "a"
		if err := CheckClaim(c); err != nil {
			t.Errorf("from %s until %s: %v", c.From, c.Until, err)
		}
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add([]byte("claims: [{id: a, value: 1}]\nchecks: {a: {metric: wall_ns, comparator: '<=', value: 1, unit: ms}}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b, Book{})
		if err == nil {
			for id, checks := range c.Checks {
				for _, check := range checks {
					if err := CheckCheck(check); err != nil {
						t.Errorf("%q has a check of %s that is none: %v", b, id, err)
					}
				}
			}
		}
	})
}

// What is added stands behind what was there, which keeps its comments.
func TestAdd(t *testing.T) {
	more, err := ParseOneOrMany([]byte(`{"id": "new", "quote": "a: \"b\" # c", "value": [4, 5], "comparator": "in", "unit": "x"}`), Book{})
	if err != nil {
		t.Fatal(err)
	}
	const claim = "- id: new\n@  quote: 'a: \"b\" # c'\n@  comparator: in\n@  value:\n@    - 4\n@    - 5\n@  unit: x\n"
	item := func(indent string) string { return indent + strings.ReplaceAll(claim, "@", indent) }
	for name, c := range map[string]struct{ file, want string }{
		"empty":     {"", "claims:\n" + item("  ")},
		"comment":   {"# ours\n", "# ours\nclaims:\n" + item("  ")},
		"last":      {"claims:\n  - id: a # first\n\n", "claims:\n  - id: a # first\n" + item("  ")},
		"flush":     {"claims:\n- id: a", "claims:\n- id: a\n" + item("")},
		"no claims": {"needs: {}\n", "needs: {}\nclaims:\n" + item("  ")},
		"before another": {
			"claims:\n    # one\n    - {id: a}\n\n# how\nchecks:\n  a: {metric: wall_ns, comparator: '<=', value: 1, unit: ms}\n",
			"claims:\n    # one\n    - {id: a}\n" + item("    ") + "\n# how\nchecks:\n  a: {metric: wall_ns, comparator: '<=', value: 1, unit: ms}\n",
		},
	} {
		got, err := Add([]byte(c.file), more, Book{})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
		}
		if _, err := Add(got, more, Book{}); err == nil || !strings.Contains(err.Error(), "claim new is there already") {
			t.Errorf("%s: added twice: %v", name, err)
		}
	}
	if got, err := Add([]byte("claims: [{id: a}]\n"), more, Book{}); err == nil {
		t.Errorf("added to a list in brackets: %s", got)
	}
}

func FuzzAdd(f *testing.F) {
	more := Book{Claims: []assay.Claim{{ID: "new"}}}
	f.Add([]byte("claims:\n  - id: a\n# b\nneeds: {a: b}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Add(b, more, Book{})
		if err != nil {
			return
		}
		old, _ := Parse(b, Book{})
		if now, err := Parse(got, Book{}); err != nil || len(now.Claims) != len(old.Claims)+1 {
			t.Errorf("%q became %q: %v", b, got, err)
		}
	})
}

// What starting a container takes is told by a program that does nothing, not by
// whichever a run has.
func TestStartingIsOfNothing(t *testing.T) {
	b, err := Ledger()
	if err != nil {
		t.Fatal(err)
	}
	for id, checks := range b.Checks {
		for _, c := range checks {
			if c.Of.Runtime == "docker" && (c.Of.Workload == "" || c.Over != nil && c.Over.Workload != c.Of.Workload) {
				t.Errorf("%s: a container of any workload would judge it: %+v", id, c)
			}
		}
	}
}
