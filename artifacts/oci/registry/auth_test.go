package registry_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	team "github.com/assay-notebooks/assay/internal/registry"
)

const secret = "correct-horse-battery"

// login makes a Docker configuration with credentials for host.
func login(t *testing.T, host, user, password string) {
	t.Helper()
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
}

// TestBasic pushes to a registry that wants a user and password.
func TestBasic(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("alice:"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := teamRegistry(t, team.Options{Htpasswd: users})
	login(t, host, "alice", secret)
	pushGraph(t, host).pull(t, host+"/sum:v1")

	for name, set := range map[string]func(){
		"none":  func() { t.Setenv("DOCKER_CONFIG", t.TempDir()) },
		"wrong": func() { login(t, host, "alice", secret+"-not") },
	} {
		set()
		_, err := registry.Resolve(t.Context(), reference(t, host+"/sum:v1"), plain)
		if !errors.Is(err, registry.ErrDenied) || !strings.Contains(err.Error(), "docker login "+host) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s credentials: %v, want ErrDenied, the remedy and no secret", name, err)
		}
	}
}

// TestBearer gets a token for the repository from the server that the registry
// names, once for a whole push.
func TestBearer(t *testing.T) {
	s := olaregServer(t, true)
	host := strings.TrimPrefix(s.URL, "http://")
	tokens := 0
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			user, password, _ := r.BasicAuth()
			if user != "alice" || password != secret {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			tokens++
			if scope := r.URL.Query().Get("scope"); !strings.HasPrefix(scope, "repository:sum:") {
				t.Errorf("scope %q, want that of the repository", scope)
			}
			json.NewEncoder(w).Encode(map[string]string{"token": "a-token"})
			return true
		}
		if r.Header.Get("Authorization") == "Bearer a-token" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	login(t, host, "alice", secret)
	g := pushGraph(t, host)
	if tokens != 1 {
		t.Errorf("%d tokens for a push, want 1", tokens)
	}
	g.pull(t, host+"/sum:v1")
	login(t, host, "alice", "wrong")
	if _, err := registry.Resolve(t.Context(), reference(t, host+"/sum:v1"), plain); !errors.Is(err, registry.ErrDenied) {
		t.Errorf("wrong password: %v, want ErrDenied", err)
	}
}

// TestBrokenHelper has a Docker configuration that names a credential helper
// which is not there.
func TestBrokenHelper(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"credsStore":"assay-nosuch"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
	s := olaregServer(t, true)
	_, err := registry.Resolve(t.Context(), s.ref(t, "sum:v1"), plain)
	if err == nil || !strings.Contains(err.Error(), "docker-credential-assay-nosuch") {
		t.Errorf("Resolve: %v, want the helper by name", err)
	}
}

// TestTLS speaks to a registry whose certificate only SSL_CERT_FILE vouches for.
// Go reads that once a process, so another one does.
func TestTLS(t *testing.T) {
	const env = "ASSAY_TEST_TLS_REFERENCE"
	if ref := os.Getenv(env); ref != "" {
		_, err := registry.Resolve(t.Context(), reference(t, ref), registry.Options{})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Resolve: %v, want an answer: no such tag", err)
		}
		return
	}
	cert, key := selfSigned(t)
	host := teamRegistry(t, team.Options{TLSCert: cert, TLSKey: key})
	_, err := registry.Resolve(t.Context(), reference(t, host+"/sum:v1"), registry.Options{})
	if err == nil || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("Resolve: %v, want SSL_CERT_FILE as the remedy", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTLS$")
	cmd.Env = append(os.Environ(), env+"="+host+"/sum:v1", "SSL_CERT_FILE="+cert)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with SSL_CERT_FILE: %v\n%s", err, out)
	}
}

// TestUntrusted asks a registry whose certificate nobody vouches for, with leave
// to speak plain HTTP: that is no reason to.
func TestUntrusted(t *testing.T) {
	var refused bytes.Buffer
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(&refused, "", 0)
	s.StartTLS()
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "https://")
	login(t, host, "alice", secret)
	_, err := registry.Resolve(t.Context(), reference(t, host+"/sum:v1"), plain)
	if err == nil || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("Resolve: %v, want SSL_CERT_FILE as the remedy", err)
	}
	s.Close()
	if got := refused.String(); strings.Contains(got, "sent an HTTP request") {
		t.Errorf("the server saw %q, want TLS only", got)
	}
}

// selfSigned writes a certificate for this machine, and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
