package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/internal/agent"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
)

// program is the agent, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "agent-")
	if err == nil {
		program = filepath.Join(dir, "assay-agent")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/assay-notebooks/assay/cmd/assay-agent")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func shell(script string) assay.Command {
	return assay.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

// plan has every trial once a block, in an order that differs by block.
func plan(blocks, warmup int, trials ...assay.Trial) assay.Plan {
	p := assay.Plan{
		Format: assay.PlanFormat, Name: "test", Host: "here", Trials: trials, Warmup: warmup,
		Limits: assay.Limits{Timeout: 2 * time.Minute, Output: 1 << 20},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range blocks {
		p.Order = append(p.Order, rng.Perm(len(trials)))
	}
	return p
}

func write(t testing.TB, p assay.Plan) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeTo(t, dir, p)
	return dir
}

func writeTo(t testing.TB, dir string, p assay.Plan) {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, runners.PlanFile), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// run runs the agent to its end and returns its exit status and stderr.
func run(t testing.TB, dir string) (int, string) {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(program, "run", dir)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stderr.String()
}

func read(t testing.TB, dir string) journal.Journal {
	t.Helper()
	j, err := journal.Read(filepath.Join(dir, agent.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// processes are the rows of whole processes.
func processes(j journal.Journal) []assay.Sample {
	return slices.DeleteFunc(slices.Clone(j.Samples), func(s assay.Sample) bool { return s.Phase != assay.Process })
}

func record(t testing.TB, dir string) (a runners.Agent) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, runners.AgentFile)), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOutcomes(t *testing.T) {
	hi := assay.Expectation{Stdout: assay.DigestOf([]byte("hi\n"))}
	all := plan(1, 0,
		assay.Trial{Workload: "ok", Command: shell("echo hi"), Expect: hi},
		assay.Trial{Workload: "expected exit", Command: shell("exit 3"), Expect: assay.Expectation{Exit: 3}},
		assay.Trial{Workload: "exit", Command: shell("echo why >&2; exit 3")},
		assay.Trial{Workload: "trap", Command: shell("echo trapped: unreachable >&2; exit 3"),
			Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{3}, Stderr: "^trapped: "}}},
		assay.Trial{Workload: "no trap", Command: shell("echo trapped: unreachable >&2; exit 4"),
			Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{3}, Stderr: "^trapped: "}}},
		assay.Trial{Workload: "shim's trap", Command: shell("echo panic >&2; echo assay-shim: trap: unreachable >&2; exit 134"), Signs: runners.ShimSigns},
		assay.Trial{Workload: "shim's wrong", Command: shell("echo assay-shim: wrong: 1, then 2 >&2; exit 65"), Expect: hi, Signs: runners.ShimSigns},
		assay.Trial{Workload: "signal", Command: shell("kill -SEGV $$")},
		assay.Trial{Workload: "crash", Command: shell("kill -SEGV $$"),
			Signs: []assay.Sign{{Outcome: assay.RuntimeCrash, Signal: []string{"*"}}}},
		assay.Trial{Workload: "limit", Command: shell("yes")},
		assay.Trial{Workload: "wrong output", Command: shell("echo ho"), Expect: hi},
		assay.Trial{Workload: "no program", Command: assay.Command{Argv: []string{"/etc/passwd"}}},
		assay.Trial{Workload: "unsupported", Unsupported: "node not found"},
		assay.Trial{Workload: "prepared", Prepare: []assay.Command{shell("echo hi > it")}, Command: shell("cat it"), Expect: hi},
		assay.Trial{Workload: "not prepared", Prepare: []assay.Command{shell("echo no room >&2; exit 1")}, Command: shell("echo hi")},
	)
	late := plan(1, 0, assay.Trial{Workload: "timeout", Command: shell("while :; do :; done")})
	late.Limits.Timeout = 300 * time.Millisecond
	got := make(map[string]assay.Sample)
	for _, p := range []assay.Plan{all, late} {
		dir := write(t, p)
		if code, stderr := run(t, dir); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		for _, s := range processes(read(t, dir)) {
			got[s.Workload] = s
		}
	}
	for _, c := range []struct {
		workload string
		want     assay.Outcome
		exit     int32
		signal   string
		detail   string
		measured bool
	}{
		{"ok", assay.OK, 0, "", "", true},
		{"expected exit", assay.OK, 3, "", "", true},
		{"exit", assay.Exit, 3, "", "why", true},
		{"trap", assay.Trap, 3, "", "trapped: unreachable", true},
		{"no trap", assay.Exit, 4, "", "trapped: unreachable", true},
		{"shim's trap", assay.Trap, 134, "", "panic\nunreachable", true},
		{"shim's wrong", assay.WrongOutput, 65, "", "1, then 2", true},
		{"signal", assay.Signal, -1, "SIGSEGV", "SIGSEGV", true},
		{"crash", assay.RuntimeCrash, -1, "SIGSEGV", "SIGSEGV", true},
		{"timeout", assay.Timeout, -1, "SIGKILL", "still running after 300ms", true},
		{"limit", assay.Limit, -1, "SIGKILL", "more than 1048576 bytes of output", true},
		{"wrong output", assay.WrongOutput, 0, "", "stdout is not the expected one; it ends \"ho\\n\"", true},
		{"no program", assay.RuntimeCrash, -1, "", "start /etc/passwd: permission denied", false},
		{"unsupported", assay.Unsupported, -1, "", "node not found", false},
		{"prepared", assay.OK, 0, "", "", true},
		{"not prepared", assay.RuntimeCrash, -1, "", "prepare /bin/sh -c echo no room >&2; exit 1: no room", false},
	} {
		s := got[c.workload]
		if s.Outcome != c.want || s.Exit != c.exit || s.Signal != c.signal || s.Detail != c.detail {
			t.Errorf("%s: outcome %s, exit %d, signal %q, detail %q; want %s, %d, %q, %q", c.workload,
				s.Outcome, s.Exit, s.Signal, s.Detail, c.want, c.exit, c.signal, c.detail)
		}
		if measured := s.WallNS != nil && s.CPUNS != nil && *s.WallNS > 0 && s.StartNS > 0; measured != c.measured {
			t.Errorf("%s: measured %t, want %t: %+v", c.workload, measured, c.measured, s)
		}
	}
}

