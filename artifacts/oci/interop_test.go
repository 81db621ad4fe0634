package oci_test

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestOras reads a layout of ours with oras.
func TestOras(t *testing.T) {
	oras := tooltest.Built(t, "oras")
	store, w, run, dir := archive(t)
	at := dir + ":sum"

	if got := said(t, oras, "manifest", "fetch", "--oci-layout", at); got != string(store[w.Manifest]) {
		t.Errorf("oras manifest fetch: got %s, want %s", got, store[w.Manifest])
	}
	if got := strings.TrimSpace(said(t, oras, "resolve", "--oci-layout", at)); got != w.Manifest.String() {
		t.Errorf("oras resolve: got %s, want %v", got, w.Manifest)
	}
	pulled := t.TempDir()
	said(t, oras, "pull", "--oci-layout", at, "-o", pulled)
	if got, want := tree(t, pulled), map[string]string{"/sum.wasm": string(store[w.Module])}; !maps.Equal(got, want) {
		t.Errorf("oras pull: got %q, want %q", got, want)
	}
	pulled = t.TempDir()
	said(t, oras, "pull", "--oci-layout", dir+"@"+run.Digest.String(), "-o", pulled)
	files := map[string]string{"/run.json": `{"id":"r"}`, "/trace.parquet": "PAR1"}
	if got := tree(t, pulled); !maps.Equal(got, files) {
		t.Errorf("oras pull of a run: got %q, want %q", got, files)
	}

	got := referrers(t, oras, at)
	want := []string{run.ArtifactType, oci.TypeVariants, oci.TypeNative, oci.TypeStdin, oci.TypeSource, oci.TypeImages}
	for _, kind := range want {
		if got[kind] == "" {
			t.Errorf("oras discover: no %s in %v", kind, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("oras discover: got %v, want %v", got, want)
	}
	pulled = t.TempDir()
	said(t, oras, "pull", "--oci-layout", dir+"@"+got[oci.TypeNative], "-o", pulled)
	files = map[string]string{"/sum-linux-amd64": "amd64", "/sum-linux-arm64": "arm64"}
	if got := tree(t, pulled); !maps.Equal(got, files) {
		t.Errorf("oras pull of the executables: got %q, want %q", got, files)
	}
}

// TestOrasCopy has oras write the layout that we import: with all referrers,
// by way of its own code.
func TestOrasCopy(t *testing.T) {
	oras := tooltest.Built(t, "oras")
	_, w, run, dir := archive(t)
	copied := filepath.Join(t.TempDir(), "copied")
	said(t, oras, "cp", "-r", "--from-oci-layout", dir+":sum", "--to-oci-layout", copied+":sum")
	got := referrers(t, oras, copied+":sum")
	if got[run.ArtifactType] != run.Digest.String() {
		t.Errorf("the copy's referrers are %v, want run %v among them", got, run.Digest)
	}
	store := memory{}
	d, err := oci.ImportLayout(t.Context(), store, copied, got[oci.TypeImages])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []assay.Digest{d, w.Image["linux/amd64"], w.Image["linux/arm64"]} {
		if _, ok := store[want]; !ok {
			t.Errorf("after oras cp -r and import there is no %v", want)
		}
	}
}

// referrers returns what "oras discover" finds at a reference: digest by type.
func referrers(t *testing.T, oras, at string) map[string]string {
	t.Helper()
	var found struct {
		Referrers []struct {
			Digest       string
			ArtifactType string
		}
	}
	b := said(t, oras, "discover", "--oci-layout", at, "--format", "json", "--depth", "1")
	if err := json.Unmarshal([]byte(b), &found); err != nil {
		t.Fatalf("oras discover: %v: %s", err, b)
	}
	out := map[string]string{}
	for _, r := range found.Referrers {
		out[r.ArtifactType] = r.Digest
	}
	return out
}

// TestCrane pushes a layout of ours to a registry with crane, and has crane
// validate every image there.
func TestCrane(t *testing.T) {
	crane := tooltest.Built(t, "crane")
	store, w, _, dir := archive(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repo := strings.TrimPrefix(server.URL, "http://") + "/sum"

	said(t, crane, "push", "--index", dir, repo+":all")
	workload := repo + "@" + w.Manifest.String()
	if got := strings.TrimSpace(said(t, crane, "digest", workload)); got != w.Manifest.String() {
		t.Errorf("crane digest: got %s, want %v", got, w.Manifest)
	}
	if got := said(t, crane, "manifest", workload); got != string(store[w.Manifest]) {
		t.Errorf("crane manifest: got %s, want %s", got, store[w.Manifest])
	}
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := oci.ParseIndex(b)
	if err != nil {
		t.Fatal(err)
	}
	refs := []string{workload}
	for _, d := range index.Manifests {
		if d.ArtifactType == oci.TypeImages {
			refs = append(refs, repo+"@"+d.Digest.String())
		}
	}
	for _, d := range w.Image {
		refs = append(refs, repo+"@"+d.String())
	}
	for _, ref := range refs {
		if got := said(t, crane, "validate", "--remote", ref); !strings.HasPrefix(got, "PASS") {
			t.Errorf("crane validate --remote %s: %s", ref, got)
		}
	}
}
