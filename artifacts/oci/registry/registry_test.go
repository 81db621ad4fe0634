package registry_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

// plain is how the tests speak to registries of theirs.
var plain = registry.Options{PlainHTTP: true, Backoff: time.Millisecond}

func store(t *testing.T) *artifacts.Store {
	t.Helper()
	backend, err := disk.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return artifacts.New(backend)
}

// server is a registry whose requests pass a middleware.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	before   func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func (s *server) ref(t *testing.T, rest string) registry.Reference {
	t.Helper()
	return reference(t, strings.TrimPrefix(s.URL, "http://")+"/"+rest)
}

func reference(t *testing.T, s string) registry.Reference {
	t.Helper()
	ref, err := registry.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (s *server) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		before := s.before
		s.mu.Unlock()
		if before == nil || !before(w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// seen returns the requests since it was last called.
func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests
	s.requests = nil
	return all
}

func (s *server) intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// olaregServer starts olareg in memory; without the referrers API, if told so.
func olaregServer(t *testing.T, referrers bool) *server {
	t.Helper()
	deletes := true
	reg := olareg.New(config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreMem},
		API:     config.ConfigAPI{Referrer: config.ConfigAPIReferrer{Enabled: &referrers}, DeleteEnabled: &deletes},
	})
	s := &server{}
	s.Server = httptest.NewServer(s.noting(reg))
	t.Cleanup(func() { s.Close(); reg.Close() })
	return s
}

