// Package miniotest runs real MinIO servers for tests. The program is built
// from what tools/minio pins; where that cannot be, the test is skipped.
package miniotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// Options say what kind of server to start.
type Options struct {
	TLS bool   // with a certificate of its own, that Config trusts
	Dir string // of its data, a new one if ""
}

// A Server is a MinIO server on a port of the loopback interface. Its process
// ends with the test.
type Server struct {
	Endpoint     string // http://127.0.0.1:PORT, https with TLS
	User, Secret string // of the root user
	Dir          string // of its data

	t       testing.TB
	program string
	addr    string
	certs   string // directory, "" without TLS
	cmd     *exec.Cmd
	exited  chan struct{}
}

// Start starts a server and waits until it answers.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Options{})
}

// StartWith is Start with options.
func StartWith(t testing.TB, opts Options) *Server {
	t.Helper()
	s := &Server{t: t, program: tooltest.Built(t, "minio"), User: "root-" + rand.Text(), Secret: rand.Text(), Dir: opts.Dir}
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	s.addr = freeAddress(t)
	s.Endpoint = "http://" + s.addr
	if opts.TLS {
		s.certs, s.Endpoint = t.TempDir(), "https://"+s.addr
		certificate(t, s.certs)
	}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Config returns how to reach a store in the bucket, with the root user's
// credentials in a file. It does not make the bucket: minio.Create does.
func (s *Server) Config(bucket string) minio.Config {
	s.t.Helper()
	cfg := minio.Config{Endpoint: s.Endpoint, Bucket: bucket, Region: "us-east-1", Credentials: s.CredentialsFile(s.User, s.Secret)}
	if s.certs != "" {
		cfg.CAFile = filepath.Join(s.certs, "public.crt")
	}
	return cfg
}

// CredentialsFile writes a file of credentials and returns its path.
func (s *Server) CredentialsFile(user, secret string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "credentials")
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", user, secret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// Start starts the server again, on the same port and data, after Stop or Kill.
func (s *Server) Start() {
	s.t.Helper()
	args := []string{"server", "--address", s.addr, "--console-address", "127.0.0.1:0", "--quiet"}
	if s.certs != "" {
		args = append(args, "--certs-dir", s.certs)
	}
	cmd := exec.Command(s.program, append(args, s.Dir)...)
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.User, "MINIO_ROOT_PASSWORD="+s.Secret,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off")
	var log logged
	cmd.Stdout, cmd.Stderr = &log, &log
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended does not matter: it is always told to
	}()
	s.cmd, s.exited = cmd, exited
	for !s.healthy() {
		select {
		case <-exited:
			s.t.Fatalf("minio ended: %s", log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// healthy asks the server whether it can read and write.
func (s *Server) healthy() bool {
	conn, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	if s.certs != "" {
		return true // what speaks TLS has read its configuration; Open tries again
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/minio/health/cluster", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop ends the server as an administrator does.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends it as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	s.signal(sig)
	<-s.exited
	s.cmd = nil
}

// Pause stops the server in the middle of what it does, with its connections
// open, until Continue.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	if err := awaitStop(s.cmd.Process.Pid); err != nil {
		s.t.Errorf("wait until minio is paused: %v", err)
	}
}

// Continue ends a Pause.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !strings.Contains(err.Error(), "process already finished") {
		s.t.Errorf("%v to minio: %v", sig, err)
	}
}

// logged keeps what the server prints, to be read while it does.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
