package runners

import (
	"slices"
	"time"

	"github.com/assay-notebooks/assay"
)

// AgentFile is the name, in a run directory, of what the agent says of
// itself: an Agent as JSON, always whole.
const AgentFile = "agent.json"

// AgentBusy is the exit status of an agent that found another one at work in
// its run directory.
const AgentBusy = 3

// AgentWords is the argument, before the run directory, of an agent that shall
// write why it ended to descriptor 3 too: its log may be on a full disk.
const AgentWords = "--words"

// AgentExe is the path by which the agent starts its own binary again, from a
// plan too, which does not know where it will be put; AgentBundle is the
// argument with which that makes a bundle of a container image, AgentArchive
// that of one file of it:
//
//	bundle MANIFEST DIR NAME OPTIONS
//	archive MANIFEST FILE REF [ARG...]
//
// with what bundle.Make and bundle.Archive take, the options as JSON.
const (
	AgentExe     = "/proc/self/exe"
	AgentBundle  = "bundle"
	AgentArchive = "archive"
)

// ContainerName stands, where it is an argument by itself, for the name of a
// container that a daemon makes: in Command and Clean of trials that have the
// latter. Who carries them out puts a name there that no other run on the host
// has, with Named.
const ContainerName = "assay-container"

// Named returns c with name in place of ContainerName.
func Named(c assay.Command, name string) assay.Command {
	c.Argv = slices.Clone(c.Argv)
	for i, arg := range c.Argv {
		if arg == ContainerName {
			c.Argv[i] = name
		}
	}
	return c
}

// PreparedDir is the directory, in an agent's work, in which plans have what
// their preparations make.
const PreparedDir = "prepared"

// PrepareTimeout bounds each preparation. Compiling a large module as a whole
// takes minutes.
const PrepareTimeout = 10 * time.Minute

// PlanFile is the name, in a run directory, of the plan: canonical JSON.
const PlanFile = "plan.json"

// An Agent is the process that works, or worked last, in a run directory.
type Agent struct {
	PID     int            `json:"pid"`
	Start   uint64         `json:"start_ticks"` // of the process, in clock ticks after boot: with PID, its identity
	Exe     assay.Digest   `json:"exe"`         // of its binary
	Began   time.Time      `json:"began"`
	Segment int            `json:"segment"`              // how often the run had been resumed
	Floor   int64          `json:"peak_rss_floor_bytes"` // assay.Run.RSSFloor, of all segments so far
	Load1   string         `json:"load1"`
	State   assay.RunState `json:"state"`
	Error   string         `json:"error,omitempty"` // why it stopped, where nobody asked it to

	// Of all segments so far; of the agent's own, once it has found them out.
	Unmeasured    map[string]string `json:"unmeasured,omitempty"`     // assay.Run.Unmeasured
	Launch        *assay.Estimate   `json:"launch,omitempty"`         // assay.Run.Launch
	LaunchSegment int               `json:"launch_segment,omitempty"` // assay.Run.LaunchSegment
}
