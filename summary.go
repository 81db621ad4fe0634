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
	Protocol string           `json:"protocol"`             // "cold", "steady", "phases", "memory", "count"
	Phase    Phase            `json:"phase,omitempty"`      // of the rows' wall times: Process, or Call; "": they have none, or Phases. CPU and peak RSS are always of processes
	Scope    string           `json:"scope"`                // what the samples span, in words
	Scopes   map[Phase]string `json:"scopes,omitempty"`     // what each phase in Rows spans, in words
	Floor    int64            `json:"peak_rss_floor_bytes"` // Run.RSSFloor
	Rows     []SummaryRow     `json:"rows"`                 // in plan order
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
	CPU         *Estimate         `json:"cpu"`                                 // user and system together
	User        *Estimate         `json:"user_cpu,omitempty"`                  // of CPU; nil unless every sample has it
	System      *Estimate         `json:"system_cpu,omitempty"`                // likewise
	RSS         *Estimate         `json:"peak_rss"`                            // highest resident set; nil for containers, as PSS: that would be of the program that starts them
	RSSBelow    int               `json:"peak_rss_below_floor"`                // ok samples whose peak was too low to be told
	PSS         *Estimate         `json:"pss,omitempty"`                       // proportional set at exit
	GroupCPU    *Estimate         `json:"control_group_cpu,omitempty"`         // of everything in the control group of a container
	GroupMemory *Estimate         `json:"control_group_peak_memory,omitempty"` // likewise, page cache included
	Guest       *Estimate         `json:"guest_count,omitempty"`               // what the runtime counts of its guest, in its own unit
	Phases      []PhaseRow        `json:"phases,omitempty"`                    // those that the runtime's shim told, in the order they happened
}

// A PhaseRow sums up one phase of a trial, Sample.Span, over invocations; where
// it repeats, over the medians of invocations.
type PhaseRow struct {
	Phase Phase     `json:"phase"`
	Calls int       `json:"calls,omitempty"` // ok calls, warm-up left out; 0: it is no phase of calls
	Wall  *Estimate `json:"wall"`
	CPU   *Estimate `json:"cpu"`
}
