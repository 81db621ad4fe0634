package miniotest

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent ends the server with a test that is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// awaitStop returns when every thread of a child that gets SIGSTOP has stopped.
func awaitStop(pid int) error {
	return unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
}
