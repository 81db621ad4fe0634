package jupyterlab

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// endWithUs has the process asked to end when the thread that starts it does,
// so also when we are killed.
func endWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }

// kernels returns the processes that server started as kernels, and what those
// started with the same arguments: they have a path below runtime, which has
// the connection files, among their arguments, and Jupyter told them their
// parent. Whoever else looks at a file there is none.
func kernels(server int, runtime string) []int {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	parent := []byte("JPY_PARENT_PID=" + strconv.Itoa(server))
	var pids []int
	for _, path := range files {
		args, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(args, []byte(runtime+"/")) {
			continue
		}
		env, err := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(kv []byte) bool { return bytes.Equal(kv, parent) }) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
