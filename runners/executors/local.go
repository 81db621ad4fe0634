package executors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/measure"
)

// LogFile is the name, in a run directory, of what agents wrote to their
// standard output and error.
const LogFile = "agent.log"

// Local is the Executor of the machine it runs on.
type Local struct {
	Cache string // directory of files by digest; it may be shared and deleted
	Agent []byte // the agent program; nil: AgentBinary for this machine
}

var _ Executor = Local{}

// How long Cancel waits after SIGTERM, and after SIGKILL.
const (
	termGrace = 10 * time.Second
	killGrace = 10 * time.Second
)

// Host returns the fingerprint of this machine, as "local".
func (l Local) Host(context.Context) (assay.Host, error) { return measure.Host("local"), nil }

// Put copies a blob into the cache, checking its digest. A copy that is there is
// checked too, and replaced if it was damaged.
func (l Local) Put(ctx context.Context, d assay.Digest, executable bool, blobs Blobs) (string, error) {
	mode, dir := fs.FileMode(0o444), "files"
	if executable {
		mode, dir = 0o555, "programs"
	}
	cache, err := filepath.Abs(l.Cache)
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, dir, d.Hex())
	if got, err := filedigest.Of(path); err == nil && got == d {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("place %v: %w", d, err)
	}
	if err := l.copy(ctx, path, mode, d, blobs); err != nil {
		return "", fmt.Errorf("place %v: %w", d, err)
	}
	return path, nil
}

func (l Local) copy(ctx context.Context, path string, mode fs.FileMode, d assay.Digest, blobs Blobs) error {
	src, err := blobs.Open(ctx, d)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := renameio.NewPendingFile(path, renameio.WithPermissions(mode), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return err
	}
	defer dst.Cleanup()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(dst, h), src); err != nil {
		return err
	}
	if got := assay.Digest(h.Sum(nil)); got != d {
		return fmt.Errorf("its bytes have digest %v", got)
	}
	return dst.CloseAtomicallyReplace()
}

// Start starts the agent in a session of its own.
func (l Local) Start(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, runners.PlanFile)); err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	exe, err := l.agent(ctx)
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, LogFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	defer null.Close()
	words, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	process, err := os.StartProcess(exe, []string{exe, "run", runners.AgentWords, dir}, &os.ProcAttr{
		Files: []*os.File{null, log, log, theirs},
		Env:   assay.WithoutSecrets(os.Environ()),
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	theirs.Close()
	if err != nil {
		words.Close()
		return fmt.Errorf("start agent: %w", err)
	}
	said := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(words) // until the agent ends, or we leave
		said <- string(bytes.TrimSpace(b))
	}()
	over, err := l.announced(ctx, dir, process)
	if over == nil { // it lives, or has lived and said so in its record
		words.Close()
	}
	last := <-said
	words.Close()
	switch {
	case err != nil || over == nil:
		return err
	case over.ExitCode() == runners.AgentBusy:
		return fmt.Errorf("start agent in %s: %w", dir, ErrBusy)
	case last == "": // it did not come to its end
		last = strings.TrimSpace(over.String() + " " + logged(log.Name(), info.Size()))
	}
	return fmt.Errorf("start agent in %s: %s", dir, last)
}

// announced waits until the agent has announced itself, or returns how it ended
// if it did before.
func (l Local) announced(ctx context.Context, dir string, process *os.Process) (*os.ProcessState, error) {
	ended := make(chan *os.ProcessState, 1)
	go func() { // reaps it if we are still here when it ends; it does not need us
		state, _ := process.Wait()
		ended <- state
	}()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		var over *os.ProcessState
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), process.Kill())
		case over = <-ended: // but it may have been quick
		case <-look.C:
		}
		if s, err := l.Status(ctx, dir); err == nil && s.PID == process.Pid {
			return nil, nil
		}
		if over != nil {
			return over, nil
		}
	}
}

// logged returns what was written to the log at path after its first skip bytes.
func logged(path string, skip int64) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b[min(skip, int64(len(b))):]))
}

// agent returns the path of the agent program in the cache.
func (l Local) agent(ctx context.Context) (string, error) {
	program := l.Agent
	if program == nil {
		var err error
		if program, err = AgentBinary(runtime.GOOS, runtime.GOARCH); err != nil {
			return "", err
		}
	}
	return l.Put(ctx, assay.DigestOf(program), true, one(program))
}

// one is Blobs with the same bytes under every digest.
type one []byte

func (b one) Open(context.Context, assay.Digest) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Status reads what the agent wrote and looks whether it lives.
func (l Local) Status(ctx context.Context, dir string) (Status, error) {
	a, err := record(dir)
	if err != nil {
		return Status{}, fmt.Errorf("agent status: %w", err)
	}
	start, err := measure.StartTicks(a.PID)
	switch {
	case err == nil && start == a.Start:
		return Status{Alive: true, Agent: a}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Status{}, fmt.Errorf("agent status: %w", err)
	}
	last, err := record(dir) // again: its last words may have come after we read
	if err != nil {
		return Status{}, fmt.Errorf("agent status: %w", err)
	}
	if last.PID != a.PID || last.Start != a.Start {
		return l.Status(ctx, dir) // those of another
	}
	return Status{Agent: last}, nil
}

func record(dir string) (a runners.Agent, err error) {
	path := filepath.Join(dir, runners.AgentFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Cancel sends SIGTERM, and SIGKILL to an agent that does not heed it.
func (l Local) Cancel(ctx context.Context, dir string) error {
	for _, step := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGTERM, termGrace}, {syscall.SIGKILL, killGrace}} {
		s, err := l.Status(ctx, dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !s.Alive {
			return nil
		} else if err != nil {
			return fmt.Errorf("cancel: %w", err)
		}
		if err := syscall.Kill(s.PID, step.signal); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("cancel agent %d: %w", s.PID, err)
		}
		if ended, err := l.await(ctx, dir, step.grace); ended || err != nil {
			return err
		}
	}
	return fmt.Errorf("cancel: the agent in %s outlives SIGKILL: it waits for a device or a file system", dir)
}

// await waits until no agent lives in dir, at most for grace.
func (l Local) await(ctx context.Context, dir string, grace time.Duration) (ended bool, err error) {
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-deadline.C:
			return false, nil
		case <-look.C:
			if s, err := l.Status(ctx, dir); err != nil || !s.Alive {
				return err == nil, err
			}
		}
	}
}
