package assay

import "slices"

// NoiseFormat names the encoding of Noise: canonical JSON of that type.
const NoiseFormat = "assay.noise.v1"

// A Noise is a certificate of how much two equal treatments differ on a host:
// an A/A run. A smaller difference there says nothing.
type Noise struct {
	Format   string       `json:"format"` // NoiseFormat
	Host     Host         `json:"host"`   // without what differs from run to run: Name, Load1
	Run      string       `json:"run"`    // the A/A run, whose trace has every sample
	Workload string       `json:"workload"`
	Runtime  string       `json:"runtime"`
	Load1    string       `json:"load1,omitempty"` // of the host before that run: the first field of /proc/loadavg
	Phase    Phase        `json:"phase"`           // of the samples: process or call
	Floors   []NoiseFloor `json:"floors"`
	Method   string       `json:"method"` // in words
}

// A NoiseFloor is the noise of one metric.
type NoiseFloor struct {
	Metric string  `json:"metric"` // a column of the trace: "wall_ns"
	Floor  float64 `json:"floor"`  // share of the value: 0.03 is 3%
	N      int     `json:"n"`      // invocations under each of the two labels; of calls, their medians count
	Ratio  float64 `json:"ratio"`  // of the two labels' medians, as it was
	Low    float64 `json:"low"`    // its interval
	High   float64 `json:"high"`
}

// Floor returns the noise of a metric; ok is false if the certificate has none.
func (n Noise) Floor(metric string) (floor NoiseFloor, ok bool) {
	i := slices.IndexFunc(n.Floors, func(f NoiseFloor) bool { return f.Metric == metric })
	if i < 0 {
		return NoiseFloor{}, false
	}
	return n.Floors[i], true
}
