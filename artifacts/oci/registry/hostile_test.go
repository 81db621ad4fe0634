package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

// TestHostile pulls from registries that lie.
func TestHostile(t *testing.T) {
	other := []byte("something else entirely")
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, blob assay.Digest) bool
		opts   registry.Options
		want   error
	}{
		"another blob": {func(w http.ResponseWriter, r *http.Request, blob assay.Digest) bool {
			if !strings.HasSuffix(r.URL.Path, "/blobs/"+blob.String()) {
				return false
			}
			w.Write(other[:4])
			return true
		}, plain, artifacts.ErrCorrupt},
		"a longer blob": {func(w http.ResponseWriter, r *http.Request, blob assay.Digest) bool {
			if !strings.HasSuffix(r.URL.Path, "/blobs/"+blob.String()) {
				return false
			}
			w.Write(other)
			return true
		}, plain, artifacts.ErrCorrupt},
		"another manifest": {func(w http.ResponseWriter, r *http.Request, _ assay.Digest) bool {
			if !strings.Contains(r.URL.Path, "/manifests/sha256:") {
				return false
			}
			w.Write([]byte(`{"schemaVersion":2,"mediaType":"` + oci.MediaTypeIndex + `","manifests":[]}`))
			return true
		}, plain, artifacts.ErrCorrupt},
		"a manifest without end": {func(w http.ResponseWriter, r *http.Request, _ assay.Digest) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					break
				}
			}
			return true
		}, plain, registry.ErrLimit},
		"referrers without end": {func(w http.ResponseWriter, r *http.Request, _ assay.Digest) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			w.Header().Set("Link", "<"+r.URL.Path+`?page=next>; rel="next"`)
			w.Write([]byte(`{"schemaVersion":2,"manifests":[]}`))
			return true
		}, plain, registry.ErrLimit},
		"too much": {func(http.ResponseWriter, *http.Request, assay.Digest) bool { return false },
			registry.Options{PlainHTTP: true, MaxBytes: 10}, registry.ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			s, here, there := olaregServer(t, true), store(t), store(t)
			w, run := put(t, here, []byte("PAR1"))
			if err := push(t, here, s.ref(t, "sum:v1"), plain, w.Manifest, run.Digest); err != nil {
				t.Fatal(err)
			}
			s.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				return r.URL.Path != "/v2/" && c.answer(rw, r, assay.DigestOf([]byte("PAR1")))
			})
			pulled, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: c.opts})
			for _, skipped := range pulled.Skipped {
				err = errors.Join(err, skipped.Err)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("Pull: %v, want %v", err, c.want)
			}
			for _, b := range [][]byte{other, other[:4]} {
				if _, err := there.Stat(t.Context(), assay.DigestOf(b)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the store took %q: %v", b, err)
				}
			}
		})
	}
}

// TestPushCorrupt pushes from a store with a damaged blob, sent in one request
// or as a file: the registry does not take it, and gets no tag.
func TestPushCorrupt(t *testing.T) {
	for _, size := range []int{1000, 3 << 20} {
		for wound, cut := range map[string]int{"changed": 0, "truncated": 1} {
			s, here := olaregServer(t, true), store(t)
			trace := make([]byte, size)
			w, run := put(t, here, trace)
			content, err := oci.Closure(t.Context(), here, []assay.Digest{w.Manifest, run.Digest})
			if err != nil {
				t.Fatal(err)
			}
			f, err := here.File(t.Context(), assay.DigestOf(trace))
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			trace[size/2] = 1
			if err := errors.Join(os.Remove(f.Name()), os.WriteFile(f.Name(), trace[cut:], 0o444)); err != nil {
				t.Fatal(err)
			}
			err = registry.Push(t.Context(), here, content, w.Manifest, s.ref(t, "sum:v1"), registry.PushOptions{Options: plain})
			if !errors.Is(err, artifacts.ErrCorrupt) {
				t.Errorf("push of %d bytes, %s: %v, want ErrCorrupt", size, wound, err)
			}
			if _, err := registry.Resolve(t.Context(), s.ref(t, "sum:v1"), plain); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("resolve: %v, want no such tag", err)
			}
		}
	}
}

