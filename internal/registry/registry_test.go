package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A buffer is a log that a test reads while the server writes it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start serves a registry, in a folder of its own unless o names one, until
// the test ends.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, _ := startLogged(t, o)
	return s
}

func startLogged(t *testing.T, o Options) (*Server, *buffer) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "registry")
	}
	log := new(buffer)
	s, err := Open(o, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, log
}

func host(s *Server) string {
	_, host, _ := strings.Cut(s.URL, "://")
	return host
}

// send makes a request and returns the answer's status and body.
func send(t *testing.T, client *http.Client, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("%s %s: refused without saying how to log in: %v", method, url, resp.Header)
	}
	return resp.StatusCode, string(b)
}

func TestRefusedOptions(t *testing.T) {
	users, tokens := htpasswd(t), tokenFile(t)
	write := func(content string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name string
		o    Options
		want string // in the message
	}{
		{"open to all", Options{Listen: "0.0.0.0:0"}, "--htpasswd"},
		{"open to all, no host", Options{Listen: ":0"}, "--htpasswd"},
		{"passwords in plain", Options{Listen: "0.0.0.0:0", Htpasswd: users}, "--tls-cert"},
		{"insists on no credentials only", Options{Listen: "0.0.0.0:0", NoAuth: true}, "--plain-http"},
		{"half a certificate", Options{TLSCert: "cert.pem"}, "--tls-key"},
		{"no port", Options{Listen: "localhost"}, "HOST:PORT"},
		{"anonymous pull for all", Options{AnonymousPull: true}, "--htpasswd"},
		{"contradiction", Options{NoAuth: true, TokenFile: tokens}, "--no-auth"},
		{"no folder", Options{}, "--dir"},
		{"md5 hash", Options{Htpasswd: write("alice:$apr1$Zlw1vWjz$4rFWUWZU2.n1ohC1hGzvs/\n", 0o600)}, "line 1: not a bcrypt hash"},
		{"no hash", Options{Htpasswd: write("\nalice\n", 0o600)}, "line 2: want USER:HASH"},
		{"no user", Options{Htpasswd: write("# none\n", 0o600)}, "htpasswd -nB"},
		{"short token", Options{TokenFile: write("secret\n", 0o600)}, "line 1: want a token of 16"},
		{"no token", Options{TokenFile: write("\n", 0o600)}, "openssl rand"},
		{"token for all to read", Options{TokenFile: write(token, 0o604)}, "chmod 600"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name != "no folder" {
				test.o.Dir = t.TempDir()
			}
			s, err := Open(test.o, io.Discard)
			if err == nil {
				s.Close()
				t.Fatal("served")
			}
			if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want ErrOptions with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "Zlw1") {
				t.Errorf("the message has a secret: %v", err)
			}
		})
	}
}

func TestOtherSites(t *testing.T) {
	s := start(t, Options{})
	const upload = "/v2/repo/blobs/uploads/"
	for _, test := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/v2/", nil, 200},
		{"GET", "/v2/", []string{"Host", "localhost:5000"}, 200},
		{"GET", "/v2/", []string{"Host", "[::1]"}, 200},
		{"GET", "/v2/", []string{"Host", "rebound.example:5000"}, 403},
		{"POST", upload, nil, 202},
		{"POST", upload, []string{"Origin", "https://page.example"}, 403},
		{"POST", upload, []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		if got, _ := send(t, http.DefaultClient, test.method, s.URL+test.path, "", test.header...); got != test.want {
			t.Errorf("%s %s %q: status %d, want %d", test.method, test.path, test.header, got, test.want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir, ReadOnly: true, AllowDelete: true})
	for _, request := range [][2]string{{"POST", "/v2/r/blobs/uploads/"}, {"PUT", "/v2/r/manifests/1"}, {"DELETE", "/v2/r/manifests/1"}} {
		if got, body := send(t, http.DefaultClient, request[0], s.URL+request[1], "{}"); got < 400 || got >= 500 {
			t.Errorf("%v: status %d: %s", request, got, body)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("it wrote %v, %v", entries, err)
	}
}

// TestNothingIsDeleted has a client ask for it.
func TestNothingIsDeleted(t *testing.T) {
	s := start(t, Options{})
	blob := pushBlob(t, s, "kept")
	if got, _ := send(t, http.DefaultClient, "DELETE", s.URL+"/v2/r/blobs/"+blob, ""); got != http.StatusMethodNotAllowed {
		t.Errorf("delete: status %d", got)
	}
	if got, body := send(t, http.DefaultClient, "GET", s.URL+"/v2/r/blobs/"+blob, ""); got != 200 || body != "kept" {
		t.Errorf("status %d, %q", got, body)
	}
}

// pushBlob pushes content to repository r and returns its digest.
func pushBlob(t *testing.T, s *Server, content string) string {
	t.Helper()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content)))
	if got, body := send(t, http.DefaultClient, "POST", s.URL+"/v2/r/blobs/uploads/?digest="+digest, content); got != http.StatusCreated {
		t.Fatalf("push: status %d: %s", got, body)
	}
	return digest
}

func TestLargeManifest(t *testing.T) {
	s := start(t, Options{})
	if got, _ := send(t, http.DefaultClient, "PUT", s.URL+"/v2/r/manifests/1", strings.Repeat(" ", maxManifest+1)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got)
	}
}

func TestTLS(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Listen: "127.0.0.1:0", Htpasswd: htpasswd(t), TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	for path, block := range map[string]*pem.Block{
		o.TLSCert: {Type: "CERTIFICATE", Bytes: pair.Certificate().Raw}, o.TLSKey: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, o)
	if !strings.HasPrefix(s.URL, "https://") {
		t.Errorf("URL %s", s.URL)
	}
	if got, _ := send(t, pair.Client(), "GET", s.URL+"/v2/", "", "Authorization", basic("alice", alicePassword)); got != 200 {
		t.Errorf("status %d", got)
	}
	if _, err := Open(Options{Dir: dir, TLSCert: o.TLSKey, TLSKey: o.TLSKey}, io.Discard); err == nil {
		t.Error("a key was taken for a certificate")
	}
}

// TestStall has clients that stop in the middle of a body that is read, and of
// one that is not.
func TestStall(t *testing.T) {
	for _, reads := range []bool{true, false} {
		ended := make(chan error, 1)
		s := httptest.NewServer(patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var err error
			if reads {
				_, err = io.Copy(io.Discard, r.Body)
			}
			ended <- err
		}), 50*time.Millisecond))
		defer s.Close()
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
		if err := <-ended; reads && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("body ended with %v, want the deadline", err)
		}
		if _, err := io.ReadAll(conn); err != nil { // to the end: the server closed it
			t.Errorf("reads %v: %v", reads, err)
		}
	}
}
