//go:build !linux

package jupyterlab

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// endWithUs does nothing here: a process cannot be tied to another's life. The
// server of a killed assay must be ended by hand.
func endWithUs(*syscall.SysProcAttr) {}

// naming returns the processes that have a path below dir among their
// arguments, as kernels have the path of their connection file.
func naming(dir string) []int {
	out, err := exec.Command("ps", "-Ao", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid, err := strconv.Atoi(number); err == nil && pid != os.Getpid() && strings.Contains(rest, dir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}
