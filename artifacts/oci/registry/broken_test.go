package registry_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

// cutting is a proxy that breaks connections after some bytes.
func cutting(t *testing.T, to string, every int64) *httptest.Server {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	reverse := httputil.NewSingleHostReverseProxy(u)
	reverse.ErrorLog = log.New(io.Discard, "", 0)
	proxy := httptest.NewUnstartedServer(reverse)
	proxy.Listener = cutListener{proxy.Listener, every}
	proxy.Start()
	t.Cleanup(proxy.Close)
	return proxy
}

type cutListener struct {
	net.Listener
	every int64
}

func (l cutListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: c, left: l.every}, nil
}

type cutConn struct {
	net.Conn
	left int64
}

func (c *cutConn) use(n int, err error) (int, error) {
	if atomic.AddInt64(&c.left, -int64(n)) < 0 {
		c.Conn.(*net.TCPConn).SetLinger(0)
		c.Conn.Close()
	}
	return n, err
}

func (c *cutConn) Read(p []byte) (int, error)  { return c.use(c.Conn.Read(p)) }
func (c *cutConn) Write(p []byte) (int, error) { return c.use(c.Conn.Write(p)) }

// TestCut pushes and pulls a blob over connections that break every few
// megabytes: each goes on where it was, or no single one would ever get through.
func TestCut(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	trace := make([]byte, 20<<20)
	rand.Read(trace)
	w, run := put(t, here, trace)
	ref := s.ref(t, "sum:v1")
	cut := ref
	cut.Host = strings.TrimPrefix(cutting(t, s.URL, 6<<20).URL, "http://")
	many := plain
	many.Retries = 20
	if err := push(t, here, cut, many, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Pull(t.Context(), there, cut, registry.PullOptions{Options: many}); err != nil {
		t.Fatal(err)
	}
	if got, want := blobs(t, there, w.Manifest, run.Digest), blobs(t, here, w.Manifest, run.Digest); !slices.Equal(got, want) {
		t.Errorf("pulled blobs %v, want %v", got, want)
	}
}

// TestPassing has every third request fail in a way that passes.
func TestPassing(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	w, run := put(t, here, []byte("PAR1"))
	var count atomic.Int64
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		n := count.Add(1)
		if n%3 != 0 {
			return false
		}
		switch n % 4 {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
		return true
	})
	one := plain
	one.Jobs = 1
	if err := push(t, here, s.ref(t, "sum:v1"), one, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: one}); err != nil {
		t.Fatal(err)
	}
	blobs(t, there, w.Manifest, run.Digest)
}

// TestInterrupted has a registry refuse a push and a pull half way. Done again,
// they move what is left.
func TestInterrupted(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	w, run := put(t, here, []byte("PAR1"))
	one := plain
	one.Jobs = 1
	count := func(method, path string) (n int) {
		for _, r := range s.seen() {
			if strings.HasPrefix(r, method) && strings.Contains(r, path) {
				n++
			}
		}
		return n
	}
	refuse := func(method, path string, after int) {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.Contains(r.URL.Path, path) {
				return false
			}
			if after--; after >= 0 {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		})
	}
	const all = 6 // config, module, stdin, source, executable and trace; and the empty config of parts
	refuse(http.MethodPost, "/blobs/uploads/", 4)
	if err := push(t, here, s.ref(t, "sum:v1"), one, w.Manifest, run.Digest); !errors.Is(err, registry.ErrDenied) {
		t.Fatalf("push: %v, want ErrDenied", err)
	}
	s.intercept(nil)
	s.seen()
	if err := push(t, here, s.ref(t, "sum:v1"), one, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	if got := count(http.MethodPost, "/blobs/uploads/"); got != all+1-4 {
		t.Errorf("the second push sent %d blobs, want %d", got, all+1-4)
	}
	refuse(http.MethodGet, "/blobs/", 3)
	if _, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: one}); !errors.Is(err, registry.ErrDenied) {
		t.Fatalf("Pull: %v, want ErrDenied", err)
	}
	s.intercept(nil)
	s.seen()
	if _, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: one}); err != nil {
		t.Fatal(err)
	}
	if got := count(http.MethodGet, "/blobs/"); got != all+1-3 {
		t.Errorf("the second pull fetched %d blobs, want %d", got, all+1-3)
	}
	blobs(t, there, w.Manifest, run.Digest)
}

// TestStall asks a registry that takes a question and never answers, and one
// that is asked no more.
func TestStall(t *testing.T) {
	s := olaregServer(t, true)
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		<-r.Context().Done()
		return true
	})
	opts := registry.Options{PlainHTTP: true, Stall: 20 * time.Millisecond, Retries: 1, Backoff: time.Millisecond}
	if _, err := registry.Resolve(t.Context(), s.ref(t, "sum:v1"), opts); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Resolve: %v, want a deadline that passed", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/" {
			return false
		}
		stop()
		<-r.Context().Done()
		return true
	})
	if _, err := registry.Resolve(ctx, s.ref(t, "sum:v1"), plain); !errors.Is(err, context.Canceled) {
		t.Errorf("Resolve: %v, want Canceled", err)
	}
}

// TestSilent asks a registry that takes connections and says nothing, and one
// that is not there.
func TestSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ref := reference(t, l.Addr().String()+"/sum:v1")
	opts := registry.Options{PlainHTTP: true, Stall: 20 * time.Millisecond}
	for _, state := range []string{"silent", "gone"} {
		_, err := registry.Resolve(t.Context(), ref, opts)
		if err == nil || !strings.Contains(err.Error(), "see whether the registry runs") {
			t.Errorf("%s: %v, want a remedy", state, err)
		}
		l.Close()
	}
}
