package kernel_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/executors"
)

// without returns env without the named variables.
func without(env []string, names ...string) (kept []string) {
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		drop := false
		for _, n := range names {
			drop = drop || n == name
		}
		if !drop {
			kept = append(kept, kv)
		}
	}
	return kept
}

// TestApology starts kernels that cannot run GoNB: each says why, what to do
// about it, and lives until it is told to end.
func TestApology(t *testing.T) {
	empty, old, broken, strange, failing := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	fake := func(dir, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fake(old, `echo '{"GOVERSION": "go1.20", "GOCACHE": "/tmp", "GOMODCACHE": "/tmp"}'`)
	fake(broken, "echo GOROOT is gone >&2; exit 3")
	fake(strange, "echo go is a board game; echo with stones")
	fake(failing, `case "$1 $2" in "mod init") echo no room >&2; exit 3 ;; esac; exec `+goCommand(t)+` "$@"`) // which is how GoNB begins
	for _, c := range []struct {
		name string
		env  []string
		want []string
	}{
		{"no go", []string{"PATH=" + empty}, []string{"go not found", "install Go 1.26 or later", "PATH"}},
		{"old go", []string{"PATH=" + old}, []string{old + "/go is go1.20", "go1.26.0 or later"}},
		{"broken go", []string{"PATH=" + broken}, []string{"GOROOT is gone", "install Go"}},
		{"strange go", []string{"PATH=" + strange}, []string{strange + `/go env -json printed "go is a board game", which is not JSON`, "put Go 1.26 or later from https://go.dev/dl before it"}},
		{"no cache", []string{"ASSAY_CACHE=/proc/nothing"}, []string{"/proc/nothing cannot be written", "set ASSAY_CACHE"}},
		{"no network", []string{"ASSAY_CACHE=" + t.TempDir(), "GOPROXY=off", "GOMODCACHE=" + t.TempDir()},
			[]string{"building github.com/janpfeifer/gonb@v0.11.4", "check the network and GOPROXY"}},
		{"GoNB fails", []string{"PATH=" + failing + ":/usr/bin:/bin"}, []string{"GoNB ended with exit status 255", "its last words are: ", "go mod init"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := begin(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, c.env...) })
			for range 2 {
				_, reply := p.execute("%%\nfmt.Println(1)")
				for _, want := range append(c.want, "assay cannot run cells: ", "then restart the kernel") {
					if !strings.Contains(reply.Value, want) {
						t.Errorf("%s, %q, want %q", reply.Status, reply.Value, want)
					}
				}
			}
			if err := p.client.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if err := p.client.Interrupt(t.Context()); err != nil {
				t.Error(err)
			}
			if err := p.client.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			p.wait()
			if got := p.cmd.ProcessState.ExitCode(); got != 0 {
				t.Errorf("exit status %d, want 0", got)
			}
		})
	}
}

func goCommand(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		tooltest.Missing(t, "go", err)
	}
	return path
}

// TestEndedWhileBuilding tells a kernel to end that still builds GoNB.
func TestEndedWhileBuilding(t *testing.T) {
	bin := t.TempDir()
	began := filepath.Join(bin, "began")
	script := `#!/bin/sh
case $1 in build) echo >` + began + `; sleep 600 ;; esac
exec ` + goCommand(t) + ` "$@"
`
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir(), func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "PATH="+bin+":/usr/bin:/bin", "ASSAY_CACHE="+t.TempDir())
	})
	eventually(t, func() string {
		if _, err := os.Stat(began); err != nil {
			return "the build does not begin"
		}
		return ""
	})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if got := p.cmd.ProcessState.ExitCode(); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
	p.gone()
}

// TestNoEditor has no gopls and cannot build it: the kernel does all else.
func TestNoEditor(t *testing.T) {
	prepared(t)
	cache, bin := t.TempDir(), t.TempDir()
	tried := filepath.Join(bin, "tried")
	for _, pattern := range []string{"tools/gonb-*", "tools/goimports-*", "kernel/*"} {
		paths, err := filepath.Glob(filepath.Join(options().Cache, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			to := filepath.Join(cache, filepath.Dir(pattern), filepath.Base(path))
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Symlink(path, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := `#!/bin/sh
case "$*" in *x/tools/gopls) echo no network >&2; echo >` + tried + `; exit 1 ;; esac
exec ` + goCommand(t) + ` "$@"
`
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p := begin(t, t.TempDir(), func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "HEADLESS=", "PATH="+bin+":/usr/bin:/bin", "ASSAY_CACHE="+cache)
	})
	if got, reply := p.execute("%%\nfmt.Println(\"fine\")"); got != "fine\n" {
		t.Errorf("%+v, output %q; want fine", reply, got)
	}
	eventually(t, func() string {
		if _, err := os.Stat(tried); err != nil {
			return "gopls is not built"
		}
		return ""
	})
	if err := p.client.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wait()
	for _, want := range []string{"from the next start on", "cells are not completed and explained: building golang.org/x/tools/gopls", "no network"} {
		if got := p.stderr.String(); !strings.Contains(got, want) {
			t.Errorf("the kernel said %q, want %q", got, want)
		}
	}
}

// TestReadOnlyHome runs a kernel whose home holds neither Go's caches nor
// anything else.
func TestReadOnlyHome(t *testing.T) {
	o := options()
	p := start(t, t.TempDir(), func(cmd *exec.Cmd) {
		cmd.Env = append(without(cmd.Env, "GOCACHE", "GOMODCACHE", "GOPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
			"HOME=/proc/nothing", "ASSAY_CACHE="+o.Cache)
	})
	if got, reply := p.execute("%%\nfmt.Println(stats.Median([]float64{1, 2, 3}))"); got != "2\n" {
		t.Errorf("%+v, output %q; want 2", reply, got)
	}
}

// TestLongPath has a workspace whose path is too long for a socket, and a
// TMPDIR that is, too.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a läng pâth ", 10), strings.Repeat("wörk späce ", 5))
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Init(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "TMPDIR="+tmp) })
	got, reply := p.execute("%%\nfmt.Println(len(assay.Status()))\nwd, _ := os.Getwd()\nfmt.Println(wd)")
	if reply.Status != "ok" || !strings.Contains(got, dir) {
		t.Errorf("%+v, output %q; want %s", reply, got, dir)
	}
}

