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
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// ErrEnding is the cause with which the contexts of requests end when the
// kernel does: nobody watches any longer, and a run goes on without it.
var ErrEnding = errors.New("the kernel ends")

// Run is the kernel: it prepares what is missing, has GoNB serve the
// connection file, and answers the cells, until GoNB ends or a signal says so.
// SIGINT interrupts the running cell. When it returns, GoNB, its cells and
// gopls have ended, and their directory is gone; runs that are being measured
// go on. If GoNB cannot run, or fails before its first cell, Run says so to
// whoever executes one.
func Run(ctx context.Context, o Options, connectionFile string, open cells.Opener) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ctx, stop := untilOrphaned(ctx)
	defer stop()

	began := false
	t, k, err := prepareAtStart(ctx, o, signals)
	if err == nil {
		began, err = run(ctx, o, t, k, connectionFile, open, signals)
	}
	switch {
	case errors.Is(err, errEnd):
		return nil
	case err != nil && !began:
		return apologize(ctx, connectionFile, err, signals)
	}
	return err
}

// errEnd reports that a signal or the end of our parent ended us.
var errEnd = errors.New("told to end")

// prepareAtStart is Prepare, ended by the signals that end a kernel. It does
// not wait for an editor: Jupyter waits a minute for us.
func prepareAtStart(ctx context.Context, o Options, signals <-chan os.Signal) (toolchain, kit, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var t toolchain
	var k kit
	done := make(chan error, 1)
	go func() {
		var err error
		if t, err = findToolchain(ctx, o); err == nil {
			k, err = prepare(ctx, t, o, say)
		}
		if err == nil && !o.Headless {
			k.gopls, _ = toolbox.Built(ctx, gopls, o.Cache)
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

// editorForNext builds the editor, if there is to be one and is not, while the
// kernel runs without: GoNB looks for it when it starts. stop ends the build.
func editorForNext(ctx context.Context, o Options, k kit) (stop func()) {
	if o.Headless || k.gopls != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		say("cells are completed and explained from the next start on: gopls is not built yet")
		prepareEditor(ctx, o, say)
	}()
	return func() { cancel(); <-done }
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

// run runs GoNB until it ends. began reports whether somebody may be waiting
// for its answer: then we must end, too, for Jupyter to notice.
func run(ctx context.Context, o Options, t toolchain, k kit, connectionFile string, open cells.Opener, signals <-chan os.Signal) (began bool, err error) {
	p, err := newPlace()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.Remove()) }()
	defer editorForNext(ctx, o, k)()
	env, err := furnish(p, o, t, k)
	if err != nil {
		return false, err
	}
	s, err := serve(ctx, filepath.Join(p.dir, socketName), open)
	if err != nil {
		return false, err
	}
	defer s.close()
	keeper, err := startKeeper(p)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, keeper.dismiss()) }()
	cmd := exec.Command(k.gonb, "-kernel="+connectionFile, "-go_work="+k.source,
		"-logtostderr=false", "-stderrthreshold=FATAL", "-log_file="+filepath.Join(p.dir, logName))
	cmd.Env = env
	said, err := listen(os.Stderr)
	if err != nil {
		return false, err
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, said.w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its cells
	err = cmd.Start()
	said.w.Close()
	defer said.close()
	if err != nil {
		return false, fmt.Errorf("start GoNB: %w", err)
	}
	if err := keeper.watch(cmd.Process.Pid); err != nil {
		return false, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	exit := attend(ctx, cmd, s, signals)
	err = clear(cmd.Process.Pid, p)
	if exit == nil {
		return true, err
	}
	return p.served(), errors.Join(fmt.Errorf("GoNB ended with %w%s", exit, said.last()), err)
}

const (
	socketName = "cells.sock"
	logName    = "gonb.log"
)

// patience is how long GoNB, and then cells, have to end by themselves.
// Jupyter kills us five seconds after it asked us to end.
const patience = 2 * time.Second

// attend waits until GoNB ends, passing signals on. The error is that it ended
// badly, and not because it was told to.
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
				return exit
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
	// What builds a cell ends before its garbage is worth collecting.
	const spare = `case $1 in build) export GOGC=off GOMEMLIMIT=1GiB ;; esac` + "\n"
	scripts := map[string]string{
		"goimports": fmt.Sprintf("XDG_CACHE_HOME=%s exec %s \"$@\"\n", quote(filepath.Join(o.Cache, "goimports")), quote(k.goimports)),
		"go":        get + spare + fmt.Sprintf("XDG_CONFIG_HOME=%s exec %s \"$@\"\n", quote(t.settings), quote(t.path)),
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
