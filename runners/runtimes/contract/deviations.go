package contract

import (
	"slices"

	"github.com/assay-notebooks/assay"
)

// A Deviation is what runtimes are known to do otherwise than the contract
// says. One that is gone fails the contract until it is taken out.
type Deviation struct {
	Runtimes []string
	Cases    []string
	Got      assay.Outcome
	Why      string
}

func deviation(runtime, name string) (Deviation, bool) {
	for _, d := range Deviations {
		if slices.Contains(d.Runtimes, runtime) && slices.Contains(d.Cases, name) {
			return d, true
		}
	}
	return Deviation{}, false
}

// Deviations lists what was seen.
var Deviations = []Deviation{
	{[]string{"runc", "crun"}, []string{"abort"}, assay.Exit, "a container runtime ends with 134 when its process died by SIGABRT, and when it exited with 134"},
}