// TestSkipped pulls a workload whose run the registry does not have whole: it
// comes without. The run itself cannot be pulled.
func TestSkipped(t *testing.T) {
	for _, lost := range []string{"manifest", "trace"} {
		s, here, there := olaregServer(t, true), store(t), store(t)
		w, run := put(t, here, []byte("PAR1"))
		if err := push(t, here, s.ref(t, "sum:v1"), plain, w.Manifest, run.Digest); err != nil {
			t.Fatal(err)
		}
		path := map[string]assay.Digest{"manifest": run.Digest, "trace": assay.DigestOf([]byte("PAR1"))}[lost].String()
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if gone := strings.HasSuffix(r.URL.Path, path); !gone {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			return true
		})
		pulled, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: plain})
		if err != nil {
			t.Fatalf("%s: %v", lost, err)
		}
		if len(pulled.Manifests) != 1 || len(pulled.Skipped) != 1 || pulled.Skipped[0].Digest != run.Digest || !errors.Is(pulled.Skipped[0].Err, fs.ErrNotExist) {
			t.Errorf("%s: Pulled = %+v, want the workload, and the run skipped", lost, pulled)
		}
		blobs(t, there, w.Manifest)
		if _, err := there.Stat(t.Context(), run.Digest); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the run's manifest is kept: %v", lost, err)
		}
		ref := s.ref(t, "sum@"+run.Digest.String())
		if _, err := registry.Pull(t.Context(), there, ref, registry.PullOptions{Options: plain}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: Pull of the run: %v, want ErrNotExist", lost, err)
		}
	}
}

// TestSlandered pulls what comes with an artifact that says wrong things of a
// blob before anything else names it.
func TestSlandered(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	w, run := put(t, here, []byte("PAR1"))
	figure, err := oci.PutArtifact(t.Context(), here, oci.Artifact{Type: "application/vnd.example", Subject: &run})
	if err != nil {
		t.Fatal(err)
	}
	ref := s.ref(t, "figure:v1")
	if err := push(t, here, ref, plain, figure.Digest); err != nil {
		t.Fatal(err)
	}
	slander, err := json.Marshal(oci.Manifest{
		SchemaVersion: 2, MediaType: oci.MediaTypeManifest, ArtifactType: "application/vnd.example", Subject: &figure,
		Config: oci.Descriptor{MediaType: oci.MediaTypeEmpty, Digest: assay.DigestOf([]byte("{}")), Size: 2},
		Layers: []oci.Descriptor{{MediaType: "application/wasm", Digest: w.Module, Size: 7}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := assay.DigestOf(slander)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/v2/figure/manifests/"+d.String(), bytes.NewReader(slander))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", oci.MediaTypeManifest)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the registry answered %s", resp.Status)
	}
	if _, err := registry.Pull(t.Context(), there, ref, registry.PullOptions{Options: plain}); err != nil {
		t.Fatal(err)
	}
	blobs(t, there, figure.Digest)
}

// TestCollected has a collection take everything but the manifest between the
// last blob and the reference.
func TestCollected(t *testing.T) {
	s, here, there := olaregServer(t, true), store(t), store(t)
	w, run := put(t, here, make([]byte, 5<<20))
	if err := push(t, here, s.ref(t, "sum:v1"), plain, w.Manifest, run.Digest); err != nil {
		t.Fatal(err)
	}
	keep := func(registry.Pulled) error {
		if report, err := there.GC(t.Context(), artifacts.GCOptions{MinAge: 1, Roots: []assay.Digest{run.Digest}}); err != nil || report.Kept != 1 {
			t.Errorf("GC = %+v, %v, want all removed but one", report, err)
		}
		return there.SetRef(t.Context(), "runs/r", run.Digest)
	}
	if _, err := registry.Pull(t.Context(), there, s.ref(t, "sum:v1"), registry.PullOptions{Options: plain, Keep: keep}); err != nil {
		t.Fatal(err)
	}
	blobs(t, there, run.Digest)
}