// put stores a workload with a run of size bytes of trace about it, and returns
// both manifests.
func put(t *testing.T, s *artifacts.Store, trace []byte) (assay.Workload, oci.Descriptor) {
	t.Helper()
	w, err := oci.PutWorkload(t.Context(), s, oci.WorkloadFiles{
		Name: "sum", Module: []byte("\x00asm\x01\x00\x00\x00"), Stdin: []byte("1 2"),
		Native: map[string][]byte{"linux/amd64": []byte("ELF")}, Source: []byte("tar"),
	})
	if err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), s, w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.PutBytes(t.Context(), trace)
	if err != nil {
		t.Fatal(err)
	}
	run, err := oci.PutArtifact(t.Context(), s, oci.Artifact{
		Type: "application/vnd.assay.run.v1+json", Subject: &subject,
		Layers: []oci.Layer{{MediaType: "application/vnd.apache.parquet", Title: "trace.parquet", Digest: d}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, run
}

func push(t *testing.T, s *artifacts.Store, ref registry.Reference, opts registry.Options, roots ...assay.Digest) error {
	t.Helper()
	content, err := oci.Closure(t.Context(), s, roots)
	if err != nil {
		t.Fatal(err)
	}
	return registry.Push(t.Context(), s, content, roots[0], ref, registry.PushOptions{Options: opts})
}

// blobs returns every blob of a store, all of them good.
func blobs(t *testing.T, s *artifacts.Store, roots ...assay.Digest) []assay.Digest {
	t.Helper()
	var all []assay.Digest
	for queue := roots; len(queue) > 0; queue = queue[1:] {
		if slices.Contains(all, queue[0]) {
			continue
		}
		all = append(all, queue[0])
		if rc, err := s.Open(t.Context(), queue[0]); err != nil {
			t.Fatal(err)
		} else if _, err := io.Copy(io.Discard, rc); err != nil {
			t.Fatal(err)
		}
		next, err := oci.Children(t.Context(), s, queue[0])
		if err != nil {
			t.Fatal(err)
		}
		queue = append(queue, next...)
	}
	slices.SortFunc(all, func(a, b assay.Digest) int { return bytes.Compare(a[:], b[:]) })
	return all
}

// TestRoundTrip pushes a workload and its run, and pulls them elsewhere, from
// registries with and without the referrers API.
func TestRoundTrip(t *testing.T) {
	for _, api := range []bool{true, false} {
		t.Run(fmt.Sprintf("referrers API %v", api), func(t *testing.T) {
			s, here, there := olaregServer(t, api), store(t), store(t)
			trace := make([]byte, 5<<20) // beyond what is sent in one request
			rand.Read(trace)
			w, run := put(t, here, trace)
			ref := s.ref(t, "team/sum:v1")
			if err := push(t, here, ref, plain, w.Manifest, run.Digest); err != nil {
				t.Fatal(err)
			}
			got, err := registry.Resolve(t.Context(), ref, plain)
			if err != nil || got.Digest != w.Manifest || got.ArtifactType != oci.MediaTypeWasmConfig {
				t.Fatalf("Resolve = %+v, %v, want %v", got, err, w.Manifest)
			}
			var last registry.Progress
			within := false // a blob
			pulled, err := registry.Pull(t.Context(), there, ref, registry.PullOptions{Options: plain, Progress: func(p registry.Progress) {
				within = within || p.Bytes > last.Bytes && p.Blobs == last.Blobs
				last = p
			}})
			if err != nil {
				t.Fatal(err)
			}
			if !within || last.Bytes != last.OfBytes || last.Blobs != last.OfBlobs {
				t.Errorf("last progress of the pull %+v, within a blob %v: want all, and true", last, within)
			}
			if len(pulled.Manifests) != 2 || pulled.Root.Digest != w.Manifest || pulled.Manifests[1].Digest != run.Digest {
				t.Errorf("Pulled = %+v, want the workload and its run", pulled)
			}
			if got, want := blobs(t, there, w.Manifest, run.Digest), blobs(t, here, w.Manifest, run.Digest); !slices.Equal(got, want) {
				t.Errorf("pulled blobs %v, want %v", got, want)
			}
			// Again: nothing is sent that is there.
			s.seen()
			if err := push(t, here, ref, plain, w.Manifest, run.Digest); err != nil {
				t.Fatal(err)
			}
			if _, err := registry.Pull(t.Context(), there, ref, registry.PullOptions{Options: plain}); err != nil {
				t.Fatal(err)
			}
			for _, r := range s.seen() {
				if strings.HasPrefix(r, "POST") || strings.HasPrefix(r, "GET") && strings.Contains(r, "/blobs/") {
					t.Errorf("done again: %s", r)
				}
			}
		})
	}
}

// TestAlone pulls a workload without what is about it.
func TestAlone(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	w, run := put(t, here, []byte("PAR1"))
	if err := push(t, here, s.ref(t, "sum:v1"), plain, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	pulled, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: plain, Alone: true})
	if err != nil || len(pulled.Manifests) != 1 {
		t.Errorf("Pull = %+v, %v, want the workload only", pulled, err)
	}
	if _, err := there.Stat(t.Context(), run.Digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run: %v, want it to be left out", err)
	}
}

// TestSessionsOnly speaks to a registry that takes no blob in one request.
func TestSessionsOnly(t *testing.T) {
	s, here := olaregServer(t, true), store(t)
	w, run := put(t, here, []byte("PAR1"))
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			r.URL.RawQuery = ""
		}
		return false
	})
	if err := push(t, here, s.ref(t, "sum:v1"), plain, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	there := store(t)
	if _, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: plain}); err != nil {
		t.Fatal(err)
	}
	blobs(t, there, w.Manifest, run.Digest)
}

// TestPlainHTTP asks a registry without TLS, on this very machine, without
// leave to.
func TestPlainHTTP(t *testing.T) {
	s := olaregServer(t, true)
	ref := s.ref(t, "sum:v1")
	local := ref
	local.Host = "localhost" + ref.Host[strings.IndexByte(ref.Host, ':'):]
	for _, ref := range []registry.Reference{ref, local} {
		_, err := registry.Resolve(t.Context(), ref, registry.Options{})
		if !errors.Is(err, registry.ErrPlainHTTP) || !strings.Contains(err.Error(), "--plain-http") {
			t.Errorf("Resolve(%v): %v, want ErrPlainHTTP and the flag", ref, err)
		}
	}
	if seen := s.seen(); len(seen) > 0 {
		t.Errorf("requests %q, want none", seen)
	}
}
