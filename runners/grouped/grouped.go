// Package grouped makes commands that end with all that they started.
package grouped

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// Command is exec.CommandContext of a command that leads a process group: when
// ctx ends, all of that is killed. What left the group may hold its output open
// for grace after that.
func Command(ctx context.Context, grace time.Duration, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	return cmd
}
