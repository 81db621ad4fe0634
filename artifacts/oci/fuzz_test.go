package oci_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

func seed(f *testing.F) {
	f.Helper()
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		f.Fatalf("seeds: %v, %v", paths, err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzManifest reads any bytes as every kind of manifest. What is accepted
// must be the same once written and read again, and Children must follow all of
// it.
func FuzzManifest(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		store := memory{}
		d, err := store.PutBytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		children, err := oci.Children(t.Context(), store, d)
		if err != nil {
			t.Fatalf("Children: %v", err)
		}
		if w, err := oci.Workload(t.Context(), store, d); err == nil {
			if w.Manifest != d || w.Name == "" {
				t.Errorf("workload %+v of manifest %v", w, d)
			}
			mustHave(t, children, w.Module, w.Stdin)
			for _, n := range w.Native {
				mustHave(t, children, n)
			}
		}
		if a, err := oci.ReadArtifact(t.Context(), store, d); err == nil {
			for _, l := range a.Layers {
				mustHave(t, children, l.Digest)
			}
			for _, blob := range a.Blobs {
				mustHave(t, children, blob)
			}
		}
		m, err := oci.ParseManifest(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		m2, err := oci.ParseManifest(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if b2, err := json.Marshal(m2); err != nil || !bytes.Equal(again, b2) {
			t.Errorf("%+v became %+v (%v)", m, m2, err)
		}
	})
}

func mustHave(t *testing.T, children []assay.Digest, want ...assay.Digest) {
	t.Helper()
	have := map[assay.Digest]bool{{}: true}
	for _, c := range children {
		have[c] = true
	}
	for _, d := range want {
		if !have[d] {
			t.Errorf("Children leaves out %v, which gc would then remove", d)
		}
	}
}

// FuzzLayout imports from a layout whose index and one manifest are any bytes.
// Either nothing is stored, or everything that the root names.
func FuzzLayout(f *testing.F) {
	_, w, _, dir := archive(f)
	for _, path := range []string{filepath.Join(dir, "index.json"), blob(dir, w.Manifest)} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, []byte(nil))
		f.Add([]byte(nil), b)
	}
	whole := os.DirFS(dir)
	f.Fuzz(func(t *testing.T, index, manifest []byte) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, whole); err != nil {
			t.Fatal(err)
		}
		if len(index) > 0 {
			write(t, filepath.Join(dir, "index.json"), index)
		}
		ref := "sum"
		if len(manifest) > 0 {
			write(t, blob(dir, assay.DigestOf(manifest)), manifest)
			ref = assay.DigestOf(manifest).String()
		}
		store := memory{}
		d, err := oci.ImportLayout(t.Context(), store, dir, ref)
		switch {
		case err != nil && len(store) > 0:
			t.Errorf("%v, but %d blobs were stored", err, len(store))
		case err == nil:
			if missing := unreachable(t, store, d); len(missing) > 0 {
				t.Errorf("imported %v without %v", d, missing)
			}
		}
	})
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}
