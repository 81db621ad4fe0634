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
	Run   string       `json:"run"`
	Name  string       `json:"name"`
	Phase Phase        `json:"phase"`                // of the wall times: Process, or Call; CPU and peak RSS are always of processes
	Scope string       `json:"scope"`                // what the times span, in words
	Floor int64        `json:"peak_rss_floor_bytes"` // Run.RSSFloor
	Rows  []SummaryRow `json:"rows"`                 // in plan order
	Notes []string     `json:"notes,omitempty"`      // what a reader of the numbers should know: of the host, of clocks
}

// A SummaryRow sums up one trial. Estimates are of its ok samples without
// warm-up; nil where there are none. Calls of one process are not independent
// of each other: Wall of the phase Call is over the medians of invocations, and
// its N counts those.
type SummaryRow struct {
	Workload string            `json:"workload"`
	Runtime  string            `json:"runtime"`
	Params   map[string]string `json:"params,omitempty"`
	Planned  int               `json:"planned"`
	Outcomes map[Outcome]int   `json:"outcomes"`
	Exits    map[int32]int     `json:"exits,omitempty"`   // statuses of those that ended in Exit, and how often
	Signals  map[string]int    `json:"signals,omitempty"` // of those that ended in Signal
	Detail   string            `json:"detail,omitempty"`  // of the first that was not ok
	Calls    int               `json:"calls,omitempty"`   // ok calls, warm-up left out, that Wall is of; 0 in phase Process
	Wall     *Estimate         `json:"wall"`
	CPU      *Estimate         `json:"cpu"`
	RSS      *Estimate         `json:"peak_rss"`
	RSSBelow int               `json:"peak_rss_below_floor"` // ok samples whose peak was too low to be told
}