func TestOrderAndWarmup(t *testing.T) {
	p := plan(4, 1, assay.Trial{Workload: "a", Command: shell("")}, assay.Trial{Workload: "b", Command: shell("")},
		assay.Trial{Workload: "c", Unsupported: "because"})
	dir := write(t, p)
	if code, stderr := run(t, dir); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	j := read(t, dir)
	if j.State != assay.Complete || len(j.Samples) != 12 || len(j.Segments) != 1 {
		t.Fatalf("journal is %s with %d samples in %d segments, want complete, 12, 1", j.State, len(j.Samples), len(j.Segments))
	}
	for i, s := range j.Samples {
		block, at := i/3, i%3
		if s.Seq != int64(i) || s.Block != int32(block) || s.Trial != int32(p.Order[block][at]) || s.Warmup != (block < 1) || s.Host != "here" {
			t.Errorf("sample %d = %+v; want block %d, trial %d, warm-up %t", i, s, block, p.Order[block][at], block < 1)
		}
	}
	a := record(t, dir)
	seg := j.Segments[0]
	if a.State != assay.Complete || seg.Agent != a.Exe || a.Exe.IsZero() || seg.Host.Kernel == "" || seg.MonotonicNS == 0 {
		t.Errorf("record %+v and segment %+v: want complete, one agent, a host", a, seg)
	}
	if code, stderr := run(t, dir); code != 0 || !slices.EqualFunc(read(t, dir).Samples, j.Samples, sameSample) {
		t.Errorf("a second run: exit %d %s; want 0 and the same journal", code, stderr)
	}
}

