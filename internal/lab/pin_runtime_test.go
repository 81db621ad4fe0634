package lab_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/runners/install"
)

// TestPinnedRuntimeOfAStranger has a lock name artifacts that assay does not
// write.
func TestPinnedRuntimeOfAStranger(t *testing.T) {
	t.Setenv("ASSAY_CACHE", t.TempDir())
	w, err := lab.Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	layer := func(title, mediaType string, b []byte) oci.Layer {
		d, err := w.Archive.PutBytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return oci.Layer{Title: title, MediaType: mediaType, Digest: d, Size: int64(len(b))}
	}
	record := func(program string) oci.Layer {
		b, err := json.Marshal(lab.PinnedRuntime{Platform: install.Platform,
			RuntimeVersion: assay.RuntimeVersion{Name: "wasmi", Version: "2.0.0", Path: program, Digest: assay.DigestOf([]byte("evil"))}})
		if err != nil {
			t.Fatal(err)
		}
		return layer("runtime.json", "application/vnd.assay.runtime.v1+json", b)
	}
	evil := func(title string) oci.Layer { return layer(title, "application/octet-stream", []byte("evil")) }
	for _, c := range []struct {
		name, kind string
		layers     []oci.Layer
		want       string
	}{
		{"above", "", []oci.Layer{record("wasmi"), evil("../wasmi")}, `layer "../wasmi" is not a path in it`},
		{"absolute", "", []oci.Layer{record("wasmi"), evil("/tmp/wasmi")}, `layer "/tmp/wasmi" is not a path in it`},
		{"program elsewhere", "", []oci.Layer{record("/bin/sh"), evil("wasmi")}, "program /bin/sh is none of its layers"},
		{"program of other bytes", "", []oci.Layer{record("wasmi"), layer("wasmi", "application/octet-stream", []byte("good"))}, "program wasmi is none of its layers"},
		{"another kind", "application/vnd.assay.run.v1+json", []oci.Layer{record("wasmi")}, "not a runtime"},
	} {
		if c.kind == "" {
			c.kind = "application/vnd.assay.runtime.v1+json"
		}
		d, err := oci.PutArtifact(t.Context(), w.Archive, oci.Artifact{Type: c.kind, Layers: c.layers})
		if err != nil {
			t.Fatal(err)
		}
		lock := `{"format":"assay.lock.v1","pinned_runtimes":{"wasmi":"` + d.Digest.String() + `"}}`
		if err := os.WriteFile(filepath.Join(w.Root, pins.File), []byte(lock), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Runtimes(t.Context(), "wasmi"); !errors.Is(err, oci.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(w.Config.Cache, "runtimes", "*")); len(left) > 0 {
			t.Errorf("%s: laid out: %v", c.name, left)
		}
	}

	lock := `{"format":"assay.lock.v1","pinned_runtimes":{"wasmi":"` + assay.DigestOf([]byte("gone")).String() + `"}}`
	if err := os.WriteFile(filepath.Join(w.Root, pins.File), []byte(lock), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Runtimes(t.Context(), "wasmi"); err != nil || !strings.Contains(got[0].Absent, `run "assay pull"`) {
		t.Errorf("Runtimes without the pinned artifact = %+v, %v; want what gets it", got, err)
	}
}
