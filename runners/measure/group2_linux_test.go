package measure

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// In version 2 processor time is there without any controller; peak memory
// where its controller is, and else a reason.
func TestGroupOfVersion2(t *testing.T) {
	own, err := ownGroups()
	if err != nil {
		t.Fatal(err)
	}
	if own[""] == "" {
		tooltest.Missing(t, "cgroup2", err)
	}
	groups, cpu, memory := findGroups(map[string]string{"": own[""]})
	if cpu != nil || memory != nil && !strings.Contains(memory.Error(), "memory.peak") {
		t.Fatalf("processor time: %v; memory: %v; want nil, and nil or what is not there", cpu, memory)
	}
	g, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := enter(g.Dirs()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done").CombinedOutput()
	if err := leave(g.Dirs()); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if ns, peak := g.Read(); ns == nil || *ns <= 0 || (peak == nil) != (memory != nil) {
		t.Errorf("Read() = %v, %v; want processor time, and memory unless %v", ns, peak, memory)
	}
}

func TestNoGroups(t *testing.T) {
	if g, cpu, memory := findGroups(nil); g != nil || cpu == nil || memory == nil {
		t.Errorf("without control groups: %v, %v, %v; want none and why", g, cpu, memory)
	}
}