func sameSample(a, b assay.Sample) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestTerminate(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		started := filepath.Join(t.TempDir(), "started")
		dir := write(t, plan(1, 0, assay.Trial{Workload: "a", Command: shell("[ -e " + started + " ] || { touch " + started + "; sleep 1000; }")}))
		cmd := exec.Command(program, "run", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 12_000 {
			if _, err := os.Stat(started); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cmd.Process.Signal(sig)
		err := cmd.Wait()
		j, a := read(t, dir), record(t, dir)
		if cmd.ProcessState.ExitCode() != 130 || len(j.Samples) != 0 || j.State != assay.Interrupted || a.State != assay.Interrupted || a.Error != "" {
			t.Errorf("%v: %v, %d samples, journal %s, record %+v; want exit 130, none, interrupted", sig, err, len(j.Samples), j.State, a)
		}
		code, stderr := run(t, dir)
		if j := read(t, dir); code != 0 || len(j.Samples) != 1 || j.Samples[0].Segment != 1 || j.State != assay.Complete {
			t.Errorf("resumed after %v: exit %d %s, journal %s with %d samples; want 0, complete, one", sig, code, stderr, j.State, len(j.Samples))
		}
	}
}

// TestFilesThatVanish deletes what a plan names while the agent is at work: the
// invocation that fails for it is no outcome, and comes again.
func TestFilesThatVanish(t *testing.T) {
	for _, name := range []string{"program", "module", "stdin"} {
		files := t.TempDir()
		path := func(name string) string { return filepath.Join(files, name) }
		put := func() {
			t.Helper()
			for name, data := range map[string]string{"program": "#!/bin/sh\ncat $1 - && rm -f $2\n", "module": "m", "stdin": "s"} {
				if err := os.WriteFile(path(name), []byte(data), 0o777); err != nil {
					t.Fatal(err)
				}
			}
		}
		put()
		doomed := path(name)
		dir := write(t, plan(3, 0, assay.Trial{Command: assay.Command{
			Argv: []string{path("program"), path("module"), doomed}, Stdin: path("stdin"), Env: []string{"PATH=/usr/bin:/bin"},
		}}))
		code, stderr := run(t, dir)
		j, a := read(t, dir), record(t, dir)
		j.Samples = processes(j)
		if code != 1 || !strings.Contains(stderr, doomed+", which the plan names, is gone") || !strings.Contains(a.Error, doomed) {
			t.Errorf("%s: exit %d, stderr %q, record %+v; want 1 and that %s is gone", name, code, stderr, a, doomed)
		}
		if len(j.Samples) != 1 || j.State != assay.Interrupted || a.State != assay.Interrupted {
			t.Errorf("%s: journal %s with %d samples, record %s; want interrupted with the one before", name, j.State, len(j.Samples), a.State)
		}
		put()
		if err := os.WriteFile(path("program"), []byte("#!/bin/sh\ncat $1 -\n"), 0o777); err != nil {
			t.Fatal(err)
		}
		code, stderr = run(t, dir)
		j = read(t, dir)
		j.Samples = processes(j)
		if code != 0 || len(j.Samples) != 3 || j.State != assay.Complete {
			t.Fatalf("%s, resumed: exit %d %s, journal %s with %d samples; want 0, complete, three", name, code, stderr, j.State, len(j.Samples))
		}
		for _, s := range j.Samples {
			if s.Outcome != assay.OK {
				t.Errorf("%s: invocation %d is %s: %s; want ok", name, s.Seq, s.Outcome, s.Detail)
			}
		}
	}
}

// TestFullDisk has a workload fill the disk that the journal is on.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("assay", disk, "tmpfs", 0, "size=1m"); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	const blocks = 200
	fill := filepath.Join(disk, "fill")
	dir := filepath.Join(disk, "run")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	writeTo(t, dir, plan(blocks, 0, assay.Trial{Command: shell("[ -e " + fill + " ] && cat /dev/zero >> " + fill + "; exit 0")}))
	if err := os.WriteFile(fill, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	code, stderr := run(t, dir)
	a, before := record(t, dir), read(t, dir)
	const want = "no space left on device"
	path := filepath.Join(dir, agent.JournalFile)
	if code != 1 || !strings.Contains(stderr, want) || a.State != assay.Interrupted || !strings.Contains(a.Error, want) || !strings.Contains(a.Error, path) {
		t.Errorf("on a full disk: exit %d, stderr %q, record %+v; want 1, and interrupted: %s: %s", code, stderr, a, path, want)
	}
	if before.State != assay.Interrupted || len(before.Samples) == 0 || len(before.Samples) == blocks {
		t.Errorf("journal %s with %d samples, want some, interrupted", before.State, len(before.Samples))
	}

	code, stderr = run(t, dir) // still full
	if code != 1 || !strings.Contains(stderr, want+"; free space there") || !strings.Contains(stderr, dir) {
		t.Errorf("begun on a full disk: exit %d, %q; want 1 and %s, with the path and a remedy", code, stderr, want)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	code, stderr = run(t, dir)
	if j := read(t, dir); code != 0 || j.State != assay.Complete || len(j.Samples) != blocks {
		t.Errorf("with room again: exit %d %s, journal %s with %d samples; want 0, complete, %d", code, stderr, j.State, len(j.Samples), blocks)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "agent.*")); len(left) != 1 {
		t.Errorf("a complete run has %v, want only its record", left)
	}
}

func TestBadPlans(t *testing.T) {
	good := plan(1, 0, assay.Trial{Command: shell("")})
	for _, c := range []struct {
		name string
		edit func(*assay.Plan)
		want string
	}{
		{"format", func(p *assay.Plan) { p.Format = "assay.plan.v9" }, "assay.plan.v9"},
		{"limits", func(p *assay.Plan) { p.Limits.Output = 0 }, "want a timeout and an output limit"},
		{"relative", func(p *assay.Plan) { p.Trials[0].Command.Argv = []string{"sh"} }, "want an absolute path"},
		{"no trial", func(p *assay.Plan) { p.Order = [][]int{{1}} }, "trial 1 is unknown"},
		{"short block", func(p *assay.Plan) { p.Order = [][]int{{}} }, "0 of 1 trials"},
		{"memory and phases", func(p *assay.Plan) { p.Memory, p.Phases = true, true }, "memory is measured alone"},
		{"seed", func(p *assay.Plan) { p.Padding, p.Seed = 8, "x" }, "64 bits in hexadecimal"},
		{"processor", func(p *assay.Plan) { p.CPUs = "1023" }, "change cpus in the protocol"},
		{"directory", func(p *assay.Plan) { p.Trials[0].Command.Dir = "/tmp" }, "below the agent's work"},
		{"scratch", func(p *assay.Plan) { p.Trials[0].Scratch = "../x" }, "below the agent's work"},
		{"all as scratch", func(p *assay.Plan) { p.Trials[0].Scratch = "x/.." }, "below the agent's work"},
		{"pattern", func(p *assay.Plan) { p.Trials[0].Signs = []assay.Sign{{Outcome: assay.Trap, Stderr: "("}} }, "sign of trap"},
	} {
		p := good
		p.Trials = slices.Clone(good.Trials)
		c.edit(&p)
		dir := write(t, p)
		code, stderr := run(t, dir)
		if code != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q; want 1 and %q", c.name, code, stderr, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, agent.JournalFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a journal was begun (%v), want none", c.name, err)
		}
	}
}

