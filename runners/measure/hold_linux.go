package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A childInfo is the part of a siginfo that waitid fills.
type childInfo struct {
	_      [2]int32
	code   int32
	_      [3]int32
	status int32 // of a stop: its signal, and above 8 bits an event of ptrace
}

// Codes of a childInfo of a process that stopped.
const (
	childTrapped = 4
	childStopped = 5
)

// hold lets a process that waits at its first instruction, traced by this
// thread, run until it is about to end, reads its memory there, and lets it
// end. It returns the highest resident set and the proportional set then, in
// bytes, unknown where they could not be read, and the time of the end.
func (l *launcher) hold(pid, pidfd int) (rss, pss, end int64, err error) {
	rss, pss = unknown, unknown
	ended := make(chan error, 1)
	go func() { // the agent may ask for its death meanwhile
		var err error
		end, err = l.wait(pid, pidfd, pollShared)
		ended <- err
	}()
	for begun := false; ; {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL, nil)
		if err == unix.EINTR {
			continue
		} else if err != nil {
			return rss, pss, 0, errors.Join(fmt.Errorf("wait for a traced process: %w", err), unix.Kill(-pid, unix.SIGKILL))
		}
		child := (*childInfo)(unsafe.Pointer(&info))
		if child.code != childTrapped && child.code != childStopped {
			err = <-ended
			return rss, pss, end, err
		}
		signal, event := child.status&0xff, child.status>>8
		deliver := 0
		switch {
		case !begun: // by its exec
			begun = true
			if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL); err != nil && err != unix.ESRCH {
				return rss, pss, 0, errors.Join(fmt.Errorf("trace: %w", err), unix.Kill(-pid, unix.SIGKILL))
			}
		case event == unix.PTRACE_EVENT_EXIT:
			rss, pss = memoryAtExit(pid)
		case event == unix.PTRACE_EVENT_EXEC:
		default:
			deliver = int(signal)
		}
		if err := unix.PtraceCont(pid, deliver); err != nil && err != unix.ESRCH { // ESRCH: killed meanwhile
			return rss, pss, 0, errors.Join(fmt.Errorf("trace: %w", err), unix.Kill(-pid, unix.SIGKILL))
		}
	}
}

// memoryAtExit returns the highest resident set and the proportional set of a
// process that is held at its exit, in bytes.
func memoryAtExit(pid int) (rss, pss int64) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return unknown, unknown
	}
	if threads, ok := field(status, "Threads:"); ok && threads > 1 {
		call, err := os.ReadFile(dir + "syscall") // its number comes first
		if err == nil && bytes.HasPrefix(call, []byte(strconv.Itoa(unix.SYS_EXIT)+" ")) {
			return unknown, unknown // the first thread leaves, and the others go on
		}
	}
	peak, ok := field(status, "VmHWM:")
	if !ok {
		return unknown, unknown
	}
	maps, err := os.ReadFile(dir + "smaps_rollup")
	if err != nil {
		return peak << 10, unknown
	}
	now, _ := field(maps, "Rss:")
	share, ok := field(maps, "Pss:")
	if !ok {
		return peak << 10, unknown
	}
	return max(peak, now) << 10, share << 10
}

// field returns the number behind the word that begins a line of a file of the
// kernel's; with "", that begins the file. It takes no memory.
func field(text []byte, name string) (int64, bool) {
	for line := range bytes.Lines(text) {
		rest, found := bytes.CutPrefix(bytes.TrimSpace(line), []byte(name))
		value := bytes.TrimLeft(rest, " \t")
		if !found || name != "" && len(rest) > 0 && len(value) == len(rest) { // another word, or a longer one
			continue
		}
		if end := bytes.IndexAny(value, " \t"); end >= 0 {
			value = value[:end]
		}
		n, err := strconv.ParseInt(string(value), 10, 64)
		return n, err == nil
	}
	return 0, false
}
