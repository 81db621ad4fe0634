package jupyterlab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// deadline is for what takes seconds on a quiet machine.
const deadline = 4 * time.Minute

// cacheDir is the user's own cache, so that tools are built once.
func cacheDir(t *testing.T) string {
	t.Helper()
	config, _, err := settings.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return config.Cache
}

// assayProgram builds assay once for all tests.
var assayProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-lab-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "assay")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/assay-notebooks/assay/cmd/assay").CombinedOutput()
	if err != nil {
		return dir, errors.New(string(out))
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if bin, _ := assayProgram(); bin != "" {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(status)
}

// A process is an "assay lab" at work. Everything that descends from it has
// mark in its environment.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	home   string // its HOME
	mark   string
	ended  chan struct{} // closed when it has; then:
	err    error
	Server
}

// start starts "assay lab --json dir" and returns when it has said its address.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	bin, err := assayProgram()
	if err != nil {
		t.Fatal(err)
	}
	cache := cacheDir(t)
	if _, err := environment(t.Context(), cache, func(line string) { t.Log(line) }); err != nil {
		tooltest.Missing(t, "jupyter", err)
	}
	if err := kernel.Prepare(t.Context(), kernel.Options{Assay: bin, Cache: cache}, true, func(line string) { t.Log(line) }); err != nil {
		tooltest.Missing(t, "gonb", err)
	}
	p := &process{t: t, home: t.TempDir(), ended: make(chan struct{})}
	p.mark = "ASSAY_LAB_TEST=" + p.home
	p.cmd = exec.Command(bin, append([]string{"--json", "lab", "--locked", dir}, args...)...)
	p.cmd.Env = append(os.Environ(), "HOME="+p.home, "XDG_CACHE_HOME=", "ASSAY_WORKSPACE=", "ASSAY_CACHE="+cache,
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), p.mark)
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.clear)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	if err != nil {
		<-p.ended
		t.Fatalf("assay lab said no address (%v): %s", p.err, p.stderr.String())
	}
	if err := json.Unmarshal(line, &p.Server); err != nil {
		t.Fatalf("assay lab --json said %q: %v", line, err)
	}
	return p
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// descendants returns the processes that have the mark.
func (p *process) descendants() []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err == nil && slices.Contains(strings.Split(string(b), "\x00"), p.mark) {
			pid, _ := parsePID(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func parsePID(s string) (pid int, err error) {
	err = json.Unmarshal([]byte(s), &pid)
	return pid, err
}

// clear kills what is left of it, so that a failed test leaves nothing.
func (p *process) clear() {
	for _, pid := range p.descendants() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.ended
}

// signal sends a signal to assay alone.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for its end.
func (p *process) wait() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(deadline):
		p.t.Fatalf("assay lab does not end; it said %s", p.stderr.String())
	}
}

