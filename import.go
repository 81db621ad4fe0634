package assay

// ImportFormat names the encoding of Import: canonical JSON of that type.
const ImportFormat = "assay.import.v1"

// An Import is the record of somebody's files that were turned into traces.
// It has no time and no path of this machine: the same files give the same
// record. The files themselves are kept, to the byte.
type Import struct {
	Format   string         `json:"format"`           // ImportFormat
	Name     string         `json:"name"`             // what it is called here: "fs23"
	Importer string         `json:"importer"`         // the kind of files: "ab-sweep"
	Revision int            `json:"revision"`         // of the importer: another one may give other traces
	Facts    []Fact         `json:"facts,omitempty"`  // that whoever imported gave, since no file says them
	Mapping  Digest         `json:"mapping,omitzero"` // of the file that says what the columns mean, where the format wants one
	Sources  []ImportSource `json:"sources"`          // every file, by path; those that are not understood, too
	Traces   []ImportTrace  `json:"traces"`
	Rejected int64          `json:"rejected,omitempty"` // rows in the trace "rejected"
	Notes    []string       `json:"notes,omitempty"`    // what a reader must know and no column can say
}

// A Fact is something that was said, not measured: "system" is "sledge".
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// An ImportSource is one file as it was found.
type ImportSource struct {
	Path   string `json:"path"`           // slash path below what was imported
	Digest Digest `json:"digest"`         // of its bytes as they are, compressed or not
	Size   int64  `json:"size"`           // bytes
	Kind   string `json:"kind,omitempty"` // what it was read as: "ab results"; "" if it was not read
	Rows   int64  `json:"rows"`           // that it gave
}

// An ImportTrace is one table of what the files hold.
type ImportTrace struct {
	Name    string         `json:"name"` // "requests"
	Meaning string         `json:"meaning,omitempty"`
	Trace   Digest         `json:"trace"`
	Rows    int64          `json:"rows"`
	Columns []ImportColumn `json:"columns"`
}

// An ImportColumn says what a column of an imported trace means, and how that
// is known.
type ImportColumn struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`           // int, float, string, bool
	Unit     string `json:"unit,omitempty"` // "" where there is none
	Meaning  string `json:"meaning,omitempty"`
	Role     Role   `json:"role,omitempty"`
	Basis    Basis  `json:"basis"`
	Evidence string `json:"evidence,omitempty"` // what Basis rests on: "rps = requests / duration in all 243 rows"
}

// A Basis says how the meaning of a column is known.
type Basis string

// The bases.
const (
	Known    Basis = "known"    // the file, or its format, says so
	Inferred Basis = "inferred" // it follows from the numbers: Evidence says how
	Given    Basis = "given"    // whoever imported said so
	Unknown  Basis = "unknown"  // nobody knows
)

// A Role says what a column is to somebody who compares systems, whatever the
// files call it. Lint and claims read roles, never names.
type Role string

// The roles. One trace may have several columns of a role where that makes
// sense: factors, latencies.
const (
	RoleSystem     Role = "system"     // what is compared: a runtime, a platform
	RoleWorkload   Role = "workload"   // what it ran: a function, a benchmark
	RoleFactor     Role = "factor"     // another condition: workers, machine, a setting
	RoleLoad       Role = "load"       // concurrency: requests in flight at once
	RoleRate       Role = "rate"       // requests a second that were offered, open loop
	RoleReplicate  Role = "replicate"  // number of the repetition under equal conditions
	RoleIteration  Role = "iteration"  // number of the sample in its replicate, in order of time
	RoleBlock      Role = "block"      // samples taken together
	RoleWarmup     Role = "warmup"     // bool: not a sample of the result
	RoleRequests   Role = "requests"   // requests made
	RoleFailed     Role = "failed"     // requests without a good answer: not 2xx, timed out, refused
	RoleDuration   Role = "duration"   // of the whole test
	RoleThroughput Role = "throughput" // requests a second that were answered
	RoleLatency    Role = "latency"    // of one request; Meaning says which statistic, if it is one
	RoleInterval   Role = "interval"   // mean time from one answer to the next over all connections
	RoleTransfer   Role = "transfer"   // bytes a second received
	RoleSize       Role = "size"       // bytes of an answer
	RoleStatus     Role = "status"     // of an answer: 200
	RoleTime       Role = "time"       // when, on a wall clock or since a start
	RoleStart      Role = "start"      // when something began
	RoleEnd        Role = "end"        // when it ended
	RoleSample     Role = "sample"     // the measured time of one iteration
	RoleMean       Role = "mean"       // a mean of samples that are not there
	RoleSpread     Role = "spread"     // a standard deviation of samples that are not there
	RoleCPU        Role = "cpu"        // processor use
	RoleMemory     Role = "memory"     // memory use
	RoleOutcome    Role = "outcome"    // how it ended
	RoleScope      Role = "scope"      // what the time spans: process, compile, instantiate, request
	RoleMode       Role = "mode"       // how code was executed: interpreter, jit, aot
	RoleCache      Role = "cache"      // state of caches: cold, warm
	RoleSource     Role = "source"     // path of the file that the row is from
	RoleLine       Role = "line"       // and its line there, from 1
)
