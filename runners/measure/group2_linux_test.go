package measure

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// A controller cannot be enabled below a group that has processes, and the error
// says that. Memory's is of version 1 on many hosts: any will do.
func TestEnableBesideProcesses(t *testing.T) {
	own, err := ownGroups()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(filepath.Join(own[""], "cgroup.controllers"))
	controllers := slices.DeleteFunc(strings.Fields(string(b)), func(c string) bool { return c == "cpu" || c == "pids" || c == "perf_event" || c == "cpuset" }) // may be of threads
	before, _ := os.ReadFile(filepath.Join(own[""], "cgroup.subtree_control"))
	if own[""] == "" || len(controllers) == 0 || enable(own[""], controllers[0]) != nil {
		t.Skipf("no controller of version 2 can be enabled here: %q", b)
	}
	dir, err := os.MkdirTemp(own[""], "assay-test-")
	if err != nil {
		t.Fatal(err)
	}
	sleep := exec.Command("/bin/sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sleep.Process.Kill()
		sleep.Wait()
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
		if !slices.Contains(strings.Fields(string(before)), controllers[0]) {
			os.WriteFile(filepath.Join(own[""], "cgroup.subtree_control"), []byte("-"+controllers[0]), 0)
		}
	}()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), strconv.AppendInt(nil, int64(sleep.Process.Pid), 10), 0); err != nil {
		t.Fatal(err)
	}
	if err := enable(dir, controllers[0]); err == nil || !strings.Contains(err.Error(), "without processes") {
		t.Errorf("enable(%s) beside a process: %v, want why it cannot be", controllers[0], err)
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