// TestNoWorkspace: plain cells work, and a cell that needs a workspace says how
// to make one. Once it is made, the same kernel uses it.
func TestNoWorkspace(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil)
	if got, _ := p.execute("%%\nfmt.Println(\"plain\")"); got != "plain\n" {
		t.Errorf("plain cell: %q", got)
	}
	const status = "%%\nfmt.Println(len(assay.Status()), \"runs\")"
	if got, reply := p.execute(status); reply.Status != "error" || !strings.Contains(got, `run "assay init"`) {
		t.Errorf("without a workspace: %+v, output %q; want the remedy", reply, got)
	}
	if _, err := lab.Init(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, reply := p.execute(status); !strings.Contains(got, "0 runs") {
		t.Errorf("in a workspace: %+v, output %q; want 0 runs", reply, got)
	}
}

// TestAbandoned kills a kernel and its keeper: the next kernel removes what
// they left, and nothing of one that lives.
func TestAbandoned(t *testing.T) {
	dead := start(t, t.TempDir(), nil)
	alive := start(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "TMPDIR="+dead.tmp) })
	for _, name := range []string{"assay-kernel-keeper", "kernel", "gonb"} {
		out, err := exec.Command("pgrep", "-f", "-s", sid(dead), name).Output()
		if err != nil {
			continue // the last one took it along
		}
		for pid := range strings.FieldsSeq(string(out)) {
			if err := exec.Command("kill", "-KILL", pid).Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	dead.wait()
	if left, err := os.ReadDir(dead.tmp); err != nil || len(left) != 2 {
		t.Fatalf("after the kill: %v, %v; want two directories", left, err)
	}
	start(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "TMPDIR="+dead.tmp) })
	if left, err := os.ReadDir(dead.tmp); err != nil || len(left) != 2 {
		t.Errorf("after the next start: %v, %v; want two directories, of the living", left, err)
	}
	if got, _ := alive.execute("%%\nfmt.Println(\"lives\")"); got != "lives\n" {
		t.Errorf("the other kernel: %q, want lives", got)
	}
}

// sid is the session of a kernel, which is its process ID.
func sid(p *process) string { return strconv.Itoa(p.cmd.Process.Pid) }

// TestRestartDuringRun ends a kernel in each way while a cell measures: the run
// goes on, and the cell executed again in another kernel gets all of it.
func TestRestartDuringRun(t *testing.T) {
	wasm, err := filepath.Abs("../../runners/runtimes/contract/guests/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	const cell = `%%
r := assay.Experiment("long", assay.Cold{Invocations: 300}).Workloads(assay.Pin("WASM")).Runtimes("wazero/interpreter").Run()
fmt.Println("segments", r.Record().Segments, "of 1,", r.Record().Outcomes["ok"], "ok")
`
	code := strings.ReplaceAll(cell, "WASM", wasm)
	for _, c := range []struct {
		name string
		end  func(*process) error
	}{
		{"restart", func(p *process) error { return p.client.Shutdown(t.Context()) }},
		{"SIGTERM", func(p *process) error { return p.cmd.Process.Signal(syscall.SIGTERM) }},
		{"SIGKILL", func(p *process) error { return p.cmd.Process.Kill() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := lab.Init(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			p := start(t, dir, nil)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = p.try(code, func(string) {}) // it is cut off
			}()
			measuring := func() bool {
				runs, _ := filepath.Glob(filepath.Join(dir, ".assay", "runs", "2*"))
				for _, run := range runs {
					if s, err := (executors.Local{}).Status(context.Background(), run); err == nil && s.Alive {
						return true
					}
				}
				return false
			}
			eventually(t, func() string {
				select {
				case <-done:
					return "the cell ended before it measured"
				default:
				}
				if !measuring() {
					return "no agent was started"
				}
				return ""
			})
			if err := c.end(p); err != nil {
				t.Fatal(err)
			}
			p.wait()
			<-done
			again := start(t, dir, nil)
			got, reply := again.execute(code)
			if reply.Status != "ok" || !strings.Contains(got, "segments 1 of 1, 300 ok") {
				t.Errorf("again: %+v, output %q; want one segment of 300 samples: the run was never stopped", reply, got)
			}
		})
	}
}
