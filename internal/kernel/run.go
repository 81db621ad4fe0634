package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/assay-notebooks/assay/internal/cells"
)

// ErrEnding is the cause with which the contexts of requests end when the
// kernel does: nobody watches any longer, and a run goes on without it.
var ErrEnding = errors.New("the kernel ends")

// Run is the kernel: it prepares what is missing, has GoNB serve the
// connection file, and answers the cells, until GoNB ends or a signal says so.
// SIGINT interrupts the running cell. When it returns, GoNB, its cells and
// gopls have ended, and their directory is gone; runs that are being measured
// go on. If GoNB cannot run it says so to whoever executes a cell.
func Run(ctx context.Context, o Options, connectionFile string, open cells.Opener) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ctx, stop := untilOrphaned(ctx)
	defer stop()

	t, k, err := prepareAtStart(ctx, o, signals)
	if err != nil && !errors.Is(err, errEnd) {
		return apologize(ctx, connectionFile, err, signals)
	}
	if err == nil {
		err = run(ctx, o, t, k, connectionFile, open, signals)
	}
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// errEnd reports that a signal or the end of our parent ended us.
var errEnd = errors.New("told to end")

// prepareAtStart is Prepare, ended by the signals that end a kernel.
func prepareAtStart(ctx context.Context, o Options, signals <-chan os.Signal) (toolchain, kit, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var t toolchain
	var k kit
	done := make(chan error, 1)
	go func() {
		var err error
		if t, err = findToolchain(ctx, o); err == nil {
			k, err = prepare(ctx, t, o, !o.Headless, say)
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			return t, k, err
		case s := <-signals:
			if s != syscall.SIGINT {
				cancel(errEnd)
			}
		}
	}
}

func say(line string) { fmt.Fprintf(os.Stderr, "assay kernel: %s\n", line) }

// untilOrphaned returns a context that ends when the Jupyter server that
// started us is gone: JPY_PARENT_PID says that it is our parent.
func untilOrphaned(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	parent := os.Getppid()
	if os.Getenv("JPY_PARENT_PID") != strconv.Itoa(parent) {
		return ctx, func() { cancel(nil) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		cancel(errEnd)
	}()
	return ctx, func() { cancel(nil); <-done }
}

func run(ctx context.Context, o Options, t toolchain, k kit, connectionFile string, open cells.Opener, signals <-chan os.Signal) (err error) {
	p, err := newPlace()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	env, err := furnish(p, o, t, k)
	if err != nil {
		return err
	}
	s, err := serve(ctx, filepath.Join(p.dir, socketName), open)
	if err != nil {
		return err
	}
	defer s.close()
	keeper, err := startKeeper(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keeper.dismiss()) }()
	cmd := exec.Command(k.gonb, "-kernel="+connectionFile, "-go_work="+k.source,
		"-logtostderr=false", "-stderrthreshold=FATAL", "-log_file="+filepath.Join(p.dir, logName))
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its cells
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start GoNB: %w", err)
	}
	if err := keeper.watch(cmd.Process.Pid); err != nil {
		return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	err = attend(ctx, cmd, s, signals)
	if err != nil {
		err = fmt.Errorf("%w%s", err, lastWords(filepath.Join(p.dir, logName)))
	}
	return errors.Join(err, clear(cmd.Process.Pid, p))
}

// lastWords returns the end of GoNB's log, which goes with its directory.
func lastWords(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "; its log ends with\n" + strings.Join(lines[max(0, len(lines)-10):], "\n")
}

const (
	socketName = "cells.sock"
	logName    = "gonb.log"
)

// patience is how long GoNB, and then cells, have to end by themselves.
// Jupyter kills us five seconds after it asked us to end.
const patience = 2 * time.Second

// attend waits until GoNB ends, passing signals on.
func attend(ctx context.Context, cmd *exec.Cmd, s *server, signals <-chan os.Signal) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var late <-chan time.Time
	over := ctx.Done()
	told := false
	end := func() {
		if !told {
			told, late = true, time.After(patience)
			s.ending()
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
		}
	}
	for {
		select {
		case err := <-ended:
			s.ending()
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && !told {
				return fmt.Errorf("GoNB ended with %v: restart the kernel", exit)
			}
			return nil
		case sig := <-signals:
			if sig == syscall.SIGINT {
				_ = cmd.Process.Signal(sig)
			} else {
				end()
			}
		case <-over:
			over = nil
			end()
		case <-late:
			late = nil
			_ = cmd.Process.Kill()
		}
	}
}

// clear kills what is left of GoNB's processes. A cell that was told to end
// has some time for it.
func clear(group int, p *place) error {
	deadline := time.Now().Add(patience)
	for syscall.Kill(-group, 0) == nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	err := kill(group)
	b, readErr := os.ReadFile(filepath.Join(p.dir, goplsPID))
	if readErr == nil {
		if pid, convErr := strconv.Atoi(strings.TrimSpace(string(b))); convErr == nil && pid > 1 {
			err = errors.Join(err, kill(pid))
		}
	}
	return err
}

// kill kills a process group, if there is one.
func kill(group int) error {
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process group %d: %w", group, err)
	}
	return nil
}

const goplsPID = "gopls.pid"

// furnish puts into the place the folder that goes first on PATH, and returns
// the environment of GoNB.
func furnish(p *place, o Options, t toolchain, k kit) ([]string, error) {
	bin := filepath.Join(p.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return nil, err
	}
	// GoNB runs a bare "go get" for each cell, which takes longer than it is of
	// use: without network it can get nothing.
	get := `case "$*" in get | "get -t") exit ;; esac` + "\n"
	if os.Getenv("ASSAY_GOPROXY") != "" {
		get = ""
	}
	scripts := map[string]string{
		"goimports": fmt.Sprintf("XDG_CACHE_HOME=%s exec %s \"$@\"\n", quote(filepath.Join(o.Cache, "goimports")), quote(k.goimports)),
		"go":        get + fmt.Sprintf("XDG_CONFIG_HOME=%s exec %s \"$@\"\n", quote(t.settings), quote(t.path)),
	}
	if k.gopls != "" {
		// In a process group of its own it is not killed with GoNB's.
		scripts["gopls"] = fmt.Sprintf("echo $$ >%s\n"+`XDG_CONFIG_HOME=%s XDG_CACHE_HOME=%s exec %s kernel complete %s "${2#unix;}"`+"\n",
			quote(filepath.Join(p.dir, goplsPID)), quote(t.settings), quote(filepath.Join(o.Cache, "gopls")), quote(o.Assay), quote(k.gopls))
	}
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			return nil, err
		}
	}
	return append(t.environ(),
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TMPDIR="+p.dir,
		"ASSAY_SOCKET="+filepath.Join(p.dir, socketName),
		"ASSAY_BIN="+o.Assay,
		"ASSAY_CACHE="+o.Cache), nil
}

// quote makes s one word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
