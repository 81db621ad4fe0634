package lab

import (
	"testing"

	"github.com/assay-notebooks/assay"
)

// A module of a workload is one part of it.
func TestWorkloadParts(t *testing.T) {
	reactor := assay.DigestOf([]byte("reactor"))
	parts := workloadParts(assay.Workload{Module: assay.DigestOf([]byte("command")), Variants: map[assay.Variant]assay.Digest{assay.Reactor: reactor}})
	if len(parts) != 2 || parts[1].Name != "module reactor" || parts[1].Digest != reactor {
		t.Errorf("parts %+v, want the command and the reactor", parts)
	}
}
