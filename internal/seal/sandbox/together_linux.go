package sandbox

import (
	"os/exec"
	"runtime"
	"syscall"
)

// dieTogether has the kernel kill cmd when this process dies. The caller calls
// unlock once it has waited for cmd: the kernel watches the thread that starts
// it, so the goroutine keeps its thread until then.
func dieTogether(cmd *exec.Cmd) (unlock func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
