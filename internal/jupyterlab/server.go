package jupyterlab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
)

// A Server is a JupyterLab that we started. Its fields don't change.
type Server struct {
	URL       string         `json:"url"` // of the page, with the token
	Root      string         `json:"root"`
	Version   string         `json:"version"` // of JupyterLab
	Origin    string         `json:"origin"`  // "PATH" or "locked"
	Program   string         `json:"program"`
	Port      int            `json:"port"`
	PID       int            `json:"pid"`
	Log       string         `json:"log"`
	Workspace *lab.Workspace `json:"-"`

	home *home
	done chan struct{} // closed when the process has ended, with:
	err  error
}

// Times that a server gets. Jupyter gives its kernels five seconds to end.
const (
	stopWithin = 30 * time.Second      // to end, when asked, before it is killed
	poll       = 50 * time.Millisecond // between two looks
	patience   = 15 * time.Second      // before we say that starting takes long
	attempts   = 5                     // to get a port
	goneWithin = 10 * time.Second      // for its kernels to end after it
)

// Start makes ready what a lab needs and starts it. It returns when the page
// can be opened; the caller must Stop the server. say gets a line for each
// step that takes time.
func Start(ctx context.Context, o Options, say func(string)) (*Server, error) {
	at, err := findPlace(o.Open)
	if err != nil {
		return nil, err
	}
	ip, err := o.address()
	if err != nil {
		return nil, err
	}
	if err := checkPort(ctx, ip, o.Port); err != nil {
		return nil, err
	}
	w, err := workspaceOf(ctx, o.Workspace, at.root, say)
	if err != nil {
		return nil, err
	}
	p, err := findProgram(ctx, o.Kernel.Cache, o.Locked, say)
	if err != nil {
		return nil, err
	}
	if err := kernel.Prepare(ctx, o.Kernel, true, say); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := startOnce(ctx, w, at, p, ip, o, say)
		if errors.Is(err, errPortTaken) && o.Port == 0 && attempt < attempts && ctx.Err() == nil {
			continue
		}
		return s, err
	}
}

// errPortTaken reports that the server found a port free which another program
// then took before it did.
var errPortTaken = errors.New("the port was taken by another program")

func startOnce(ctx context.Context, w *lab.Workspace, at place, p program, ip string, o Options, say func(string)) (*Server, error) {
	h, err := makeHome(w.Root, o)
	if err != nil {
		return nil, err
	}
	s := &Server{Root: at.root, Version: p.version, Origin: p.origin, Program: p.path, Workspace: w, home: h, done: make(chan struct{})}
	if err := s.start(p, ip, o); err != nil {
		return nil, errors.Join(err, h.release())
	}
	if err := s.ready(ctx, ip, at.notebook, say); err != nil {
		s.stop(context.WithoutCancel(ctx))
		return nil, errors.Join(err, h.release())
	}
	return s, nil
}

// checkPort says early, and in words, that another program has the port.
func checkPort(ctx context.Context, ip string, port int) error {
	if port == 0 {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("lab: %w: name another with --port, or leave it out for a free one", err)
	}
	return l.Close()
}

// start starts the process.
func (s *Server) start(p program, ip string, o Options) error {
	var random [24]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	if err := os.WriteFile(s.home.tokenFile(), []byte(hex.EncodeToString(random[:])), 0o600); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	log, err := os.CreateTemp(s.home.dir, "lab-"+time.Now().UTC().Format("20060102T150405Z")+"-*.log")
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer log.Close()
	s.Log = log.Name()
	cmd := exec.Command(p.argv[0], append(p.argv[1:], arguments(s.Root, ip, o)...)...)
	cmd.Dir, cmd.Env = s.Root, s.home.environ()
	if o.Workspace != "" {
		cmd.Env = append(cmd.Env, "ASSAY_WORKSPACE="+s.Workspace.Root)
	}
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: Ctrl-C in the terminal is for us, not for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	endWithUs(cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // endWithUs means the thread that starts it
		err := cmd.Start()
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start JupyterLab: %w", err)
	}
	s.PID = cmd.Process.Pid
	return nil
}

