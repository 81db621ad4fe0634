//go:build !linux

package jupyterlab

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// endWithUs does nothing here: a process cannot be tied to another's life. The
// server of a killed assay must be ended by hand.
func endWithUs(*syscall.SysProcAttr) {}

// kernels returns the processes that server started as kernels, and what those
// started with the same arguments: they have a path below runtime, which has
// the connection files, among their arguments, and Jupyter told them their
// parent. Where ps does not show the environment (macOS does), there is none.
func kernels(server int, runtime string) []int {
	out, err := exec.Command("ps", "-Axww", "-E", "-o", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	parent := "JPY_PARENT_PID=" + strconv.Itoa(server)
	var pids []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !strings.Contains(line, runtime+"/") || !slices.Contains(fields, parent) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
