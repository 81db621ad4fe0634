package assay

// A Phase says what a sample's times span. "Start-up" is not a phase: which
// of these started must be said.
type Phase string

// The phases. Process and FirstByte are seen by the parent, with its clock; the
// others are taken by a shim inside the runtime's process (docs/shim-protocol.md),
// or, calls of a command, by the guest. Phases that a runtime cannot tell apart
// are one phase, its name theirs joined by "+": "engine-init+link".
const (
	Process           Phase = "process"            // spawn to exit
	FirstByte         Phase = "first-byte"         // spawn to the first byte of stdout
	EngineInit        Phase = "engine-init"        // the engine, its store and its WASI
	Compile           Phase = "compile"            // module bytes in memory to something that can be instantiated
	Load              Phase = "load-precompiled"   // in place of Compile, from code compiled earlier: another mode, not a fast compile
	Link              Phase = "link"               // imports resolved
	Instantiate       Phase = "instantiate"        // memory, tables and globals made, start function run
	FirstCall         Phase = "first-call"         // of _start or of the export run
	Call              Phase = "call"               // every later call of the export run, or a call of a command by its own clock
	SecondInstantiate Phase = "second-instantiate" // another instance of the same compiled module
	Region            Phase = "region"             // bench.start to bench.end, of a module that imports them
	CallRegion        Phase = "call-region"        // what Sample.Span calls a Region of a later call
	Teardown          Phase = "teardown"           // of instances, module and engine
	Request           Phase = "request"
)

// Repeats reports whether one process may have several samples of p. They are
// not independent of each other: it is the medians of processes that are.
func (p Phase) Repeats() bool { return p == Call || p == CallRegion }

// Span returns what a sample is summed up with: its phase, and regions of later
// calls, which a trace tells by Sample.Call alone, apart from that of the first.
func (s Sample) Span() Phase {
	if s.Phase == Region && s.Call > 0 {
		return CallRegion
	}
	return s.Phase
}

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
	Seq          int64             `json:"seq"` // planned position: block*len(trials) + position in the block
	Block        int32             `json:"block"`
	Trial        int32             `json:"trial"`  // index into Plan.Trials
	Warmup       bool              `json:"warmup"` // taken in a warm-up block, or a warm-up call: not a sample of the result
	Workload     string            `json:"workload"`
	Runtime      string            `json:"runtime"`
	Host         string            `json:"host"`
	Params       map[string]string `json:"params,omitempty"`
	Phase        Phase             `json:"phase"`
	Call         int32             `json:"call,omitempty"`            // number of the call in its invocation, from 1; 0: not a call
	Mode         string            `json:"mode,omitempty"`            // of Trial
	Cache        string            `json:"cache,omitempty"`           // of Trial
	Threads      int32             `json:"compile_threads,omitempty"` // as a shim reports them, else of Trial
	Engine       string            `json:"engine,omitempty"`          // of a shim's process: engine and version as it reports them, "wasmtime 49.0.0"
	Outcome      Outcome           `json:"outcome"`
	Detail       string            `json:"detail,omitempty"`                   // the reason of a failure, at most 4 KiB: last lines of stderr, or why unsupported
	Exit         int32             `json:"exit"`                               // status, -1 where there is none
	Signal       string            `json:"signal,omitempty"`                   // "SIGKILL"
	StartNS      int64             `json:"start_ns"`                           // since the segment's agent began; of a call, that of its process; 0 if not run
	Segment      int32             `json:"segment"`                            // how often the run had been resumed
	WallNS       *int64            `json:"wall_ns"`                            // monotonic, of a call by the guest's clock; nil if not measured
	CPUNS        *int64            `json:"cpu_ns"`                             // user + system, the process and its waited-for children
	RSSBytes     *int64            `json:"peak_rss_bytes"`                     // highest resident set of one process; nil where it is below what the launcher can tell, and of containers: CgroupMemory
	UserNS       *int64            `json:"user_ns,omitempty"`                  // of CPUNS; nil below 100 ms, where the kernel's split is made of ticks
	SystemNS     *int64            `json:"system_ns,omitempty"`                // likewise
	PSSBytes     *int64            `json:"pss_bytes,omitempty"`                // proportional set at exit, of the process itself; of the memory protocol alone
	Minor        *int64            `json:"minor_faults,omitempty"`             // page faults served without I/O; of the process and its waited-for children, as all that follow
	Major        *int64            `json:"major_faults,omitempty"`             // page faults with I/O
	Waits        *int64            `json:"voluntary_switches,omitempty"`       // context switches: it waited
	Preempts     *int64            `json:"involuntary_switches,omitempty"`     // context switches: it was preempted
	Reads        *int64            `json:"storage_read_bytes,omitempty"`       // fetched from storage
	Writes       *int64            `json:"storage_write_bytes,omitempty"`      // sent to the page cache to be written
	Cycles       *int64            `json:"cycles,omitempty"`                   // user mode, by the processor's counters; nil where the host has none: Run.Unmeasured
	Instrs       *int64            `json:"instructions,omitempty"`             // likewise
	Guest        *int64            `json:"guest_count,omitempty"`              // what the runtime counted of the guest, in GuestUnit; of the count protocol alone, whose times are no results
	GuestOf      string            `json:"guest_unit,omitempty"`               // "fuel:wasmtime", "instructions:wasmedge"
	CgroupNS     *int64            `json:"cgroup_cpu_ns,omitempty"`            // of everything in the invocation's control group: of a container, all of it
	CgroupMemory *int64            `json:"cgroup_peak_memory_bytes,omitempty"` // likewise, page cache included
	Stdout       Digest            `json:"stdout,omitzero"`                    // of all of stdout
	OutBytes     int64             `json:"output_bytes"`                       // stdout and stderr together
}
