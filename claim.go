package assay

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Claim is an advertised number, as read: what its source does not say stays
// empty or nil. How it is judged is policy and stands apart, in its Checks.
type Claim struct {
	ID              string   `json:"id" yaml:"id"`
	Subject         string   `json:"subject,omitempty" yaml:"subject,omitempty"` // "WasmEdge 0.9"
	Quote           string   `json:"quote,omitempty" yaml:"quote,omitempty"`
	Source          string   `json:"source,omitempty" yaml:"source,omitempty"`           // where it can be read
	SourceKind      string   `json:"source_kind,omitempty" yaml:"source_kind,omitempty"` // primary, secondary: who says it
	Kind            string   `json:"kind,omitempty" yaml:"kind,omitempty"`               // what it is about: start, execution, size
	Scope           string   `json:"scope,omitempty" yaml:"scope,omitempty"`             // what is said to start, run or be counted
	Start           string   `json:"start,omitempty" yaml:"start,omitempty"`             // what starts: process, instance, container
	StartOver       string   `json:"start_over,omitempty" yaml:"start_over,omitempty"`   // what starts of what it is compared with
	Metric          string   `json:"metric,omitempty" yaml:"metric,omitempty"`
	Comparator      string   `json:"comparator,omitempty" yaml:"comparator,omitempty"`
	Value           Amount   `json:"value,omitempty" yaml:"value,omitempty"`
	Unit            string   `json:"unit,omitempty" yaml:"unit,omitempty"`
	Conditions      string   `json:"conditions,omitempty" yaml:"conditions,omitempty"`
	From            string   `json:"from,omitempty" yaml:"from,omitempty"`   // first day it was made: "2021-03-01"
	Until           string   `json:"until,omitempty" yaml:"until,omitempty"` // last day
	CounterEvidence []string `json:"counter_evidence,omitempty" yaml:"counter_evidence,omitempty"`
}

// An Amount is what was advertised: one number, or a range from the first to
// the second; nil is none. It is written 10 or [4, 5].
type Amount []float64

// MarshalJSON writes a number, an array of two, or null.
func (a Amount) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]float64(a))
}