// arguments returns what differs between the labs of one workspace.
func arguments(root, ip string, o Options) []string {
	args := []string{
		"--ServerApp.ip=" + ip,
		"--ServerApp.root_dir=" + root,
		"--ServerApp.open_browser=" + pythonBool(o.Browser),
		"--ServerApp.allow_remote_access=" + pythonBool(o.Exposed),
	}
	if o.Port != 0 {
		args = append(args, "--ServerApp.port="+strconv.Itoa(o.Port), "--ServerApp.port_retries=0")
	}
	return args
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// ready waits until the server answers, and sets URL and Port.
func (s *Server) ready(ctx context.Context, ip, notebook string, say func(string)) error {
	token, err := os.ReadFile(s.home.tokenFile())
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	tick, late := time.NewTicker(poll), time.After(patience)
	defer tick.Stop()
	for !s.answers(ctx, ip, string(token)) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("start JupyterLab: %w", ctx.Err())
		case <-s.done:
			if strings.Contains(s.lastWords(), "no available port") {
				return fmt.Errorf("start JupyterLab: %w: name another with --port", errPortTaken)
			}
			return fmt.Errorf("start JupyterLab %s (%s): it ended (%v); its log, %s, ends with:\n%s", s.Version, s.Program, s.err, s.Log, s.lastWords())
		case <-late:
			say("JupyterLab takes long to start; its log is " + s.Log)
		case <-tick.C:
		}
	}
	// The server has read it, and the page has it in its address.
	if err := os.Remove(s.home.tokenFile()); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	page := url.URL{Scheme: "http", Host: net.JoinHostPort(reachable(ip), strconv.Itoa(s.Port)), Path: "/lab",
		RawQuery: url.Values{"token": {string(token)}}.Encode()}
	if notebook != "" {
		page.Path += "/tree/" + notebook
	}
	s.URL = page.String()
	return nil
}

// reachable returns a host by which others find one that listens on ip.
func reachable(ip string) string {
	if net.ParseIP(ip).IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return name
		}
	}
	return ip
}

// answers reports whether the server has said which port is its own and
// answers there; it sets Port.
func (s *Server) answers(ctx context.Context, ip, token string) bool {
	b, err := os.ReadFile(filepath.Join(s.home.runtime.Path, fmt.Sprintf("jpserver-%d.json", s.PID)))
	if err != nil {
		return false
	}
	var says struct {
		Port int `json:"port"`
	}
	if json.Unmarshal(b, &says) != nil || says.Port == 0 {
		return false
	}
	if net.ParseIP(ip).IsUnspecified() {
		ip = loopback
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status := "http://" + net.JoinHostPort(ip, strconv.Itoa(says.Port)) + "/api/status"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, status, nil)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "token "+token)
	direct := &http.Transport{} // no proxy leads to this machine
	defer direct.CloseIdleConnections()
	resp, err := direct.RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	s.Port = says.Port
	return resp.StatusCode == http.StatusOK
}

// Done is closed when the server has ended, by itself or by Stop.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server and its kernels, asking first; when ctx ends, it kills
// them. What runs by itself goes on: agents that measure, the browser. The
// error is that of a server which had ended by itself before, and badly.
func (s *Server) Stop(ctx context.Context) error {
	var failed error
	select {
	case <-s.done:
		if s.err != nil {
			failed = fmt.Errorf("JupyterLab ended (%w); its log, %s, ends with:\n%s", s.err, s.Log, s.lastWords())
		}
	default:
	}
	s.stop(ctx)
	return errors.Join(failed, s.home.release())
}

// stop ends the process, if it has not ended, and its kernels.
func (s *Server) stop(ctx context.Context) {
	s.end(ctx)
	s.endKernels(ctx)
}

func (s *Server) end(ctx context.Context) {
	select {
	case <-s.done:
		return
	default:
	}
	_ = syscall.Kill(s.PID, syscall.SIGTERM) // it may end at this moment
	select {
	case <-s.done:
		return
	case <-ctx.Done():
	case <-time.After(stopWithin):
	}
	_ = syscall.Kill(-s.PID, syscall.SIGKILL)
	<-s.done
}

// endKernels waits for the kernels, which are in sessions of their own, to see
// that the server has ended and to end what they started; it kills those that
// do not, and when ctx ends.
func (s *Server) endKernels(ctx context.Context) {
	late := time.After(goneWithin)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		left := kernels(s.PID, s.home.runtime.Path)
		if len(left) == 0 {
			return
		}
		select {
		case <-late:
		case <-ctx.Done():
		case <-tick.C:
			continue
		}
		for _, pid := range left {
			if group, err := syscall.Getpgid(pid); err == nil && group == pid {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return
	}
}

// lastWords returns the end of the log.
func (s *Server) lastWords() string {
	b, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return lastLines(b, 12)
}
