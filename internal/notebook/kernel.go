package notebook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
)

// A running is a kernel that was started for one notebook.
type running struct {
	client *protocol.Client
	cmd    *exec.Cmd
	dir    string        // holds its connection file and sockets
	exited chan struct{} // closed when the process has ended
	said   *tail         // the end of what it wrote
}

// The times that things are given: a cell to end after it was interrupted, and
// a kernel to end after it was asked to.
const (
	interruptTime = 10 * time.Second
	shutdownTime  = 5 * time.Second
)

// start starts a kernel and connects to it. env is in addition to ours.
func start(ctx context.Context, o Options, env []string) (_ *running, err error) {
	r := &running{exited: make(chan struct{}), said: &tail{max: 8 << 10}}
	if r.dir, err = os.MkdirTemp("", "assay-nb-"); err != nil {
		return nil, err
	}
	connection, err := protocol.NewConnection(r.dir, "assay")
	if err != nil && os.TempDir() != "/tmp" { // too long for a socket
		os.Remove(r.dir)
		if r.dir, err = os.MkdirTemp("/tmp", "assay-nb-"); err == nil {
			connection, err = protocol.NewConnection(r.dir, "assay")
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(r.dir))
		}
	}()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(r.dir, "kernel-0.json")
	if err := connection.Write(file); err != nil {
		return nil, err
	}
	args := []string{"kernel", "--headless", file}
	if o.Workspace != "" {
		args = append([]string{"-C", o.Workspace}, args...)
	}
	r.cmd = exec.Command(o.Kernel.Assay, args...)
	r.cmd.Dir, r.cmd.Env = o.Dir, append(os.Environ(), env...)
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start kernel: %w", err)
	}
	dialing, ended := context.WithCancelCause(ctx)
	defer ended(nil)
	go func() {
		_ = r.cmd.Wait() // its status is in ProcessState
		close(r.exited)
		ended(r.end())
	}()
	if r.client, err = protocol.Dial(dialing, connection); err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

// end says how the kernel ended, when it has.
func (r *running) end() error {
	if s := strings.TrimSpace(r.said.String()); s != "" {
		return fmt.Errorf("the kernel ended (%v); it said:\n%s", r.cmd.ProcessState, s)
	}
	return fmt.Errorf("the kernel ended (%v)", r.cmd.ProcessState)
}

// kill ends the kernel and its cells at once. The kernel gets a moment to
// clean up first.
func (r *running) kill() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-r.exited:
	case <-time.After(shutdownTime):
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.exited
	}
}

// stop asks the kernel to end and waits for it.
func (r *running) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if r.client.Shutdown(ctx) == nil {
		select {
		case <-r.exited:
		case <-ctx.Done():
		}
	}
	r.kill()
	r.client.Close()
	return os.RemoveAll(r.dir)
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	max int
	b   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > 2*t.max {
		t.b = append(t.b[:0], t.b[len(t.b)-t.max:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b[max(0, len(t.b)-t.max):])
}
