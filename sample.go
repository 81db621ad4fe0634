package assay

// A Phase says what a sample's times span. "Start-up" is not a phase: which
// of these started must be said.
type Phase string

// The phases.
const (
	Process     Phase = "process" // spawn to exit, seen by the parent
	Compile     Phase = "compile"
	Instantiate Phase = "instantiate"
	FirstCall   Phase = "first-call"
	Call        Phase = "call"
	Request     Phase = "request"
	Teardown    Phase = "teardown"
)

// An Outcome is how a planned invocation ended. All of them are results.
type Outcome string

// The outcomes. Every planned invocation ends in exactly one.
const (
	OK           Outcome = "ok"            // ran to its end and gave the expected answer
	Exit         Outcome = "exit"          // exited with another status than expected: Sample.Exit
	Trap         Outcome = "trap"          // the guest trapped, as the runtime reports it
	Signal       Outcome = "signal"        // the process died by a signal: Sample.Signal
	Timeout      Outcome = "timeout"       // killed at Limits.Timeout
	Limit        Outcome = "limit"         // killed at Limits.Memory or Limits.Output
	WrongOutput  Outcome = "wrong-output"  // exited as expected, stdout was not
	RuntimeCrash Outcome = "runtime-crash" // the runtime died or gave up, not the guest
	Unsupported  Outcome = "unsupported"   // the runtime cannot express the trial, or is absent
	Missing      Outcome = "missing"       // planned, not run: the run was interrupted
)

// A Sample is one row of a trace: one phase of one invocation. Nothing is
// averaged before it is stored, and failures are rows too.
type Sample struct {
	Seq      int64             `json:"seq"` // planned position: block*len(trials) + position in the block
	Block    int32             `json:"block"`
	Trial    int32             `json:"trial"`  // index into Plan.Trials
	Warmup   bool              `json:"warmup"` // taken in a warm-up block, or a warm-up call: not a sample of the result
	Workload string            `json:"workload"`
	Runtime  string            `json:"runtime"`
	Host     string            `json:"host"`
	Params   map[string]string `json:"params,omitempty"`
	Phase    Phase             `json:"phase"`
	Call     int32             `json:"call,omitempty"` // number of the call in its invocation, from 1; 0: not a call
	Outcome  Outcome           `json:"outcome"`
	Detail   string            `json:"detail,omitempty"` // the reason of a failure, at most 4 KiB: last lines of stderr, or why unsupported
	Exit     int32             `json:"exit"`             // status, -1 where there is none
	Signal   string            `json:"signal,omitempty"` // "SIGKILL"
	StartNS  int64             `json:"start_ns"`         // since the segment's agent began; of a call, that of its process; 0 if not run
	Segment  int32             `json:"segment"`          // how often the run had been resumed
	WallNS   *int64            `json:"wall_ns"`          // monotonic, of a call by the guest's clock; nil if not measured
	CPUNS    *int64            `json:"cpu_ns"`           // user + system, the process and its waited-for children
	RSSBytes *int64            `json:"peak_rss_bytes"`   // highest resident set of one process; nil where it is below what the launcher can tell
	Stdout   Digest            `json:"stdout,omitzero"`  // of all of stdout
	OutBytes int64             `json:"output_bytes"`     // stdout and stderr together
}
