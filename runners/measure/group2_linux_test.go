package measure

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// A group that cannot be removed yet fails nothing, and is removed later.
func TestSlowDeath(t *testing.T) {
	own, err := ownGroups()
	if err != nil || own["freezer"] == "" || own["cpuacct"] == "" {
		t.Skipf("no hierarchies of version 1 with freezer and cpuacct: %v, %v", own, err)
	}
	groups, cpu, _ := findGroups(map[string]string{"cpuacct": own["cpuacct"]})
	if groups == nil {
		tooltest.Missing(t, "cgroup", cpu)
	}
	freezer, err := os.MkdirTemp(own["freezer"], "assay-test-")
	if err != nil {
		tooltest.Missing(t, "cgroup", err)
	}
	write := func(dir, file, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	g, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(g.Dirs()[0])
	paused := exec.Command("/bin/sleep", "1000")
	if err := paused.Start(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(paused.Process.Pid)
	write(dir, "cgroup.procs", pid)
	write(freezer, "cgroup.procs", pid)
	write(freezer, "freezer.state", "FROZEN")
	err = g.Close()
	if _, there := os.Stat(dir); err != nil || there != nil {
		t.Errorf("Close() of a group with a paused process: %v, its directory: %v; want neither error", err, there)
	}
	write(freezer, "freezer.state", "THAWED")
	paused.Wait()
	next, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if _, err := os.Stat(dir); err == nil {
		t.Error("the group of a process that is gone is there after another was made")
	}
	if err := os.Remove(freezer); err != nil {
		t.Error(err)
	}
}

func TestNoGroups(t *testing.T) {
	t.Chdir(t.TempDir())
	if g, cpu, memory := findGroups(nil); g != nil || cpu == nil || memory == nil {
		t.Errorf("without control groups: %v, %v, %v; want none and why", g, cpu, memory)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("it left %v in the working directory, %v", left, err)
	}
}
