package assay

// PlanFormat names the encoding of Plan: canonical JSON of that type.
const PlanFormat = "assay.plan.v1"

// A Plan is an experiment frozen for one host: every trial named, every
// invocation ordered. It is self-contained: an agent needs nothing else but
// the files its commands name.
type Plan struct {
	Format     string  `json:"format"` // PlanFormat
	Experiment Digest  `json:"experiment"`
	Name       string  `json:"name"`
	Host       string  `json:"host"`
	Seed       string  `json:"seed"` // 64-bit hexadecimal: JSON numbers are not exact there
	Trials     []Trial `json:"trials"`
	Warmup     int     `json:"warmup,omitempty"`       // the first so many blocks are not samples
	Calls      int     `json:"calls,omitempty"`        // that each invocation makes and reports; 0: it is not asked to
	WarmCalls  int     `json:"warmup_calls,omitempty"` // the first so many of Calls are not samples
	Order      [][]int `json:"order"`                  // a block each: indices into Trials, every one once
	Limits     Limits  `json:"limits"`                 // no zero field but Memory
}

// A Trial is one planned treatment.
type Trial struct {
	Workload    string            `json:"workload"` // Workload.Name
	Manifest    Digest            `json:"manifest"` // Workload.Manifest
	Runtime     string            `json:"runtime"`
	Params      map[string]string `json:"params,omitempty"`
	Command     Command           `json:"command,omitzero"`
	Prepare     []Command         `json:"prepare,omitempty"` // run once, before the first block; not timed as samples
	Expect      Expectation       `json:"expect,omitzero"`
	Signs       []Sign            `json:"signs,omitempty"`       // how the runtime reports traps and its own failures
	Unsupported string            `json:"unsupported,omitempty"` // why there is no command; such a trial is one outcome
}

// A Command is a process to start.
type Command struct {
	Argv  []string `json:"argv"`            // Argv[0] is an absolute path
	Env   []string `json:"env,omitempty"`   // the whole environment, KEY=VALUE
	Stdin string   `json:"stdin,omitempty"` // path; "": empty
}
