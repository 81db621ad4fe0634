package assay

// PlanFormat names the encoding of Plan: canonical JSON of that type.
const PlanFormat = "assay.plan.v1"

// A Plan is an experiment frozen for one host: every trial named, every
// invocation ordered. It is self-contained: an agent needs nothing else but
// the files its commands name.
type Plan struct {
	Format      string  `json:"format"` // PlanFormat
	Experiment  Digest  `json:"experiment"`
	Name        string  `json:"name"`
	Host        string  `json:"host"`
	Seed        string  `json:"seed"` // 64-bit hexadecimal: JSON numbers are not exact there
	Trials      []Trial `json:"trials"`
	Warmup      int     `json:"warmup,omitempty"`        // the first so many blocks are not samples
	Calls       int     `json:"calls,omitempty"`         // that each invocation makes and reports; 0: it is not asked to
	WarmCalls   int     `json:"warmup_calls,omitempty"`  // the first so many of Calls are not samples
	Changepoint bool    `json:"changepoint,omitempty"`   // Steady.Changepoint or Phases.Changepoint
	Order       [][]int `json:"order"`                   // a block each: indices into Trials, every one once
	Limits      Limits  `json:"limits"`                  // no zero field but Memory
	Phases      bool    `json:"phases,omitempty"`        // commands are shims: they report phases on descriptor 3 (docs/shim-protocol.md)
	Memory      bool    `json:"memory,omitempty"`        // each process is held at its exit and its memory read; no times
	Count       bool    `json:"count,omitempty"`         // commands count what the guest executes, and are shims unless they have Command.Counted; times are no results
	CPUs        string  `json:"cpus,omitempty"`          // Protocol.CPUs
	Padding     int     `json:"padding_bytes,omitempty"` // Protocol.Padding
}

// ControlSuffix ends the runtime's name in a trial that is there twice: an
// A/A pair, whose difference is noise.
const ControlSuffix = " (A/A)"

// A Trial is one planned treatment.
type Trial struct {
	Workload    string            `json:"workload"` // Workload.Name
	Manifest    Digest            `json:"manifest"` // Workload.Manifest
	Runtime     string            `json:"runtime"`
	Params      map[string]string `json:"params,omitempty"`
	Command     Command           `json:"command,omitzero"`
	Prepare     []Command         `json:"prepare,omitempty"`         // run once, before the first block, however many trials have the same; not timed as samples
	Scratch     string            `json:"scratch,omitempty"`         // directory, relative to the agent's work, that is empty before each invocation; "": none
	State       string            `json:"state,omitempty"`           // likewise, for the runtime's own use: what it keeps of a container
	Mode        string            `json:"mode,omitempty"`            // how code is executed: runners.Mode
	Cache       string            `json:"cache,omitempty"`           // of compiled code: runners.Cache
	Threads     int32             `json:"compile_threads,omitempty"` // that compile; 0: not known, or none does
	ShimMode    string            `json:"shim_mode,omitempty"`       // that the shim is asked for, and must report; "": its own
	Clean       []Command         `json:"clean,omitempty"`           // run after each invocation that was killed, and before the first; whether they succeed does not matter
	Group       bool              `json:"control_group,omitempty"`   // each invocation is in a control group of its own, where the agent may make one: Sample.CgroupNS
	Control     bool              `json:"control,omitempty"`         // the second of an A/A pair: Runtime's name has ControlSuffix
	Expect      Expectation       `json:"expect,omitzero"`
	Signs       []Sign            `json:"signs,omitempty"`       // how the runtime reports traps and its own failures
	Unsupported string            `json:"unsupported,omitempty"` // why there is no command; such a trial is one outcome
}

// A Command is a process to start.
type Command struct {
	Argv  []string `json:"argv"`            // Argv[0] is an absolute path
	Env   []string `json:"env,omitempty"`   // the whole environment, KEY=VALUE
	Stdin string   `json:"stdin,omitempty"` // path; "": empty
	Dir   string   `json:"dir,omitempty"`   // working directory, relative to the agent's work; "": that

	// Chatter is a regular expression (RE2) of what the program itself writes
	// to stdout when all is well, to the end of a line: no part of the answer.
	Chatter string `json:"chatter,omitempty"`

	Counted Counted `json:"counted,omitzero"` // how the program tells, in its chatter, what its guest executed; zero: it does not
}

// Counted says where a program's stdout has how much its guest executed.
type Counted struct {
	Says string `json:"says"` // regular expression (RE2) whose one group is the number; the last match counts
	Unit string `json:"unit"` // "fuel:wasmi"
}
