package journal

import (
	"time"

	"github.com/assay-notebooks/assay"
)

// A Segment says which agent, where and when, took the samples that follow it.
// A run that was never resumed has one.
type Segment struct {
	Segment     int32        `json:"segment"`      // 0, and one more each time the run is resumed
	Started     time.Time    `json:"started"`      // wall clock when the agent began
	MonotonicNS int64        `json:"monotonic_ns"` // the host's monotonic clock then; Sample.StartNS counts from it
	Agent       assay.Digest `json:"agent,omitzero"`
	Host        assay.Host   `json:"host"`
	Env         []string     `json:"env,omitempty"` // allow-listed variables of the agent
}

// An End says how the segment in front of it ended. A segment without one was
// cut off.
type End struct {
	State assay.RunState `json:"state"`
}
