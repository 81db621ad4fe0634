package kernel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestMain makes this binary the kernel of its tests: "kernel CONNECTION_FILE".
func TestMain(m *testing.M) {
	if status, isWorker := lab.Work(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); isWorker {
		os.Exit(status)
	}
	if len(os.Args) == 5 && os.Args[2] == "complete" {
		if err := kernel.Complete(context.Background(), os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, "assay:", err)
		}
		os.Exit(1)
	}
	if len(os.Args) == 3 && os.Args[1] == "kernel" {
		if err := kernel.Run(context.Background(), options(), os.Args[2], openHere); err != nil {
			fmt.Fprintln(os.Stderr, "assay:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func options() kernel.Options {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	config, _, err := settings.Load("")
	if err != nil {
		panic(err)
	}
	return kernel.Options{Assay: exe, Cache: config.Cache, Headless: os.Getenv("HEADLESS") != ""}
}

func openHere(ctx context.Context) (*lab.Workspace, error) {
	root, err := lab.Find(".")
	if err != nil {
		return nil, err
	}
	return lab.Open(ctx, root)
}

// prepared has the programs that a kernel needs in the user's own cache.
func prepared(t testing.TB) {
	t.Helper()
	if err := kernel.Prepare(t.Context(), options(), true, func(line string) { t.Log(line) }); err != nil {
		tooltest.Missing(t, "gonb", err)
	}
}

// A process is a kernel at work, and a client of it.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	tmp    string // where its private directory is
	stderr bytes.Buffer
	ended  chan struct{}

	connection protocol.Connection
	client     *protocol.Client
}

// deadline is for what takes a second on a quiet machine.
const deadline = 2 * time.Minute

// start starts a kernel in dir. edit may change its command.
func start(t testing.TB, dir string, edit func(*exec.Cmd)) *process {
	t.Helper()
	prepared(t)
	return begin(t, dir, edit)
}

// begin is start with whatever the cache has.
func begin(t testing.TB, dir string, edit func(*exec.Cmd)) *process {
	t.Helper()
	p := launch(t, dir, edit)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var err error
	// A GoNB that fails does so after it has opened its sockets.
	for p.client, err = protocol.Dial(ctx, p.connection); err != nil && ctx.Err() == nil; p.client, err = protocol.Dial(ctx, p.connection) {
		select {
		case <-p.ended:
			cancel()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err != nil {
		p.cmd.Process.Kill()
		<-p.ended
		t.Fatalf("%v\n%s", err, p.stderr.Bytes())
	}
	t.Cleanup(p.client.Close)
	return p
}

// launch is begin without a client.
func launch(t testing.TB, dir string, edit func(*exec.Cmd)) *process {
	t.Helper()
	sockets := shortDir(t)
	connection, err := protocol.NewConnection(sockets, kernel.Name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(sockets, "kernel.json")
	if err := connection.Write(file); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, tmp: shortDir(t), ended: make(chan struct{}), connection: connection}
	p.cmd = exec.Command(options().Assay, "kernel", file)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.tmp, "HEADLESS=1")
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as Jupyter starts kernels
	if edit != nil {
		edit(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.wait()
		if t.Failed() {
			t.Logf("the kernel said: %s", p.stderr.Bytes())
		}
	})
	return p
}

// shortDir is t.TempDir for sockets, whose paths must be short.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// wait waits until the kernel has ended.
func (p *process) wait() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(deadline):
		p.cmd.Process.Kill()
		<-p.ended
		p.t.Errorf("the kernel did not end\n%s", p.stderr.Bytes())
	}
}

// execute executes a cell and returns what it printed, displayed and ended with.
func (p *process) execute(code string) (printed string, reply protocol.Reply) {
	p.t.Helper()
	var b strings.Builder
	reply, err := p.try(code, func(text string) { b.WriteString(text) })
	if err != nil {
		p.t.Fatalf("execute %q: %v\n%s", code, err, p.stderr.Bytes())
	}
	return b.String(), reply
}

func (p *process) try(code string, output func(string)) (protocol.Reply, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	return p.client.Execute(ctx, protocol.Code{Code: code, Output: func(m protocol.Message) {
		var c struct {
			Text string         `json:"text"`
			Data map[string]any `json:"data"`
		}
		if json.Unmarshal(m.Content, &c) == nil {
			output(c.Text)
			for _, data := range c.Data {
				output(fmt.Sprint(data))
			}
		}
	}})
}