// The record has the floor that was in force for the last peak that is not told.
func TestFloor(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	dir, _ := complete(t, plan(150, 0, assay.Trial{Command: shell(`while read name size rest; do [ $name = VmHWM: ] && echo $size; done < /proc/$PPID/status > ` + seen)}))
	floor, err := strconv.ParseInt(strings.TrimSpace(string(readFile(t, seen))), 10, 64)
	if got := record(t, dir).Floor >> 10; err != nil || got < floor {
		t.Errorf("the record's floor is %d KiB, the launcher held %d, %v", got, floor, err)
	}
}

// What the record says of earlier segments is kept: the highest floor, the
// longest launch, all that was not measured.
func TestRecordOfSegments(t *testing.T) {
	for _, tt := range []struct {
		floor, launch int64
		kept          bool
	}{{1, 1, false}, {1 << 40, 1 << 40, true}} {
		dir := write(t, plan(1, 0, assay.Trial{Command: shell("echo hi")}))
		before, err := json.Marshal(runners.Agent{PID: 1, Floor: tt.floor, LaunchSegment: 7,
			Unmeasured: map[string]string{"some": "why"}, Launch: &assay.Estimate{Value: float64(tt.launch), Unit: "ns"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, runners.AgentFile), before, 0o666); err != nil {
			t.Fatal(err)
		}
		for range 2 { // and when it is complete already
			if code, stderr := run(t, dir); code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			a := record(t, dir)
			if (a.Floor == tt.floor) != tt.kept || (a.Launch.Value == float64(tt.launch)) != tt.kept || (a.LaunchSegment == 7) != tt.kept || a.Unmeasured["some"] != "why" {
				t.Errorf("after floor and launch of %d: %+v, launch %+v", tt.floor, a, a.Launch)
			}
		}
	}
}

// The log says what was cut off of a journal that ended within an invocation.
func TestTorn(t *testing.T) {
	dir, _ := complete(t, plan(1, 0, assay.Trial{Command: shell("echo hi")}))
	path := filepath.Join(dir, agent.JournalFile)
	if err := os.WriteFile(path, append(readFile(t, path), "frmIhalf"...), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, stderr := run(t, dir); code != 0 || !strings.Contains(stderr, "8 bytes were cut off") {
		t.Errorf("exit %d, said %q; want 0 and how many bytes were cut off", code, stderr)
	}
}

// A killed agent's calibration may be running still when the next one begins.
func TestCalibrateAgain(t *testing.T) {
	dir := write(t, plan(1, 0, assay.Trial{Command: shell("echo hi")}))
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	left := exec.Command(filepath.Join(dir, "nothing"), "600")
	if err := os.WriteFile(left.Path, readFile(t, sleep), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	defer left.Wait()
	defer left.Process.Kill()
	if code, stderr := run(t, dir); code != 0 {
		t.Errorf("exit %d, said %q; want 0", code, stderr)
	}
}

// TestResume kills the agent 100 times at random moments.
func TestResume(t *testing.T) {
	const kills = 100
	ran := filepath.Join(t.TempDir(), "ran")
	p := plan(600, 10,
		assay.Trial{Workload: "count", Runtime: "native", Command: shell("echo >> " + ran)},
		assay.Trial{Workload: "exit", Runtime: "native", Command: shell("exit 3")},
		assay.Trial{Workload: "none", Runtime: "v8", Unsupported: "node not found"},
	)
	dir := write(t, p)
	planned := len(p.Order) * len(p.Trials)
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)

	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	size := func() int64 { // of the journal
		info, err := os.Stat(filepath.Join(dir, agent.JournalFile))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	var before []assay.Sample
	empty := 0 // kills before the first row of their segment
	for i := range kills {
		cmd := exec.Command(program, "run", dir)
		cmd.Stderr = log // a file: waiting for the agent must not mean waiting for its launcher
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if i%4 > 0 { // three in four while it measures, the others at any moment of its start
			begun := size()
			for n := 0; n < 120_000 && size() == begun; n++ {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Duration(rng.Int64N(int64(30 * time.Millisecond))))
		cmd.Process.Kill()
		if cmd.Wait(); cmd.ProcessState.Exited() {
			t.Fatalf("kill %d came after the agent's end, %v: %s", i, cmd.ProcessState, readFile(t, log.Name()))
		}
		j, err := journal.Read(filepath.Join(dir, agent.JournalFile))
		if err != nil {
			if len(before) == 0 && (errors.Is(err, os.ErrNotExist) || errors.Is(err, journal.ErrFormat)) {
				continue // killed before there was a journal
			}
			t.Fatalf("after kill %d: %v", i, err)
		}
		if len(j.Samples) < len(before) || !slices.EqualFunc(j.Samples[:len(before)], before, sameSample) {
			t.Fatalf("after kill %d: rows that were there are gone or changed", i)
		}
		if len(j.Samples) == len(before) {
			empty++
		}
		before = j.Samples
	}
	if code, stderr := run(t, dir); code != 0 {
		t.Fatalf("last run: exit %d: %s", code, stderr)
	}

	j := read(t, dir)
	seen := make(map[int64]int)
	outcomes := make(map[assay.Outcome]int)
	var counted int
	for _, s := range j.Samples {
		seen[s.Seq]++
		outcomes[s.Outcome]++
		if s.Workload == "count" {
			counted++
		}
		if want := p.Order[s.Block][s.Seq%3]; int(s.Trial) != want {
			t.Errorf("invocation %d is of trial %d, want %d", s.Seq, s.Trial, want)
		}
	}
	for seq := range int64(planned) {
		if seen[seq] != 1 {
			t.Errorf("invocation %d has %d outcomes, want 1", seq, seen[seq])
		}
	}
	if len(j.Samples) != planned || outcomes[assay.OK] != 600 || outcomes[assay.Exit] != 600 || outcomes[assay.Unsupported] != 600 {
		t.Errorf("%d rows, outcomes %v; want %d, 600 each of ok, exit, unsupported", len(j.Samples), outcomes, planned)
	}
	if j.State != assay.Complete || record(t, dir).State != assay.Complete {
		t.Errorf("journal %s, record %s; want complete", j.State, record(t, dir).State)
	}
	b := readFile(t, ran)
	if lost := len(b) - counted; lost < 0 || lost > kills {
		t.Errorf("%d executions for %d rows; want at most one a kill more", len(b), counted)
	}
	t.Logf("%d kills (%d before a row), %d segments: %d planned invocations, %d rows, 0 lost, 0 doubled, %d executions not recorded; outcomes %v",
		kills, empty, len(j.Segments), planned, len(j.Samples), len(b)-counted, outcomes)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
