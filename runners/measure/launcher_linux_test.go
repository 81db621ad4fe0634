package measure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/measure"
)

const mib = 1 << 20

var limits = assay.Limits{Timeout: 2 * time.Minute, Output: 1 * mib}

// agent and guest are programs built once for all tests.
var agent, guest string

func TestMain(m *testing.M) {
	if os.Getenv(groupCrasher) != "" {
		fmt.Fprintln(os.Stderr, crash())
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "measure-")
	if err == nil {
		agent, guest = filepath.Join(dir, "assay-agent"), filepath.Join(dir, "guest")
		err = errors.Join(
			build(agent, "github.com/assay-notebooks/assay/cmd/assay-agent"),
			build(guest, "./testdata/guest.go"),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(out, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

func start(t testing.TB) *measure.Launcher {
	t.Helper()
	l, err := measure.Start(agent, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close launcher: %v", err)
		}
	})
	return l
}

func TestPeakMemory(t *testing.T) {
	ballast := make([]byte, 300*mib)
	for i := 0; i < len(ballast); i += 4 << 10 {
		ballast[i] = 1
	}
	l := start(t)
	for _, c := range []struct {
		argv      []string
		low, high int64 // 0: at or below the floor is right too
	}{
		{[]string{guest, "touch", "64"}, 64 * mib, 80 * mib},
		{[]string{guest, "touch", "0"}, 0, 8 * mib},
		{[]string{"/bin/true"}, 0, 8 * mib},
	} {
		res, err := l.Run(t.Context(), assay.Command{Argv: c.argv}, measure.Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		if res.RSSBytes != nil {
			got = *res.RSSBytes
		}
		t.Logf("%q: peak %d KiB, floor %d KiB, cpu %v, wall %v", c.argv[1:], got>>10, res.FloorBytes>>10,
			time.Duration(res.Usage.CPUNS()), time.Duration(res.WallNS))
		if got < c.low || got > c.high {
			t.Errorf("%q under a parent of %d MiB: peak %d KiB, want %d to %d", c.argv, len(ballast)/mib, got>>10, c.low>>10, c.high>>10)
		}
		if res.RSSBytes != nil && got <= res.FloorBytes {
			t.Errorf("%q: peak %d is not above the floor %d, and yet reported", c.argv, got, res.FloorBytes)
		}
	}
	if ballast[0] != 1 {
		t.Fatal("the ballast must live until here")
	}
}

// The floor must not rise while samples are taken: the early ones would tell
// smaller peaks apart than the late ones. And no peak that is the launcher's is
// taken for a command's, also where the launcher itself grows.
func TestFloorStays(t *testing.T) {
	for _, memory := range []int64{0, 1 << 30} {
		l := start(t)
		limits := limits
		limits.Memory = memory
		peaks := func(commands, env int) (floors []int64) {
			t.Helper()
			random := rand.New(rand.NewPCG(1, 2))
			for range commands {
				c := assay.Command{Argv: []string{"/bin/true"}}
				for left := random.IntN(env + 1); left > 0; left -= 100 << 10 { // less than Linux's limit for one string
					c.Env = append(c.Env, "A="+strings.Repeat("x", min(left, 100<<10)))
				}
				res, err := l.Run(t.Context(), c, measure.Options{Limits: limits})
				if err != nil || !res.Started() {
					t.Fatal(res.Reason, err)
				}
				if res.RSSBytes != nil {
					t.Errorf("/bin/true: peak %d KiB, floor %d KiB: want none, for it has less", *res.RSSBytes>>10, res.FloorBytes>>10)
				}
				floors = append(floors, res.FloorBytes)
			}
			return slices.Compact(floors)
		}
		for _, env := range []int{0, 1 << 10} {
			if got := peaks(300, env); l.Floor() == 0 || !slices.Equal(got, []int64{l.Floor()}) {
				t.Errorf("floors %d of commands with up to %d bytes of environment, want %d at first and always", got, env, l.Floor())
			}
		}
		peaks(300, 64<<10)
		grown := peaks(20, 1_500_000)
		if last := grown[len(grown)-1]; last <= l.Floor() {
			t.Errorf("floor %d after environments of up to 1.5 MB, want above %d", last, l.Floor())
		}
		peaks(100, 0)
	}
}

// The end of a command runs no handler in the launcher; and a command finds
// all signals as by default.
func TestSignals(t *testing.T) {
	res, err := start(t).Run(t.Context(), assay.Command{Argv: []string{"/bin/cat", "/proc/self/status"}}, measure.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	field := func(status []byte, name string) (n uint64) {
		_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
		verb := "%x"
		if name == "PPid" {
			verb = "%d"
		}
		if _, err := fmt.Sscanf(string(rest), verb, &n); err != nil {
			t.Fatalf("%s: %v in %q", name, err, status)
		}
		return n
	}
	launcher, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", field(res.StdoutTail, "PPid")))
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	// What is ignored is handed on: under nohup, SIGHUP.
	if blocked, ignored := field(res.StdoutTail, "SigBlk"), field(res.StdoutTail, "SigIgn"); blocked != 0 || ignored != field(here, "SigIgn") {
		t.Errorf("the command has %#x blocked and %#x ignored, want none and %#x", blocked, ignored, field(here, "SigIgn"))
	}
	if ignored, caught := field(launcher, "SigIgn"), field(launcher, "SigCgt"); (ignored|caught)&(1<<(syscall.SIGCHLD-1)) != 0 {
		t.Errorf("the launcher has %#x ignored and %#x caught, want neither SIGCHLD", ignored, caught)
	}
}

func TestEnds(t *testing.T) {
	l := start(t)
	shell := func(script string) assay.Command { return assay.Command{Argv: []string{"/bin/sh", "-c", script}} }
	for _, c := range []struct {
		name    string
		command assay.Command
		limits  assay.Limits
		want    string // exit, signal, killed, reason
		stdout  string // "*": anything
	}{
		{"ok", shell("echo hi"), limits, `0 "" "" ""`, "hi\n"},
		{"exit", shell("exit 3"), limits, `3 "" "" ""`, ""},
		{"signal", shell("kill -SEGV $$"), limits, `-1 "SIGSEGV" "" ""`, ""},
		{"endless", shell("while :; do :; done"), assay.Limits{Timeout: 100 * time.Millisecond, Output: mib},
			`-1 "SIGKILL" "timeout" "still running after 100ms"`, ""},
		{"endless children", shell("sleep 1000 | sleep 1000"), assay.Limits{Timeout: 100 * time.Millisecond, Output: mib},
			`-1 "SIGKILL" "timeout" "still running after 100ms"`, ""},
		{"output", shell("yes"), limits, `-1 "SIGKILL" "limit" "more than 1048576 bytes of output"`, "*"},
		{"output and exit", shell("head -c 1048577 /dev/zero"), limits, `* "limit" "more than 1048576 bytes of output"`, "*"},
		{"output up to the limit", shell("head -c 1048575 /dev/zero; printf x >&2"), limits, `0 "" "" ""`, "*"},
		{"no program", assay.Command{Argv: []string{"/nonexistent"}}, limits,
			`-1 "" "" "start /nonexistent: no such file or directory"`, ""},
		{"no argv", assay.Command{}, limits, `-1 "" "" "no program: argv is empty"`, ""},
		{"zero byte", shell("a\x00b"), limits, `-1 "" "" "zero byte in an argument or the environment"`, ""},
		{"stdin", assay.Command{Argv: []string{"/bin/cat"}, Stdin: "testdata/guest.go"}, limits, `0 "" "" ""`, "*"},
		{"no stdin", assay.Command{Argv: []string{"/bin/cat"}}, limits, `0 "" "" ""`, ""},
		{"stdin is not there", assay.Command{Argv: []string{"/bin/cat"}, Stdin: "/nonexistent"}, limits,
			`-1 "" "" "stdin: open /nonexistent: no such file or directory"`, ""},
		{"memory", assay.Command{Argv: []string{guest, "hold", "200"}}, assay.Limits{Timeout: limits.Timeout, Output: mib, Memory: 100 * mib},
			`-1 "SIGKILL" "limit" *`, ""},
		{"memory that left the process group", shell("setsid " + guest + " hold 200 & wait"),
			assay.Limits{Timeout: limits.Timeout, Output: mib, Memory: 100 * mib}, `-1 "SIGKILL" "limit" *`, ""},
		{"memory, seen at the end", assay.Command{Argv: []string{guest, "touch", "64"}},
			assay.Limits{Timeout: limits.Timeout, Output: mib, Memory: 32 * mib}, `* "limit" *`, ""},
		{"memory limit below the launcher's peak", shell("exit 0"), assay.Limits{Timeout: limits.Timeout, Output: mib, Memory: 4 * mib}, `0 "" "" ""`, ""},
		{"environment", assay.Command{Argv: []string{"/usr/bin/env"}, Env: []string{"A=1", "B=a=b"}}, limits, `0 "" "" ""`, "A=1\nB=a=b\n"},
		{"no environment", assay.Command{Argv: []string{"/usr/bin/env"}}, limits, `0 "" "" ""`, ""},
		{"arguments", assay.Command{Argv: []string{"/usr/bin/printf", "%s|", "", "a b", "\n"}}, limits, `0 "" "" ""`, "|a b|\n|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := l.Run(t.Context(), c.command, measure.Options{Limits: c.limits})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %q %q %q", res.Exit, res.Signal, res.Killed, res.Reason)
			if ok, _ := filepath.Match(strings.ReplaceAll(c.want, "/", "|"), strings.ReplaceAll(got, "/", "|")); !ok {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if c.stdout != "*" && (string(res.StdoutTail) != c.stdout || res.Started() && res.Stdout != assay.DigestOf([]byte(c.stdout))) {
				t.Errorf("stdout %q digest %v, want %q", res.StdoutTail, res.Stdout, c.stdout)
			}
		})
	}
}

// The 100 MB go through bounded memory, and all of them are hashed.
func TestMuchOutput(t *testing.T) {
	l := start(t)
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", "head -c 104857600 /dev/zero; echo end >&2"}},
		measure.Options{Limits: assay.Limits{Timeout: time.Minute, Output: 200 * mib}})
	if err != nil {
		t.Fatal(err)
	}
	if want := assay.DigestOf(make([]byte, 100*mib)); res.Stdout != want || res.OutBytes != 100*mib+4 {
		t.Errorf("stdout %v of %d bytes, want %v of %d", res.Stdout, res.OutBytes, want, 100*mib+4)
	}
	if len(res.StdoutTail) != measure.TailSize || string(res.StderrTail) != "end\n" {
		t.Errorf("kept %d bytes of stdout and %q of stderr, want %d and \"end\\n\"", len(res.StdoutTail), res.StderrTail, measure.TailSize)
	}
}

// A command larger than any socket buffer arrives whole.
func TestLargeCommand(t *testing.T) {
	l := start(t)
	env := make([]string, 100)
	for i := range env {
		env[i] = fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 10_000))
	}
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/usr/bin/env"}, Env: env}, measure.Options{Limits: assay.Limits{Timeout: time.Minute, Output: 2 * mib}})
	if err != nil {
		t.Fatal(err)
	}
	if want := assay.DigestOf([]byte(strings.Join(env, "\n") + "\n")); res.Stdout != want {
		t.Errorf("env printed %d bytes with digest %v, %s; want all of it, %v", res.OutBytes, res.Stdout, res.Reason, want)
	}
	res, err = l.Run(t.Context(), assay.Command{Argv: []string{"/bin/true", strings.Repeat("x", mib)}}, measure.Options{Limits: limits})
	if err != nil || res.Started() || !strings.Contains(res.Reason, "argument list too long") {
		t.Errorf("an argument of 1 MiB: %+v, %v; want that it could not be started, and why", res, err)
	}
}

