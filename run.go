package assay

import "time"

// RunFormat names the encoding of Run: canonical JSON of that type.
const RunFormat = "assay.run.v1"

// A Run is the record of one execution of a plan: everything that is not a
// sample. The samples are in its trace.
type Run struct {
	Format        string            `json:"format"` // RunFormat
	ID            string            `json:"id"`     // "20261124T181530Z-3f9a1c"
	Name          string            `json:"name"`   // the experiment's
	Experiment    Digest            `json:"experiment"`
	Plan          Digest            `json:"plan"`
	Trace         Digest            `json:"trace"`
	State         RunState          `json:"state"`
	Host          Host              `json:"host"`
	Runtimes      []RuntimeVersion  `json:"runtimes"`
	Agent         Digest            `json:"agent"`         // the assay-agent binary
	Version       string            `json:"version"`       // of assay
	Env           []string          `json:"env,omitempty"` // allow-listed variables of the measuring process
	Started       time.Time         `json:"started"`
	Finished      time.Time         `json:"finished,omitzero"`
	Segments      int               `json:"segments"`                 // 1 + how often it was resumed
	RSSFloor      int64             `json:"peak_rss_floor_bytes"`     // where Sample.RSSBytes is nil, the peak was at or below it: the highest of all segments
	Unmeasured    map[string]string `json:"unmeasured,omitempty"`     // columns of the trace that this host cannot fill, and why: "cycles"
	Launch        *Estimate         `json:"launch,omitempty"`         // what starting a process that ends at once takes here: it is in every sample of phase process, and subtracted from none; of the segment where it took longest
	LaunchSegment int               `json:"launch_segment,omitempty"` // which that is
	Ready         []string          `json:"ready,omitempty"`          // what was not as one wants it when the run began, or was resumed: "load 3.1 on 2 processors"
	Changed       []string          `json:"changed,omitempty"`        // what was another program at its end than when it began: samples may be of either
	Outcomes      map[Outcome]int   `json:"outcomes"`                 // of planned invocations; warm-up is left out
}

// A RunState says how far a run is.
type RunState string

// The states of a run.
const (
	Running     RunState = "running"
	Complete    RunState = "complete"    // every planned invocation has an outcome
	Interrupted RunState = "interrupted" // stopped early: what was measured is kept, and it can be resumed
)

// A Host is the fingerprint of a machine.
type Host struct {
	Name     string `json:"name"`   // what an experiment calls it: "local"
	OS       string `json:"os"`     // GOOS
	Arch     string `json:"arch"`   // GOARCH
	Kernel   string `json:"kernel"` // uname -sr
	CPU      string `json:"cpu"`    // model name
	Cores    int    `json:"cores"`  // online
	Memory   int64  `json:"memory_bytes"`
	Governor string `json:"governor"`        // "" where the kernel does not say
	Virtual  string `json:"virtual"`         // hypervisor or container, as far as seen
	Load1    string `json:"load1"`           // 1-minute load average when the run began
	Clock    string `json:"clock"`           // clocksource
	Turbo    string `json:"turbo,omitempty"` // "on", "off"; "" where the kernel does not say
	SMT      string `json:"smt,omitempty"`   // "on", "off", "notsupported"; "" where the kernel does not say
}

// A RuntimeVersion pins what executed the trials of one runtime.
type RuntimeVersion struct {
	Name      string   `json:"name"`
	Version   string   `json:"version,omitempty"`
	Path      string   `json:"path,omitempty"`
	Loader    []string `json:"loader,omitempty"`    // arguments that go before Path to start it, and are timed with it: the dynamic loader of what is extracted beside the system, what unshares for crun
	Digest    Digest   `json:"digest,omitzero"`     // of the file at Path
	Absent    string   `json:"absent,omitempty"`    // why it could not take part
	Origin    string   `json:"origin,omitempty"`    // how it was obtained
	Files     []File   `json:"files,omitempty"`     // others that take part and come with it: a shim, a library
	Pinned    Digest   `json:"pinned,omitzero"`     // manifest of the artifact that has these very files, if assay.lock pinned it then
	Libraries []File   `json:"libraries,omitempty"` // of the host, that the program loads when it begins, the C library among them; they are not pinned
}

// A File is a file that takes part in a run.
type File struct {
	Path   string `json:"path"`
	Digest Digest `json:"digest"`
}
