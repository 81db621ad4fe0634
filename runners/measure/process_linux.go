package measure

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// StartTicks returns when process pid started, in clock ticks after boot.
// Together with pid it names one process, for a pid is used again. The error
// matches fs.ErrNotExist if there is no such process, or only its zombie.
func StartTicks(pid int) (uint64, error) {
	f, err := processStat(pid)
	if err != nil {
		return 0, err
	}
	if f.state == 'Z' || f.state == 'X' {
		return 0, fmt.Errorf("process %d has ended: %w", pid, fs.ErrNotExist)
	}
	return f.start, nil
}

// resident returns the resident bytes of all processes of a command, and those
// processes: of its process group, of the control groups that were made for
// it, where the launcher is too, and what any of these started. What ends while
// it looks counts as nothing.
func resident(pgid, launcher int, groups []string) (bytes int64, pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return 0, nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // as many as there are
	all := make(map[int]stat)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if s, err := processStat(pid); err == nil {
				all[pid] = s
			}
		}
	}
	inside := make(map[int]bool)
	walkGroups(groups, func(dir string) {
		for _, pid := range processesIn(dir) {
			inside[pid] = true
		}
	})
	delete(inside, launcher)
	var belongs func(pid, steps int) bool
	belongs = func(pid, steps int) bool {
		s, ok := all[pid]
		return ok && steps > 0 && (s.group == pgid || inside[pid] || belongs(s.parent, steps-1))
	}
	for pid, s := range all {
		if belongs(pid, len(all)) {
			bytes += s.rss * int64(os.Getpagesize())
			pids = append(pids, pid)
		}
	}
	return bytes, pids
}

type stat struct {
	state  byte
	parent int
	group  int
	start  uint64 // clock ticks after boot
	rss    int64  // pages
}

func processStat(pid int) (stat, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	// The name, in parentheses, may hold spaces and parentheses.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 22 {
		return stat{}, fmt.Errorf("%s: %d fields after the name", path, len(fields))
	}
	s := stat{state: fields[0][0]}
	var errs [4]error
	s.group, errs[0] = strconv.Atoi(string(fields[2]))
	s.start, errs[1] = strconv.ParseUint(string(fields[19]), 10, 64)
	s.rss, errs[2] = strconv.ParseInt(string(fields[21]), 10, 64)
	s.parent, errs[3] = strconv.Atoi(string(fields[1]))
	for _, err := range errs {
		if err != nil {
			return stat{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return s, nil
}

// StorageCounted returns nil if this kernel counts what processes read from
// storage and write to it, or why it does not.
func StorageCounted() error {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return fmt.Errorf("this kernel does not count a process's I/O (CONFIG_TASK_IO_ACCOUNTING): %w", err)
	}
	if _, ok := field(b, "read_bytes:"); !ok {
		return errors.New("this kernel does not count a process's I/O (CONFIG_TASK_IO_ACCOUNTING)")
	}
	return nil
}
