package notebook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
	"github.com/assay-notebooks/assay/internal/scratch"
)

// A running is a kernel that was started for one notebook.
type running struct {
	client *protocol.Client
	cmd    *exec.Cmd
	dir    *scratch.Dir  // holds its connection file and sockets
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
	connection, err := r.place()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.dir.Remove())
		}
	}()
	file := filepath.Join(r.dir.Path, "kernel-0.json")
	if err := connection.Write(file); err != nil {
		return nil, err
	}
	args := []string{"kernel", "--headless", file}
	if o.Workspace != "" {
		args = append([]string{"-C", o.Workspace}, args...)
	}
	r.cmd = exec.Command(o.Kernel.Assay, args...)
	r.cmd.Dir, r.cmd.Env = o.Dir, append(append(os.Environ(), "JPY_PARENT_PID="+strconv.Itoa(os.Getpid())), env...) // the kernel ends with us
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

// place makes the directory, in the first that has a short enough path for
// sockets, and removes those of killed processes.
func (r *running) place() (protocol.Connection, error) {
	const prefix = "assay-nb."
	var errs []error
	for _, base := range []string{os.TempDir(), "/tmp"} {
		errs = append(errs, scratch.Sweep(base, prefix))
		var err error
		if r.dir, err = scratch.New(base, prefix, nil); err == nil {
			var c protocol.Connection
			if c, err = protocol.NewConnection(r.dir.Path, "assay"); err == nil {
				return c, nil
			}
			err = errors.Join(err, r.dir.Remove())
		}
		errs = append(errs, err)
	}
	return protocol.Connection{}, errors.Join(errs...)
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
	return r.dir.Remove()
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
