package assay

import "time"

// An Experiment is the question: workloads x runtimes x parameters, and the
// protocol. The digest of its canonical JSON is its identity and the key in
// assay.lock; the seed is derived from that digest. It names no host: the same
// question can be asked on many.
type Experiment struct {
	Name      string     `json:"name"`
	Workloads []Workload `json:"workloads"`
	Runtimes  []string   `json:"runtimes"`         // in the order tables and figures list them
	Params    []Param    `json:"params,omitempty"` // a full matrix
	Protocol  Protocol   `json:"protocol"`
	Limits    Limits     `json:"limits"`
}

// A Param is one factor of the matrix. In a workload's arguments and
// environment "${NAME}" stands for its value.
type Param struct {
	Name   string   `json:"name" yaml:"name"`
	Values []string `json:"values" yaml:"values"`
}

// Names of protocols, as in an experiment file and in Summary.
const (
	ProtocolCold   = "cold"
	ProtocolSteady = "steady"
	ProtocolPhases = "phases"
	ProtocolMemory = "memory"
	ProtocolCount  = "count"
)

// A Protocol says how samples are taken. Exactly one of the pointers is set.
type Protocol struct {
	Cold   *Cold   `json:"cold,omitempty" yaml:"cold,omitempty"`
	Steady *Steady `json:"steady,omitempty" yaml:"steady,omitempty"`
	Phases *Phases `json:"phases,omitempty" yaml:"phases,omitempty"`
	Memory *Memory `json:"memory,omitempty" yaml:"memory,omitempty"`
	Count  *Count  `json:"count,omitempty" yaml:"count,omitempty"`

	CPUs    string `json:"cpus,omitempty" yaml:"cpus,omitempty"`             // processors that commands may run on: "1", "0-1,3"; "": any
	Padding int    `json:"padding_bytes,omitempty" yaml:"padding,omitempty"` // the environment of each invocation is longer by up to so many bytes, drawn by the seed: its size moves the stack
	Control bool   `json:"control,omitempty" yaml:"control,omitempty"`       // each block has every trial of the first runtime twice: an A/A pair
}

// Cold measures a fresh process each time: process start to exit, caches of
// compiled code off. The page cache is warm after the first invocation.
type Cold struct {
	Invocations int `json:"invocations" yaml:"invocations"`           // per trial; one a block
	Warmup      int `json:"warmup,omitempty" yaml:"warmup,omitempty"` // discarded blocks that come first, recorded as such
}

// Steady measures calls in a process that goes on: each invocation is a fresh
// process, in which the workload makes Warmup and then Calls calls and reports
// the time of each by its own clock. The samples are of phase call; the
// process has its own row.
type Steady struct {
	Invocations int `json:"invocations" yaml:"invocations"`           // per trial; one a block
	Calls       int `json:"calls" yaml:"calls"`                       // recorded in each invocation
	Warmup      int `json:"warmup,omitempty" yaml:"warmup,omitempty"` // calls that come first in each invocation, recorded as such

	// Changepoint records as warm-up, too, the calls before those at which most
	// invocations of a trial become steady, as stats.WarmUp finds it when the run
	// is archived. Of a trial that never does, or becomes slower, there are none.
	Changepoint bool `json:"changepoint,omitempty" yaml:"changepoint,omitempty"`
}

// Phases measures what a start and a call are made of: each invocation is a
// fresh process of the runtime's shim, which times its engine's start,
// compilation, instantiation, first and later calls, and teardown. Calls are of
// the reactor's export run, where the workload has a reactor.
type Phases struct {
	Invocations int `json:"invocations" yaml:"invocations"`           // per trial; one a block
	Calls       int `json:"calls,omitempty" yaml:"calls,omitempty"`   // after the first, recorded in each invocation
	Warmup      int `json:"warmup,omitempty" yaml:"warmup,omitempty"` // calls before these, recorded as such

	// Changepoint is Steady.Changepoint; the first call is none of these.
	Changepoint bool `json:"changepoint,omitempty" yaml:"changepoint,omitempty"`
}

// Memory measures peak and proportional memory exactly: each process is held
// when it is about to end, and its memory maps are read. That takes time, so
// the samples have none.
type Memory struct {
	Invocations int `json:"invocations" yaml:"invocations"` // per trial; one a block
}

// Count takes what a runtime counts of its guest: fuel, instructions. Counting
// slows execution, so times of these samples are not results.
type Count struct {
	Invocations int `json:"invocations" yaml:"invocations"` // per trial; one a block
}

// MaxCalls is how many calls an invocation makes at most, warm-up included: all
// of them become one frame of the journal.
const MaxCalls = 5000

// Limits bound one invocation. A zero field takes the default.
type Limits struct {
	Timeout time.Duration `json:"timeout_ns,omitempty"`   // default 60 s; outcome timeout
	Memory  int64         `json:"memory_bytes,omitempty"` // resident, whole process group; default none; outcome limit
	Output  int64         `json:"output_bytes,omitempty"` // stdout and stderr together; default 16 MiB; outcome limit
}

// The defaults of Limits.
const (
	DefaultTimeout = 60 * time.Second
	DefaultOutput  = 16 << 20
)
