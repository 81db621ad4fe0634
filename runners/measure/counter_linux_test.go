package measure

import (
	"math"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// faults are counters that hosts without those of a processor have too.
var faults = [2]unix.PerfEventAttr{
	{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS},
	{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS_MIN},
}

// Counters count what a child does from its exec on, and its own children, each
// time anew: shown with page faults, of which wait4 has the number, too.
func TestCounters(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	run := func(script string) (counted, waited int64) {
		t.Helper()
		c, errno := openCounters(faults)
		if errno != 0 {
			t.Skipf("perf_event_open: %v", errno)
		}
		argv := []string{"/bin/sh", "-c", script}
		pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: []string{"PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		var usage unix.Rusage
		if _, err := unix.Wait4(pid, nil, 0, &usage); err != nil {
			t.Fatal(err)
		}
		values := c.close()
		if values[0] < values[1] {
			t.Errorf("%s: %d faults, %d of them minor", script, values[0], values[1])
		}
		return values[1], usage.Minflt
	}
	one, oneWaited := run(":")
	for range 20 {
		hundred, waited := run("for i in 0 1 2 3 4 5 6 7 8 9; do /bin/true; /bin/true; done")
		// In user mode only, not before the exec, and so never more than wait4 says.
		if one <= 0 || one > oneWaited || hundred < 10*one || hundred > waited {
			t.Fatalf("%d faults of %d counted without children, %d of %d with 20", one, oneWaited, hundred, waited)
		}
	}
}

func TestNoCounters(t *testing.T) {
	if _, errno := openCounters([2]unix.PerfEventAttr{faults[0], {Type: math.MaxUint32}}); errno == 0 {
		t.Error("counters of no kind: no errno, want one")
	}
}
