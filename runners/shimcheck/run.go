// Package shimcheck checks that a program is a shim, as docs/shim-protocol.md
// has it: it runs it with modules of its own and compares what it does with
// what the page says. It does not say how good the times are.
package shimcheck

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/grouped"
	"github.com/assay-notebooks/assay/runners/shimwire"
)

//go:embed guests/*.wasm
var guests embed.FS

// A Shim is what is checked.
type Shim struct {
	Command []string // the program, and what goes before its options
	Mode    string   // "": its default
	Dir     string   // absolute, where checks leave files

	Limit time.Duration // that it has for a module; 0: a minute
}

// A Result is how a shim met one check.
type Result struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Want  string `json:"want"`
	Seen  string `json:"seen"`

	stopped bool // the shim, which would have gone on
}

// ErrStopped reports a shim that went on until it was stopped.
var ErrStopped = errors.New("it was stopped")

// CheckAll makes all checks, reports each as it was made, and returns how many
// failed. One that stopped the shim is the last, for it would go on in the
// others too, and the error matches ErrStopped then.
func (s Shim) CheckAll(ctx context.Context, report func(Result) error) (failed int, err error) {
	for i, c := range Checks {
		r, err := s.Run(ctx, c)
		if err != nil {
			return failed, err
		}
		if !r.OK {
			failed++
		}
		if err := report(r); err != nil {
			return failed, err
		}
		if r.stopped && i < len(Checks)-1 {
			return failed, fmt.Errorf("%w in the check %q, and the %d after that were not made", ErrStopped, c.Name, len(Checks)-1-i)
		}
	}
	return failed, nil
}

// most is what is kept of each stream.
const most = 1 << 20

// A seen is what one process did.
type seen struct {
	stdout, stderr string
	status         int    // -1: a signal
	ended          string // in place of a status: "signal: killed"; "": it exited
	stopped        bool   // by us, because it went on
	wrong          string // with several processes taken together; "": nothing
	report         shimwire.Report
	silent         bool // nothing came through descriptor 3
	wall, cpu      time.Duration
}

// A sink is what descriptor 3 is.
type sink int

const (
	pipe sink = iota
	file
	closed
)

// run runs the shim with options, a module of guests/ or, if it is none, the
// path of one, and the guest's arguments.
func (s Shim) run(ctx context.Context, options []string, module string, args []string, stdin string, want shimwire.Reader, to sink) (seen, error) {
	var words []string
	if s.Mode != "" {
		words = append(words, "--mode", s.Mode)
	}
	words = append(words, options...)
	if module != "" {
		path, compiled, err := s.module(ctx, module)
		if err != nil || compiled.stopped {
			return compiled, err
		}
		words = append(append(words, path), args...)
	}
	return s.start(ctx, words, stdin, want, to)
}

// precompiled is the mode that runs what --precompile makes.
const precompiled = string(runners.Precompiled)

// module writes a module of guests/, compiled where the mode wants that, and
// returns its path, and what the shim did that compiled it.
func (s Shim) module(ctx context.Context, name string) (string, seen, error) {
	if filepath.IsAbs(name) {
		return name, seen{}, nil
	}
	source, err := s.source(name)
	if err != nil || s.Mode != precompiled {
		return source, seen{}, err
	}
	made := filepath.Join(s.Dir, precompiled, name+".wasm")
	if err := os.MkdirAll(filepath.Dir(made), 0o777); err != nil {
		return "", seen{}, err
	}
	got, err := s.start(ctx, []string{"--mode", s.Mode, "--precompile", made, source}, "", shimwire.Reader{}, pipe)
	return made, got, err // if it was not made, the check sees that
}

// source writes a module of guests/, and returns its path.
func (s Shim) source(name string) (string, error) {
	data, err := guests.ReadFile("guests/" + name + ".wasm")
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.Dir, name+".wasm")
	return path, os.WriteFile(path, data, 0o666)
}

func (s Shim) start(ctx context.Context, words []string, stdin string, want shimwire.Reader, to sink) (seen, error) {
	limit := s.Limit
	if limit == 0 {
		limit = time.Minute
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ended after %v", limit))
	defer cancel()
	limited, stop := context.WithCancelCause(limited)
	defer stop(nil)
	cmd := grouped.Command(limited, time.Second, s.Command[0], append(s.Command[1:len(s.Command):len(s.Command)], words...)...)
	cmd.Env = []string{}
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr head
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	read, write, err := s.open(to)
	if err != nil {
		return seen{}, err
	}
	defer read.Close()
	if to != closed {
		cmd.ExtraFiles = []*os.File{write}
	}
	got := seen{silent: true}
	began := time.Now()
	err = cmd.Start()
	write.Close()
	if err != nil {
		return seen{}, err
	}
	copied := make(chan error, 1)
	take := func() {
		n, err := io.Copy(&want, io.LimitReader(read, shimwire.MaxBytes+1))
		if n > shimwire.MaxBytes {
			stop(fmt.Errorf("more than %d bytes through descriptor 3", shimwire.MaxBytes))
		}
		got.silent = n == 0
		copied <- err
	}
	if to != file {
		go take()
	}
	err = cmd.Wait()
	got.wall = time.Since(began)
	if to == file {
		go take()
	} else {
		read.SetReadDeadline(time.Now().Add(time.Second)) // a process that it left behind may hold the pipe open
	}
	if err := <-copied; err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return seen{}, err
	}
	if err := ctx.Err(); err != nil {
		return seen{}, context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok && !errors.Is(err, exec.ErrWaitDelay) {
		return seen{}, err
	} else if ok && !exit.Exited() {
		got.ended = exit.String()
	}
	if limited.Err() != nil {
		got.ended, got.stopped = context.Cause(limited).Error(), true
	}
	got.report = want.Close()
	if got.report.Wrong == "" {
		got.report.Within(got.wall.Nanoseconds())
	}
	got.status = cmd.ProcessState.ExitCode()
	got.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	got.stdout, got.stderr = string(stdout), string(stderr)
	return got, nil
}

// open returns what the shim's descriptor 3 is, and the other end of it.
func (s Shim) open(to sink) (read, write *os.File, err error) {
	if to != file {
		return os.Pipe()
	}
	path := filepath.Join(s.Dir, "samples")
	if write, err = os.Create(path); err != nil {
		return nil, nil, err
	}
	read, err = os.Open(path)
	return read, write, err
}

// A head keeps the beginning of what is written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), most-len(*h))]...)
	return len(p), nil
}

// phases returns how often phases of that name were reported, alone or merged.
func (s seen) phases(name assay.Phase) int {
	n := 0
	for _, p := range s.report.Phases {
		for part := range strings.SplitSeq(string(p.Name), "+") {
			if part == string(name) {
				n++
			}
		}
	}
	return n
}

// processor returns the processor time of all phases.
func (s seen) processor() time.Duration {
	var sum time.Duration
	for _, p := range s.report.Phases {
		if p.CPUNS != nil && p.Name != assay.Region {
			sum += time.Duration(*p.CPUNS)
		}
	}
	return sum
}
