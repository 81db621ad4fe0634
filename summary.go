package assay

// An Estimate is a statistic with what makes it honest: unit, number of
// samples and interval. Low and High are nil where there are too few samples
// for an interval of that confidence.
type Estimate struct {
	Value      float64  `json:"value"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
	Unit       string   `json:"unit"`
	N          int      `json:"n"`
	Confidence float64  `json:"confidence"` // 0.95
	Statistic  string   `json:"statistic"`  // "median"
	Interval   string   `json:"interval"`   // "order statistics"
}

// A Summary is what a run says at a glance. It is derived: the trace is the
// result.
type Summary struct {
	Run      string           `json:"run"`
	Name     string           `json:"name"`
	Protocol string           `json:"protocol"`             // its name
	Phase    Phase            `json:"phase,omitempty"`      // of the rows' wall times: Process, or Call; "": they have none, or Phases. CPU and peak RSS are always of processes
	Scope    string           `json:"scope"`                // what the samples span, in words
	Scopes   map[Phase]string `json:"scopes,omitempty"`     // what each phase in Rows spans, in words
	Floor    int64            `json:"peak_rss_floor_bytes"` // Run.RSSFloor
	Rows     []SummaryRow     `json:"rows"`                 // in plan order
	Compared []Family         `json:"compared,omitempty"`   // one a workload with its parameters; of protocols whose rows have one time
	Controls []Control        `json:"controls,omitempty"`   // one an A/A pair and phase
	Notes    []string         `json:"notes,omitempty"`      // what a reader of the numbers should know: of the host, of clocks, of A/A pairs
}

// A SummaryRow sums up one trial. Estimates are of its ok samples without
// warm-up; nil where there are none. Calls of one process are not independent
// of each other: Wall of the phase Call is over the medians of invocations, and
// its N counts those.
type SummaryRow struct {
	Workload    string            `json:"workload"`
	Runtime     string            `json:"runtime"`
	Params      map[string]string `json:"params,omitempty"`
	Mode        string            `json:"mode,omitempty"`            // of Trial
	Cache       string            `json:"cache,omitempty"`           // of Trial
	Threads     int32             `json:"compile_threads,omitempty"` // of Trial
	Control     bool              `json:"control,omitempty"`         // of Trial
	Planned     int               `json:"planned"`
	Outcomes    map[Outcome]int   `json:"outcomes"`
	Exits       map[int32]int     `json:"exits,omitempty"`   // statuses of those that ended in Exit, and how often
	Signals     map[string]int    `json:"signals,omitempty"` // of those that ended in Signal
	Detail      string            `json:"detail,omitempty"`  // of the first that was not ok
	Calls       int               `json:"calls,omitempty"`   // ok calls, warm-up left out, that Wall is of; 0 in phase Process
	Wall        *Estimate         `json:"wall"`
	Mean        *Estimate         `json:"mean,omitempty"`                      // of the phase Call: with calls nested in invocations; nil where none has two
	Over        *Estimate         `json:"mean_ratio,omitempty"`                // of Mean, over that of the first runtime of the workload and its parameters; nil for that one
	CPU         *Estimate         `json:"cpu"`                                 // user and system together
	User        *Estimate         `json:"user_cpu,omitempty"`                  // of CPU; nil unless every sample has it
	System      *Estimate         `json:"system_cpu,omitempty"`                // likewise
	RSS         *Estimate         `json:"peak_rss"`                            // highest resident set; those below the floor count as 0; nil where half or more are, and for containers, as PSS: that would be of the program that starts them
	RSSBelow    int               `json:"peak_rss_below_floor"`                // ok samples whose peak was too low to be told
	PSS         *Estimate         `json:"pss,omitempty"`                       // proportional set at exit
	GroupCPU    *Estimate         `json:"control_group_cpu,omitempty"`         // of everything in the control group of a container
	GroupMemory *Estimate         `json:"control_group_peak_memory,omitempty"` // likewise, page cache included
	Guest       *Estimate         `json:"guest_count,omitempty"`               // what the runtime counts of its guest, in its own unit
	Phases      []PhaseRow        `json:"phases,omitempty"`                    // those that the runtime's shim told, in the order they happened
	Nesting     *Nesting          `json:"nesting,omitempty"`                   // of Wall of the phase Call; nil where there are too few calls or invocations
}

// A Family is what a run says of its other runtimes against the first, for one
// workload: several tests of one question, whose probabilities are adjusted for
// their number.
type Family struct {
	Workload string            `json:"workload"`
	Params   map[string]string `json:"params,omitempty"`
	Baseline string            `json:"baseline"`               // the first runtime of the experiment
	Alpha    float64           `json:"alpha"`                  // chance, at most, that any runtime is said to differ and does not: 0.05
	Power    float64           `json:"power"`                  // of Comparison.Detectable: 0.8
	Of       []Comparison      `json:"of"`                     // in plan order
	Not      []Uncompared      `json:"not_compared,omitempty"` // likewise; the baseline alone, if none can be for its sake
}

// An Uncompared is a runtime that a family says nothing of: too few of its
// invocations were ok, or its clock is too coarse for a test.
type Uncompared struct {
	Runtime string `json:"runtime"`
	Why     string `json:"why"`
}

// A Comparison is of the wall times of a runtime and of its family's baseline.
type Comparison struct {
	Runtime    string   `json:"runtime"`
	Ratio      Estimate `json:"ratio"`                      // of geometric means, of calls those of the invocations' medians, over the baseline's; its interval is not adjusted
	P          float64  `json:"p"`                          // of so different means, or more, if they were the same
	Adjusted   float64  `json:"p_adjusted"`                 // by Holm, over the family
	Detectable *float64 `json:"detectable_ratio,omitempty"` // smallest that so many values of such deviations would have shown with the family's power, were it the only one; nil: none that a number can say
}

// A Control is what the two halves of an A/A pair say of the same thing.
type Control struct {
	Workload string            `json:"workload"`
	Params   map[string]string `json:"params,omitempty"`
	Runtime  string            `json:"runtime"`         // of the first half
	Phase    Phase             `json:"phase,omitempty"` // "": of none there are times
	Ratio    *Estimate         `json:"ratio"`           // of geometric means, the second's over the first's; nil: see Why
	Margin   float64           `json:"margin"`          // 1.03: what Alike is about
	Alike    string            `json:"alike,omitempty"` // is Ratio within the margin? "yes", "no", "undecided"; "": see Why
	Why      string            `json:"why,omitempty"`   // why the halves cannot be compared
}

// A Nesting is what calls of one invocation have in common, and how many are
// worth their time.
type Nesting struct {
	Invocations float64 `json:"invocation_deviation"` // what invocations add to a call's time, a fraction of the mean
	Calls       float64 `json:"call_deviation"`       // likewise calls of one
	Best        int     `json:"best_calls"`           // calls an invocation that make the mean most precise for the time; 0: the more the better
}

// A PhaseRow sums up one phase of a trial, Sample.Span, over invocations; where
// it repeats, over the medians of invocations.
type PhaseRow struct {
	Phase Phase     `json:"phase"`
	Calls int       `json:"calls,omitempty"` // ok calls, warm-up left out; 0: it is no phase of calls
	Wall  *Estimate `json:"wall"`
	CPU   *Estimate `json:"cpu"`
	Mean  *Estimate `json:"mean,omitempty"`       // as SummaryRow.Mean, of a phase that repeats
	Over  *Estimate `json:"mean_ratio,omitempty"` // as SummaryRow.Over, of the same phase
}
