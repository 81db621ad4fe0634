package measure_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/measure"
)

// What a shell and what it waited for wrote is what the kernel says of it
// itself, but for what it does after it has asked.
func TestStorage(t *testing.T) {
	if err := measure.StorageCounted(); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	script := "dd if=/dev/zero of=" + file + " bs=1048576 count=8 conv=fsync 2>/dev/null && cat /proc/$$/io"
	res, err := start(t).Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}},
		measure.Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]int64{"read_bytes": res.Usage.Reads, "write_bytes": res.Usage.Writes} {
		_, rest, _ := bytes.Cut(res.StdoutTail, []byte("\n"+name+": "))
		digits, _, _ := bytes.Cut(rest, []byte("\n"))
		said, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil || got < said || got > said+mib {
			t.Errorf("%s: %d, the process itself says %q", name, got, digits)
		}
	}
	t.Logf("8 MiB written: %d bytes", res.Usage.Writes)
}

// Faults and switches are those of the command.
func TestFaultsAndSwitches(t *testing.T) {
	l := start(t)
	run := func(argv ...string) measure.Usage {
		t.Helper()
		res, err := l.Run(t.Context(), assay.Command{Argv: argv}, measure.Options{Limits: limits})
		if err != nil || res.Exit != 0 {
			t.Fatalf("%q: exit %d, %v", argv, res.Exit, err)
		}
		return res.Usage
	}
	faults := run(guest, "touch", "64").Minor - run(guest, "touch", "0").Minor
	if want := int64(64 * mib / os.Getpagesize()); faults < want/1024 || faults > want+500 { // a huge page is one fault
		t.Errorf("64 MiB touched with %d faults, want up to %d", faults, want)
	}
	if waits := run("/bin/sh", "-c", strings.Repeat("/bin/true; ", 20)+":").Waits; waits < 20 {
		t.Errorf("a shell that waited for 20 children waited %d times", waits)
	}
}

func TestWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	l, err := measure.Start(agent, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for sub, want := range map[string]string{"": dir, "sub": filepath.Join(dir, "sub")} {
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/pwd", "-P"}, Dir: sub}, measure.Options{Limits: limits})
		if got := strings.TrimSpace(string(res.StdoutTail)); err != nil || got != want {
			t.Errorf("in %q: pwd prints %s, %v; want %s", sub, got, err, want)
		}
	}
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/pwd"}, Dir: "none"}, measure.Options{Limits: limits})
	if err != nil || res.Started() || res.Reason == "" {
		t.Errorf("in a directory that is not there: %+v, %v; want that it was not started", res, err)
	}
}

// The command alone is pinned, and the next one is not.
func TestPinning(t *testing.T) {
	allowed := func(text []byte) string {
		_, rest, _ := bytes.Cut(text, []byte("Cpus_allowed_list:\t"))
		list, _, _ := bytes.Cut(rest, []byte("\n"))
		return string(list)
	}
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	all := allowed(own)
	last := all[strings.LastIndexAny(all, ",-")+1:]
	l := start(t)
	for _, list := range []string{"", last, all, ""} {
		if list != "" {
			if err := measure.CheckCPUs(list); err != nil {
				t.Fatal(err)
			}
		}
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/cat", "/proc/self/status"}}, measure.Options{Limits: limits, CPUs: list})
		want := list
		if list == "" {
			want = all
		}
		if got := allowed(res.StdoutTail); err != nil || got != want {
			t.Errorf("pinned to %q of %s: it may run on %s, %v", list, all, got, err)
		}
	}
	for _, list := range []string{"", "x", "1-0", "0-", "-1", "1023", "1024", "99999999999"} {
		if err := measure.CheckCPUs(list); err == nil {
			t.Errorf("CheckCPUs(%q) gives no error", list)
		}
	}
}