// MarshalYAML writes a number or a list of two.
func (a Amount) MarshalYAML() (any, error) {
	if len(a) == 1 {
		return a[0], nil
	}
	return []float64(a), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(b []byte) error {
	return a.read(func(to any) error { return json.Unmarshal(b, to) })
}

// UnmarshalYAML reads a number or a list of two.
func (a *Amount) UnmarshalYAML(unmarshal func(any) error) error { return a.read(unmarshal) }

func (a *Amount) read(unmarshal func(any) error) error {
	var one *float64
	if err := unmarshal(&one); err == nil {
		*a = nil
		if one != nil {
			*a = Amount{*one}
		}
		return nil
	}
	var many []float64
	if err := unmarshal(&many); err != nil {
		return fmt.Errorf("want a number, or two in brackets: %w", err)
	}
	if len(many) != 2 || !(many[0] <= many[1]) {
		return errors.New("want a number, or the two ends of a range, such as [4, 5]")
	}
	*a = many
	return nil
}

// A Check is how we judge a claim by a run or an import: the statistic Metric
// of what Of selects, or its ratio to that of what Over selects, against Value.
// It is data, so that a verdict can be repeated.
type Check struct {
	Note       string     `json:"note,omitempty" yaml:"note,omitempty"`           // which evidence it is for, and why it judges the claim
	Instead    string     `json:"instead,omitempty" yaml:"instead,omitempty"`     // what is measured in place of the claim's subject: "V8"; such a check neither holds nor fails
	Trace      string     `json:"trace,omitempty" yaml:"trace,omitempty"`         // of an import; default the one that has the columns
	Metric     string     `json:"metric" yaml:"metric"`                           // a column of the trace, or the role of one: "wall_ns", "sample"
	Of         Selection  `json:"of" yaml:"of"`                                   // what is measured
	Over       *Selection `json:"over,omitempty" yaml:"over,omitempty"`           // what it is divided by; nil for nothing
	Pair       []string   `json:"pair,omitempty" yaml:"pair,omitempty"`           // columns, or their roles: one ratio for each of their values, and then the geometric mean
	Phase      Phase      `json:"phase,omitempty" yaml:"phase,omitempty"`         // of a run's samples; default process
	Comparator string     `json:"comparator" yaml:"comparator"`                   // "<=", ">=", "=", or "in" for from Value to To
	Value      float64    `json:"value" yaml:"value"`                             // in Unit; a ratio has the unit "x"
	To         float64    `json:"to,omitempty" yaml:"to,omitempty"`               // the upper end of "in"; 0 of all others
	Unit       string     `json:"unit" yaml:"unit"`                               // "ms", "MiB", "x"
	Tolerance  float64    `json:"tolerance,omitempty" yaml:"tolerance,omitempty"` // share of Value, and of To, that is still called equal: 0.05
}

// A Selection names trials of a run, or rows of an import. An empty field
// selects all.
type Selection struct {
	Workload string            `json:"workload,omitempty" yaml:"workload,omitempty"`
	Runtime  string            `json:"runtime,omitempty" yaml:"runtime,omitempty"` // of an import: the system
	Params   map[string]string `json:"params,omitempty" yaml:"params,omitempty"`
	Phase    Phase             `json:"phase,omitempty" yaml:"phase,omitempty"` // of a run's samples; default that of the check
	Where    map[string]OneOf  `json:"where,omitempty" yaml:"where,omitempty"` // by column, or its role
}

// OneOf is values one of which is meant. One alone is written without brackets.
type OneOf []string

// MarshalJSON writes a string or an array.
func (o OneOf) MarshalJSON() ([]byte, error) {
	if len(o) == 1 {
		return json.Marshal(o[0])
	}
	return json.Marshal([]string(o))
}

// MarshalYAML writes a value or a list.
func (o OneOf) MarshalYAML() (any, error) {
	if len(o) == 1 {
		return o[0], nil
	}
	return []string(o), nil
}

// UnmarshalJSON reads a string or an array.
func (o *OneOf) UnmarshalJSON(b []byte) error {
	return o.read(func(to any) error { return json.Unmarshal(b, to) })
}

// UnmarshalYAML reads a value or a list.
func (o *OneOf) UnmarshalYAML(unmarshal func(any) error) error { return o.read(unmarshal) }

func (o *OneOf) read(unmarshal func(any) error) error {
	var one string
	if err := unmarshal(&one); err == nil {
		*o = OneOf{one}
		return nil
	}
	var many []string
	if err := unmarshal(&many); err != nil {
		return fmt.Errorf("want a value or a list of values: %w", err)
	}
	*o = many
	return nil
}

// A Verdict is what the evidence says of a claim.
type Verdict string

// The verdicts.
const (
	Holds        Verdict = "holds"        // the interval is on the claim's side of the bound
	Fails        Verdict = "fails"        // the interval is on the other side
	Inconclusive Verdict = "inconclusive" // the interval spans the bound, or the host's noise does
	NotTestable  Verdict = "unsupported"  // the evidence cannot tell, or is of something else: Judgement.Reason says which
)

// JudgementFormat names the encoding of an archived Judgement: canonical JSON
// of that type.
const JudgementFormat = "assay.judgement.v1"

// A Judgement is a claim judged by a run or an import. It has no time: the same
// claim, check and evidence give the same one.
type Judgement struct {
	Format   string    `json:"format,omitempty"` // JudgementFormat
	Claim    Claim     `json:"claim"`
	Check    Check     `json:"check,omitzero"`    // zero: there is none
	Run      string    `json:"run,omitempty"`     // its ID; "" for an import
	Import   string    `json:"import,omitempty"`  // its name; "" for a run
	Evidence Digest    `json:"evidence,omitzero"` // the manifest of the run or import
	Trace    Digest    `json:"trace,omitzero"`    // that it was judged by
	Verdict  Verdict   `json:"verdict"`
	Estimate *Estimate `json:"estimate"`        // of what was checked; nil if it could not be
	Reason   string    `json:"reason"`          // one sentence
	Noise    Digest    `json:"noise,omitzero"`  // the manifest of the host's A/A certificate
	Floor    float64   `json:"floor,omitempty"` // of that, for the check's metric
}