// gone waits until nothing of it is left.
func (p *process) gone() {
	p.t.Helper()
	defer func() {
		for _, pid := range p.descendants() {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			p.t.Logf("process %d is left: %q", pid, b)
		}
	}()
	until(p.t, "its processes to end", func() bool { return len(p.descendants()) == 0 })
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// request asks the server's API and returns the status and the body.
func (p *process) request(method, path, body string) (int, string) {
	p.t.Helper()
	page, err := url.Parse(p.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+page.Host+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+page.Query().Get("token"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// kernel starts a kernel and waits until GoNB runs below it.
func (p *process) kernel() {
	p.t.Helper()
	before := len(p.descendants())
	if status, body := p.request(http.MethodPost, "/api/kernels", `{"name": "assay"}`); status != http.StatusCreated {
		p.t.Fatalf("start a kernel: %d %s", status, body)
	}
	// assay kernel, then GoNB; more may follow.
	until(p.t, "a kernel", func() bool { return len(p.descendants()) >= before+2 })
}

func TestInterruptStopsAllItStartedAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder with späces")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	p, other := start(t, dir), start(t, t.TempDir())
	p.kernel()
	other.kernel()
	if status, body := p.request(http.MethodGet, "/api/kernelspecs", ""); strings.Count(body, `"display_name"`) != 1 || !strings.Contains(body, `"Go (assay)"`) {
		t.Errorf("kernelspecs: %d %s: want ours alone", status, body)
	}
	stranger := exec.Command("tail", "-f", connectionFile(t, dir))
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	strangerEnded := make(chan struct{})
	go func() { stranger.Wait(); close(strangerEnded) }()
	defer func() { stranger.Process.Kill(); <-strangerEnded }()
	p.signal(os.Interrupt)
	p.wait()
	if p.err != nil {
		t.Errorf("assay lab ended with %v: %s", p.err, p.stderr.String())
	}
	select {
	case <-strangerEnded:
		t.Errorf("a program that looked at a connection file has ended too: %v", stranger.ProcessState)
	default:
	}
	if left := p.descendants(); len(left) > 0 {
		t.Errorf("%v still run after assay lab", left)
	}
	if status, body := other.request(http.MethodGet, "/api/kernels", ""); status != http.StatusOK || !strings.Contains(body, `"execution_state"`) {
		t.Errorf("the other lab's kernels: %d %s", status, body)
	}
	if files := filesBelow(t, filepath.Join(dir, ".assay", "jupyter", "runtime")); len(files) > 0 {
		t.Errorf("left in the runtime folder: %v", files)
	}

	// What does not answer is killed by the second signal: a server, or a kernel
	// whose server has ended.
	for _, pid := range append(kernels(other.PID, filepath.Dir(connectionFile(t, other.Root))), other.PID) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	other.signal(os.Interrupt)
	until(t, "the server to be stopped", func() bool {
		select {
		case <-other.ended:
			return true
		case <-time.After(200 * time.Millisecond):
			if err := other.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			return false
		}
	})
	other.gone()
	for _, p := range []*process{p, other} {
		telemetry := filepath.Join(p.home, ".config", "go") // the go command's own
		for _, path := range filesBelow(t, p.home) {
			if !strings.HasPrefix(telemetry, path) && !strings.HasPrefix(path, telemetry) {
				t.Errorf("in the user's home: %s", path)
			}
		}
	}
}

// connectionFile returns that of the kernel of the lab in dir.
func connectionFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".assay", "jupyter", "runtime", "*", "kernel-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("connection files in %s: %v, %v; want one", dir, files, err)
	}
	return files[0]
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestKilledLabTakesItsServerAlong(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	p.kernel()
	p.signal(os.Kill)
	p.wait()
	p.gone()
	// The next one tidies up.
	next := start(t, dir)
	next.signal(syscall.SIGTERM)
	next.wait()
	if files := filesBelow(t, filepath.Join(dir, ".assay", "jupyter", "runtime")); len(files) > 0 {
		t.Errorf("left in the runtime folder: %v", files)
	}
}

// TestQuickstart opens the quickstart in a browser and runs all of it: progress
// moves, and the figures are there, with their badges.
func TestQuickstart(t *testing.T) {
	if os.Getenv("ASSAY_PARAM_INVOCATIONS") == "" {
		t.Setenv("ASSAY_PARAM_INVOCATIONS", "2")
	}
	dir := t.TempDir()
	copyTo(t, filepath.Join(dir, "images", "workloads"), filepath.Join("..", "..", "images", "workloads"))
	notebooks := filepath.Join(dir, "notebooks")
	copyTo(t, filepath.Join(notebooks, "quickstart.ipynb"), filepath.Join("..", "..", "notebooks", "quickstart.ipynb"))
	p := browse(t, filepath.Join(notebooks, "quickstart.ipynb"), "quickstart")
	p.signal(os.Interrupt)
	p.wait()
	if p.err != nil {
		t.Errorf("assay lab ended with %v", p.err)
	}
	if out, err := exec.Command(p.cmd.Path, "-C", notebooks, "replay", "--all").CombinedOutput(); err != nil {
		t.Errorf("assay replay --all: %v\n%s", err, out)
	}
}

// TestBrowser interrupts, resumes, reloads, errs, completes and restarts.
func TestBrowser(t *testing.T) {
	dir := t.TempDir()
	copyTo(t, filepath.Join(dir, "noop"), filepath.Join("..", "..", "images", "workloads", "noop"))
	copyTo(t, filepath.Join(dir, "lab.ipynb"), filepath.Join("testdata", "lab.ipynb"))
	p := browse(t, filepath.Join(dir, "lab.ipynb"), "imports", "progress", "interrupt", "resume", "reload", "wrong", "complete", "hover", "restart")
	p.signal(os.Interrupt)
	p.wait()
	if p.err != nil {
		t.Errorf("assay lab ended with %v", p.err)
	}
	// The reload neither stopped the cell's run nor began another.
	var reloaded []string
	for line := range bytes.Lines(p.beside("-C", dir, "--json", "runs")) {
		var run lab.Listed
		if err := json.Unmarshal(line, &run); err != nil {
			t.Fatalf("assay --json runs: %v: %q", err, line)
		}
		if run.Name == "reloaded" {
			reloaded = append(reloaded, fmt.Sprintf("%s: %d segment, %v", run.State, run.Segments, run.Outcomes))
		}
	}
	if want := []string{"complete: 1 segment, map[ok:30]"}; !slices.Equal(reloaded, want) {
		t.Errorf("runs of the page that was reloaded: %q, want %q", reloaded, want)
	}
	_, after, left := strings.Cut(p.stderr.String(), "(left) is still being measured: assay attach ")
	if !left {
		t.Fatalf("assay lab does not say that a run goes on: %s", p.stderr.String())
	}
	id, _, _ := strings.Cut(after, ",")
	p.beside("-C", dir, "cancel", id)
	p.gone()
}

// browse starts a lab with a notebook open and drives its page as a person does:
// see testdata/browser.py for the steps. With ASSAY_LAB_SHOTS, a folder, it
// leaves pictures there.
func browse(t *testing.T, notebook string, steps ...string) *process {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		tooltest.Missing(t, "chromium", err)
	}
	python := filepath.Join(cacheDir(t), "tools", "jupyter", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		tooltest.Missing(t, "jupyter", err)
	}
	p := start(t, notebook)
	ctx, cancel := context.WithTimeout(t.Context(), 3*deadline)
	defer cancel()
	driver := command(ctx, python, append([]string{filepath.Join("testdata", "browser.py"), p.URL, os.Getenv("ASSAY_LAB_SHOTS")}, steps...)...)
	driver.Env = append(os.Environ(), "CHROMIUM="+chromium)
	out, err := driver.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	return p
}

// beside runs assay beside the lab and returns its stdout.
func (p *process) beside(args ...string) []byte {
	p.t.Helper()
	out, err := exec.Command(p.cmd.Path, args...).Output()
	if err != nil {
		p.t.Fatalf("assay %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// copyTo copies a file or a folder.
func copyTo(t *testing.T, to, from string) {
	t.Helper()
	st, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if st.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		var b []byte
		if b, err = os.ReadFile(from); err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o777), os.WriteFile(to, b, 0o666))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
