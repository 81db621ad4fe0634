package measure_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/measure"
)

// groupCrasher, in the environment of this test program, makes it crash.
const groupCrasher = "MEASURE_TEST_GROUP"

func findGroups(t *testing.T) (g *measure.Groups, cpu, memory error) {
	t.Helper()
	g, cpu, memory = measure.FindGroups()
	if g == nil {
		tooltest.Missing(t, "cgroup", fmt.Errorf("%w; %w", cpu, memory))
	}
	return g, cpu, memory
}

// A group has what everything in it used: also what left the process group, and
// what lives in a group that was made inside, as containers do.
func TestGroup(t *testing.T) {
	groups, cpuErr, memoryErr := findGroups(t)
	t.Logf("processor time: %v, memory: %v", cpuErr, memoryErr)
	l := start(t)
	// The grandchild is not waited for by the command: only its group shows it.
	inner := "for d in " + "$GROUPS_OF_IT; do mkdir $d/../inner && echo 0 > $d/../inner/cgroup.procs || exit 1; done; " + guest + " touch 64; echo done"
	for _, script := range []string{guest + " touch 64", "sh -c '" + inner + "' | cat", "sleep 1000 & setsid sleep 1000 & " + guest + " touch 64"} {
		g, err := groups.New()
		if err != nil {
			t.Fatal(err)
		}
		dirs := g.Dirs()
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", script},
			Env: []string{"PATH=/usr/bin:/bin", "GROUPS_OF_IT=" + strings.Join(dirs, " ")}}, measure.Options{Limits: limits, Group: dirs})
		if err != nil || res.Exit != 0 || res.Reason != "" {
			t.Fatalf("%s: exit %d, %s, %s, %v", script, res.Exit, res.StderrTail, res.Reason, err)
		}
		cpu, memory := g.Read()
		if (cpu == nil) != (cpuErr != nil) || cpu != nil && *cpu < res.Usage.CPUNS()/2 {
			t.Errorf("%s: processor time of the group %v, of the command %d", script, cpu, res.Usage.CPUNS())
		}
		if (memory == nil) != (memoryErr != nil) || memory != nil && (*memory < 64*mib || *memory > 96*mib) {
			t.Errorf("%s: memory of the group %v, want 64 MiB and little more", script, memory)
		}
		if err := g.Close(); err != nil {
			t.Errorf("%s: %v", script, err)
		}
		gone(t, dirs)
	}
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/cat", "/proc/self/cgroup"}}, measure.Options{Limits: limits})
	if own, _ := os.ReadFile("/proc/self/cgroup"); err != nil || string(res.StdoutTail) != string(own) {
		t.Errorf("after all that a command is in %s, %v; want %s", res.StdoutTail, err, own)
	}
}

// What left the process group, and has no parent there, is held to the limit of
// memory by its control group.
func TestLimitOfGroup(t *testing.T) {
	groups, _, _ := findGroups(t)
	g, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	limits := limits
	limits.Memory = 100 * mib
	script := "(setsid " + guest + " hold 200 &); sleep 1000"
	res, err := start(t).Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}},
		measure.Options{Limits: limits, Group: g.Dirs()})
	if err != nil || res.Killed != assay.Limit || res.Stdout.IsZero() {
		t.Errorf("killed for %q, %s, stdout %v, %v; want limit, and nobody who keeps stdout open", res.Killed, res.Reason, res.Stdout, err)
	}
}

func gone(t *testing.T, dirs []string) {
	t.Helper()
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Dir(dir)); err == nil {
			t.Errorf("%s is still there", filepath.Dir(dir))
		}
	}
}

// When the agent is gone, the launcher ends what is in the group, and the group.
func TestGroupOfTheDead(t *testing.T) {
	groups, _, _ := findGroups(t)
	g, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := measure.Start(agent, dir)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		script := "setsid sh -c 'echo $$ > pid; exec sleep 1000' & wait"
		_, err := l.Run(context.Background(), assay.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}},
			measure.Options{Limits: limits, Group: g.Dirs()})
		done <- err
	}()
	var pid int
	await(t, "the container to start", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		_, err = fmt.Sscan(string(b), &pid)
		return err == nil
	})
	l.Close()
	if err := <-done; err == nil {
		t.Error("Run during Close: no error, want one")
	}
	gone(t, g.Dirs())
	await(t, "what is in the group to end", func() bool { return !running(pid) })
}

// What a killed process left is removed by the next, and what a living one has
// is not, nor what one in a container has.
func TestGroupsLeftBehind(t *testing.T) {
	groups, _, _ := findGroups(t)
	living, err := groups.New()
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), groupCrasher+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pid int
	if _, err := fmt.Fscan(out, &dir, &pid); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil { // now: when it is dead, any agent here may remove it
		t.Fatalf("the group of a living process: %v; want it to be there", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	inContainer := fmt.Sprintf("assay-1-%d-1-1", os.Getpid()) // 1: no namespace has that number
	elsewhere := filepath.Join(filepath.Dir(filepath.Dir(dir)), inContainer)
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	findGroups(t)
	if err := os.Remove(elsewhere); err != nil {
		t.Errorf("the group of a process in another namespace: %v; want it to be there", err)
	}
	gone(t, []string{dir})
	await(t, "the process in the group to end", func() bool { return !running(pid) })
	if _, err := os.Stat(living.Dirs()[0]); err != nil {
		t.Errorf("the group of a living process: %v", err)
	}
}

// crash makes a group in which a process sleeps, says so, and waits to be
// killed.
func crash() error {
	groups, cpu, memory := measure.FindGroups()
	if groups == nil {
		return fmt.Errorf("%w; %w", cpu, memory)
	}
	g, err := groups.New()
	if err != nil {
		return err
	}
	dir := g.Dirs()[0]
	sleep := exec.Command("/bin/sleep", "1000")
	if err := sleep.Start(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, sleep.Process.Pid), 0); err != nil {
		return err
	}
	fmt.Println(dir, sleep.Process.Pid)
	select {}
}