// A process that leaves the group and holds stdout does not hold us.
func TestEscape(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		tooltest.Missing(t, "setsid", err)
	}
	l := start(t)
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", "setsid sh -c 'echo >left; exec sleep 60' & until [ -e left ]; do sleep 0.01; done; echo hi"},
		Env: []string{"PATH=" + os.Getenv("PATH")}}, measure.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	if res.Exit != 0 || string(res.StdoutTail) != "hi\n" || !res.Stdout.IsZero() || res.Reason == "" {
		t.Errorf("exit %d, stdout %q digest %v, reason %q; want 0, hi, no digest, and why", res.Exit, res.StdoutTail, res.Stdout, res.Reason)
	}
}

// A process left behind in the group is killed, and its output is not waited for.
func TestStraggler(t *testing.T) {
	l := start(t)
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000 & echo $!"}}, measure.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(res.StdoutTail), &pid); err != nil || res.Exit != 0 {
		t.Fatalf("exit %d, stdout %q: %v", res.Exit, res.StdoutTail, err)
	}
	await(t, "the straggler to end", func() bool { return !running(pid) })
}

func TestCancel(t *testing.T) {
	l := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := l.Run(ctx, assay.Command{Argv: []string{"/bin/sleep", "1000"}}, measure.Options{Limits: limits}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Run: error %v, want context.Canceled", err)
	}
	if res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/echo", "next"}}, measure.Options{Limits: limits}); err != nil || string(res.StdoutTail) != "next\n" {
		t.Errorf("Run after a cancelled one = %q, %v; want it to work", res.StdoutTail, err)
	}
}

// When the agent is gone, so is the launcher, and the whole group it ran.
func TestOrphans(t *testing.T) {
	dir := t.TempDir()
	l, err := measure.Start(agent, dir)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := l.Run(context.Background(), assay.Command{Argv: []string{"/bin/sh", "-c", "sleep 1000 & echo $$ $! > pids; wait"}}, measure.Options{Limits: limits})
		done <- err
	}()
	var leader, child int
	await(t, "the guest to start", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "pids"))
		if err != nil {
			return false
		}
		_, err = fmt.Fscan(bytes.NewReader(b), &leader, &child)
		return err == nil
	})
	l.Close() // all that a launcher sees of a dead agent
	if err := <-done; err == nil {
		t.Error("Run during Close: no error, want one")
	}
	await(t, "the group to end", func() bool { return !running(leader) && !running(child) })
}

func running(pid int) bool {
	_, err := measure.StartTicks(pid)
	return err == nil
}

// await waits for something that other processes do.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 12_000 {
		if cond() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited two minutes for %s", what)
}