// A shim's report comes by descriptor 3, and its end is part of the outcome.
func TestShimReports(t *testing.T) {
	const head = `{"shim":1,"engine":"e","version":"1","mode":"jit"}\n`
	const call = `{"phase":"first-call","ns":100,"cpu_ns":90}\n`
	j, err := measure.NewJudge(assay.Expectation{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := start(t)
	for _, c := range []struct {
		script  string
		outcome assay.Outcome
		phases  int
		wrong   string
	}{
		{"printf '" + head + call + `{"end":"ok"}\n' >&3`, assay.OK, 1, ""},
		{"printf '" + head + call + `' >&3`, assay.WrongOutput, 1, "cut off"},
		{"printf '" + head + `{"phase":"first-call","ns":9000000000}\n{"end":"ok"}\n' >&3`, assay.WrongOutput, 1, "longer together"},
		{"yes 2>/dev/null | head -c 100000 >&3; exit 3", assay.Exit, 0, "line 1"},
		{"printf '" + head + `{"end":"trap"}\n' >&3`, assay.WrongOutput, 0, "not 134"},
		{"printf '" + head + `{"end":"cannot-run"}\n' >&3`, assay.WrongOutput, 0, "not 70"},
		{"printf '" + head + `{"end":"unsupported"}\n' >&3`, assay.WrongOutput, 0, "not 70"},
		{"printf '" + head + `{"end":"wrong"}\n' >&3`, assay.WrongOutput, 0, "not 65"},
		{"printf '" + head + call + `{"end":"exit"}\n' >&3`, assay.WrongOutput, 1, "exited within a call"},
		{"printf '" + head + `{"end":"exit"}\n' >&3; exit 3`, assay.Exit, 0, ""},
		{":", assay.WrongOutput, 0, "reported nothing"},
	} {
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", c.script}, Env: []string{"PATH=/usr/bin:/bin"}},
			measure.Options{Limits: limits, Shim: true})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(j.Outcome(res), len(res.Report.Phases))
		if want := fmt.Sprint(c.outcome, c.phases); got != want || !strings.Contains(res.Wrong(), c.wrong) || c.wrong == "" && res.Wrong() != "" {
			t.Errorf("%s: %s, wrong %q; want %s, %q", c.script, got, res.Wrong(), want, c.wrong)
		}
	}
	// Without Shim there is no descriptor 3.
	res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", "ls /proc/self/fd | grep -c '^[3-9]'"},
		Env: []string{"PATH=/usr/bin:/bin"}}, measure.Options{Limits: limits})
	if err != nil || string(res.StdoutTail) != "1\n" { // the directory itself
		t.Errorf("a command has %q descriptors above 2, %v; want one, which ls opened", res.StdoutTail, err)
	}
}

// The first byte comes between start and end, if at all.
func TestFirstByte(t *testing.T) {
	l := start(t)
	// What a pipe does not hold is written when the first was read.
	for script, want := range map[string]bool{"echo hi; head -c 200000 /dev/zero": true, "echo hi >&2": false} {
		res, err := l.Run(t.Context(), assay.Command{Argv: []string{"/bin/sh", "-c", script}}, measure.Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.FirstByteNS > 0; got != want || got && res.FirstByteNS >= res.WallNS {
			t.Errorf("%s: first byte after %d of %d ns", script, res.FirstByteNS, res.WallNS)
		}
	}
}

// Nothing is a program of this machine.
func TestNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nothing")
	if err := os.WriteFile(path, measure.Nothing, 0o777); err != nil {
		t.Fatal(err)
	}
	res, err := start(t).Run(t.Context(), assay.Command{Argv: []string{path}}, measure.Options{Limits: limits})
	if err != nil || !res.Started() || res.Exit != 0 || res.Signal != "" {
		t.Errorf("nothing ended with %+v, %v; want 0", res, err)
	}
	t.Logf("nothing: %d bytes, wall %d ns, cpu %d ns", len(measure.Nothing), res.WallNS, res.Usage.CPUNS())
}