// processes returns the processes that have s in their arguments or in their
// environment: those of a kernel have its directory in either.
func processes(t testing.TB, s string) (found []string) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		argv, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(argv, []byte(s)) || bytes.Contains(env, []byte(s)) {
			found = append(found, filepath.Base(dir)+" "+string(bytes.ReplaceAll(argv, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// eventually waits until f returns "", or fails with what it returned last.
func eventually(t testing.TB, f func() string) {
	t.Helper()
	var last string
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = f(); last == "" {
			return
		}
	}
	t.Fatal(last)
}

// gone waits until a kernel's processes and directory are gone.
func (p *process) gone() {
	p.t.Helper()
	eventually(p.t, func() string {
		if left := processes(p.t, p.tmp); len(left) > 0 {
			return fmt.Sprintf("still there: %q", left)
		}
		if left, err := os.ReadDir(p.tmp); err != nil || len(left) > 0 {
			return fmt.Sprintf("left in %s: %v, %v", p.tmp, left, err)
		}
		return ""
	})
}

const endless = "%%\nfmt.Println(\"begun\")\nfor { time.Sleep(time.Millisecond) }\n"

// stubborn ignores interrupts.
const stubborn = "%%\nsignal.Ignore(os.Interrupt)\nfmt.Println(\"begun\")\nfor { time.Sleep(time.Millisecond) }\n"

// executing starts a cell and returns when it has printed "begun".
func (p *process) executing(code string) (done <-chan protocol.Reply) {
	p.t.Helper()
	begun, replies := make(chan struct{}), make(chan protocol.Reply, 1)
	go func() {
		reply, err := p.try(code, func(text string) {
			if strings.Contains(text, "begun") {
				close(begun)
			}
		})
		if err != nil {
			reply = protocol.Reply{Status: "lost", Value: err.Error()}
		}
		replies <- reply
	}()
	select {
	case <-begun:
	case r := <-replies:
		p.t.Fatalf("the cell ended at once: %+v\n%s", r, p.stderr.Bytes())
	case <-time.After(deadline):
		p.t.Fatal("the cell did not begin")
	}
	return replies
}

func TestCells(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	for _, c := range []struct{ name, code, want string }{
		{"hello", "%%\nfmt.Println(\"hello\")", "hello\n"},
		{"nothing imported", "%%\nfmt.Println(stats.Median([]float64{3, 1, 2}))", "2"},
		{"a type of figure", "%%\nvar f *figure.Figure\nfmt.Println(f == nil)", "true\n"},
		{"an alias of the user's", "import figure \"strings\"\n%%\nfmt.Println(figure.ToUpper(\"x\"))", "X\n"},
		{"a variable of the name", "%%\ntable := strings.Builder{}\ntable.WriteString(\"y\")\nfmt.Println(table.String())", "y\n"},
		{"the workspace", "%%\nfmt.Println(os.Getwd())", p.cmd.Dir},
		{"settings of go", "%%\nfmt.Println(os.Getenv(\"GOPROXY\"), os.Getenv(\"CGO_ENABLED\"), os.Getenv(\"GOFLAGS\"))", "off 0 -ldflags=-w\n"},
	} {
		if got, reply := p.execute(c.code); reply.Status != "ok" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, output %q; want %q", c.name, reply.Status, got, c.want)
		}
	}
	got, reply := p.execute("\n%%\nfmt.Println(\"fine\")\nfmt.Printn(\"not\")")
	if reply.Status != "error" || !strings.Contains(got+strings.Join(reply.Traceback, "\n"), "Line 4") {
		t.Errorf("compile error: %+v, output %q; want an error at line 4", reply, got)
	}
}

func TestInterrupt(t *testing.T) {
	for _, how := range []string{"message", "signal"} {
		p := start(t, t.TempDir(), nil)
		done := p.executing(endless)
		if how == "message" {
			if err := p.client.Interrupt(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if r := <-done; r.Status != "error" {
			t.Errorf("interrupted by %s: %+v, want an error", how, r)
		}
		if got, _ := p.execute("%%\nfmt.Println(\"lives\")"); got != "lives\n" {
			t.Errorf("after an interrupt by %s: %q, want lives", how, got)
		}
	}
}

// TestEnd ends kernels in every way while a cell runs: no process and no
// directory is left.
func TestEnd(t *testing.T) {
	for _, c := range []struct {
		name, cell string
		end        func(*process) error
		status     int
	}{
		{"shutdown", endless, func(p *process) error { return p.client.Shutdown(t.Context()) }, 0},
		{"shutdown of a stubborn cell", stubborn, func(p *process) error { return p.client.Shutdown(t.Context()) }, 0},
		{"SIGTERM", endless, func(p *process) error { return p.cmd.Process.Signal(syscall.SIGTERM) }, 0},
		{"SIGHUP to a stubborn cell", stubborn, func(p *process) error { return p.cmd.Process.Signal(syscall.SIGHUP) }, 0},
		{"SIGKILL", endless, func(p *process) error { return p.cmd.Process.Kill() }, -1},
		{"SIGKILL of the group", stubborn, func(p *process) error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }, -1},
		{"SIGKILL of GoNB", stubborn, func(p *process) error {
			return exec.Command("pkill", "-KILL", "-P", fmt.Sprint(p.cmd.Process.Pid), "gonb").Run()
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "HEADLESS=") })
			done := p.executing(c.cell)
			began := time.Now()
			if err := c.end(p); err != nil {
				t.Fatal(err)
			}
			p.wait()
			t.Logf("ended in %v", time.Since(began))
			<-done
			if got := p.cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d\n%s", got, c.status, p.stderr.Bytes())
			}
			p.gone()
		})
	}
}

// TestOrphan takes away the Jupyter server that started a kernel.
func TestOrphan(t *testing.T) {
	p := start(t, t.TempDir(), func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `JPY_PARENT_PID=$$ "$0" kernel "$1" & wait`, cmd.Path, cmd.Args[2]}
	})
	done := p.executing(endless)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait() // for the kernel, too, which has its stderr
	<-done
	p.gone()
}
