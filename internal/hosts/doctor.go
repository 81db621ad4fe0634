package hosts

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/executors"
)

// A Mark says what a finding means for work here.
type Mark string

// The marks.
const (
	Good    Mark = "ok"
	Noisy   Mark = "noisy"   // numbers will be less certain
	Lacking Mark = "lacking" // some things cannot be done
	Broken  Mark = "broken"  // nothing can be measured
)

// A Finding is one fact about this machine.
type Finding struct {
	Mark  Mark   `json:"mark"`
	What  string `json:"what"`
	Found string `json:"found"`
}

// Findings says what a host has, what is missing and how to get it, and what
// would make measurements noisy. It looks at Go itself; the versions of runtimes
// and the host it is told.
func Findings(ctx context.Context, versions []assay.RuntimeVersion, host assay.Host) []Finding {
	var all []Finding
	add := func(m Mark, what, format string, args ...any) {
		all = append(all, Finding{m, what, fmt.Sprintf(format, args...)})
	}
	if out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output(); err != nil {
		add(Lacking, "go", "%v: building workloads and figures needs Go 1.26; replay does not", err)
	} else {
		add(Good, "go", "%s", strings.TrimSpace(string(out)))
	}
	for _, v := range versions {
		switch {
		case v.Absent != "":
			add(Lacking, "runtime "+v.Name, "%s", v.Absent)
		case v.Version == "":
			add(Good, "runtime "+v.Name, "%s", v.Origin)
		default:
			add(Good, "runtime "+v.Name, "%s", v.Version)
		}
	}
	if _, err := executors.AgentBinary(runtime.GOOS, runtime.GOARCH); err != nil {
		add(Broken, "agent", "%v", err)
	} else {
		add(Good, "agent", "%s/%s, embedded", runtime.GOOS, runtime.GOARCH)
	}
	return append(all, noise(host)...)
}

// Verdict is an error if a finding says that nothing can be measured.
func Verdict(findings []Finding) error {
	for _, f := range findings {
		if f.Mark == Broken {
			return fmt.Errorf("%s: %s", f.What, f.Found)
		}
	}
	return nil
}
