package assay

// A Claim is an advertised number, as read: what its source does not say stays
// empty or nil. How it is judged is policy and stands apart, in its Check.
type Claim struct {
	ID         string   `json:"id" yaml:"id"`
	Subject    string   `json:"subject,omitempty" yaml:"subject,omitempty"` // "WasmEdge 0.9"
	Quote      string   `json:"quote,omitempty" yaml:"quote,omitempty"`
	Source     string   `json:"source,omitempty" yaml:"source,omitempty"` // where it can be read
	Scope      string   `json:"scope,omitempty" yaml:"scope,omitempty"`   // what is said to start, run or be counted
	Metric     string   `json:"metric,omitempty" yaml:"metric,omitempty"`
	Comparator string   `json:"comparator,omitempty" yaml:"comparator,omitempty"`
	Value      *float64 `json:"value,omitempty" yaml:"value,omitempty"`
	Unit       string   `json:"unit,omitempty" yaml:"unit,omitempty"`
	Conditions string   `json:"conditions,omitempty" yaml:"conditions,omitempty"`
	From       string   `json:"from,omitempty" yaml:"from,omitempty"`   // first day it was made: "2021-03-01"
	Until      string   `json:"until,omitempty" yaml:"until,omitempty"` // last day
}

// A Check is how we judge a claim by a run: the statistic Metric of the trials
// Of, or its ratio to that of the trials Over, against Value. It is data, so
// that a verdict can be repeated.
type Check struct {
	Metric     string     `json:"metric" yaml:"metric"`                           // a column of the trace: "wall_ns"
	Of         Selection  `json:"of" yaml:"of"`                                   // which trials
	Over       *Selection `json:"over,omitempty" yaml:"over,omitempty"`           // what they are divided by; nil for none
	Phase      Phase      `json:"phase,omitempty" yaml:"phase,omitempty"`         // of the samples; default process
	Comparator string     `json:"comparator" yaml:"comparator"`                   // "<=", ">=" or "="
	Value      float64    `json:"value" yaml:"value"`                             // in Unit; a ratio has the unit "x"
	Unit       string     `json:"unit" yaml:"unit"`                               // "ms", "MiB", "x"
	Tolerance  float64    `json:"tolerance,omitempty" yaml:"tolerance,omitempty"` // share of Value that is still called equal: 0.05
}

// A Selection names trials of a run. An empty field selects all.
type Selection struct {
	Workload string            `json:"workload,omitempty" yaml:"workload,omitempty"`
	Runtime  string            `json:"runtime,omitempty" yaml:"runtime,omitempty"`
	Params   map[string]string `json:"params,omitempty" yaml:"params,omitempty"`
}

// A Verdict is what the evidence says of a claim.
type Verdict string

// The verdicts.
const (
	Holds        Verdict = "holds"        // the interval is on the claim's side of the bound
	Fails        Verdict = "fails"        // the interval is on the other side
	Inconclusive Verdict = "inconclusive" // the interval spans the bound
	NotTestable  Verdict = "unsupported"  // the run cannot tell: Judgement.Reason says what it would take
)

// A Judgement is a claim judged by one run.
type Judgement struct {
	Claim    Claim     `json:"claim"`
	Check    Check     `json:"check"`
	Run      string    `json:"run"`
	Verdict  Verdict   `json:"verdict"`
	Estimate *Estimate `json:"estimate"` // of what was checked; nil if it could not be
	Reason   string    `json:"reason"`   // one sentence
}
