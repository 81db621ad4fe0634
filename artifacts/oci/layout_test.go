package oci_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// archive is a store with a workload, a run of it, and a layout with both.
func archive(t testing.TB) (store memory, w assay.Workload, runManifest oci.Descriptor, dir string) {
	t.Helper()
	store = memory{}
	w, err := oci.PutWorkload(t.Context(), store, files(t))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), store, w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if runManifest, err = oci.PutArtifact(t.Context(), store, run(t, store, &subject)); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "layout")
	export(t, store, dir, oci.Root{Digest: w.Manifest, Name: "sum"}, oci.Root{Digest: runManifest.Digest})
	return store, w, runManifest, dir
}

func export(t testing.TB, store memory, dir string, roots ...oci.Root) {
	t.Helper()
	if err := oci.ExportLayout(t.Context(), store, roots, dir); err != nil {
		t.Fatal(err)
	}
}

func blob(dir string, d assay.Digest) string { return filepath.Join(dir, "blobs", "sha256", d.Hex()) }

// tree returns every file below dir.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLayoutRoundTrip(t *testing.T) {
	store, w, run, dir := archive(t)
	for ref, want := range map[string]assay.Digest{
		"": w.Manifest, "sum": w.Manifest, w.Manifest.String(): w.Manifest, run.Digest.String(): run.Digest,
		w.Image["linux/amd64"].String(): w.Image["linux/amd64"],
	} {
		imported := memory{}
		got, err := oci.ImportLayout(t.Context(), imported, dir, ref)
		if err != nil || got != want {
			t.Errorf("import %q: got %v, %v, want %v", ref, got, err, want)
			continue
		}
		for d, b := range imported {
			if !bytes.Equal(b, store[d]) {
				t.Errorf("import %q: %v is not what was exported", ref, d)
			}
		}
		missing := unreachable(t, imported, got)
		if len(missing) > 0 {
			t.Errorf("import %q: without %v", ref, missing)
		}
	}
	imported := memory{}
	if _, err := oci.ImportLayout(t.Context(), imported, dir, run.Digest.String()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(imported, store) {
		t.Errorf("a run names its workload: imported %d blobs of %d", len(imported), len(store))
	}
	if got, err := oci.Workload(t.Context(), imported, w.Manifest); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("Workload: got %+v, %v, want %+v", got, err, w)
	}
	again := filepath.Join(t.TempDir(), "again")
	export(t, imported, again, oci.Root{Digest: w.Manifest, Name: "sum"}, oci.Root{Digest: run.Digest})
	if !maps.Equal(tree(t, dir), tree(t, again)) {
		t.Error("exporting what was imported gives another layout")
	}
}

// unreachable returns what root names, directly or not, that s has not.
func unreachable(t testing.TB, s memory, root assay.Digest) (missing []assay.Digest) {
	t.Helper()
	queue, seen := []assay.Digest{root}, map[assay.Digest]bool{}
	for len(queue) > 0 {
		d := queue[0]
		queue = queue[1:]
		if seen[d] {
			continue
		}
		seen[d] = true
		if _, ok := s[d]; !ok {
			missing = append(missing, d)
			continue
		}
		children, err := oci.Children(t.Context(), s, d)
		if err != nil {
			t.Fatal(err)
		}
		queue = append(queue, children...)
	}
	return missing
}

// TestLayoutParts finds, by subject, everything that the CNCF layout has no
// place for.
func TestLayoutParts(t *testing.T) {
	_, w, run, dir := archive(t)
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := oci.ParseIndex(b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, d := range index.Manifests {
		got[d.ArtifactType]++
		b, err := os.ReadFile(blob(dir, d.Digest))
		if err != nil || int64(len(b)) != d.Size {
			t.Errorf("%s: %d bytes, %v, want %d", d.ArtifactType, len(b), err, d.Size)
		}
		if d.Digest != w.Manifest && !bytes.Contains(b, []byte(`"subject":{"artifactType":"application/vnd.wasm.config.v0+json"`)) {
			t.Errorf("%s: subject is not the workload: %s", d.ArtifactType, b)
		}
	}
	want := map[string]int{
		oci.MediaTypeWasmConfig: 1, run.ArtifactType: 1,
		oci.TypeVariants: 1, oci.TypeNative: 1, oci.TypeStdin: 1, oci.TypeSource: 1, oci.TypeImages: 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("index lists %v, want %v", got, want)
	}
}

// TestExportPartsThatAreStored exports a store that has a part already, as one
// that imported it does.
func TestExportPartsThatAreStored(t *testing.T) {
	store, w, _, dir := archive(t)
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := oci.ParseIndex(b)
	if err != nil {
		t.Fatal(err)
	}
	roots := []oci.Root{{Digest: w.Manifest, Name: "sum"}}
	for _, d := range index.Manifests[1:] {
		if _, err := oci.ImportLayout(t.Context(), store, dir, d.Digest.String()); err != nil {
			t.Fatal(err)
		}
		roots = append(roots, oci.Root{Digest: d.Digest})
	}
	again := filepath.Join(t.TempDir(), "again")
	export(t, store, again, roots...)
	if !maps.Equal(tree(t, dir), tree(t, again)) {
		t.Error("exporting the parts by name gives another layout")
	}
}

func TestExportRefuses(t *testing.T) {
	store, w, _, dir := archive(t)
	ok := oci.Root{Digest: w.Manifest, Name: "sum"}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		roots []oci.Root
		dir   string
		want  string
	}{
		"full-directory": {[]oci.Root{ok}, dir, "is not empty; name a new directory"},
		"file":           {[]oci.Root{ok}, file, "not as a directory"},
		"tag-path":       {[]oci.Root{{Digest: w.Manifest, Name: "../x"}}, "", `tag "../x"`},
		"tag-twice":      {[]oci.Root{ok, ok}, "", `tag "sum" twice`},
		"not-a-manifest": {[]oci.Root{{Digest: w.Module}}, "", "invalid OCI content"},
		"root-absent":    {[]oci.Root{{Digest: assay.DigestOf([]byte("absent"))}}, "", "file does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			to := tt.dir
			if to == "" {
				to = filepath.Join(parent, "out")
			}
			before := tree(t, filepath.Dir(to))
			err := oci.ExportLayout(t.Context(), store, tt.roots, to)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if !maps.Equal(tree(t, filepath.Dir(to)), before) {
				t.Error("something was left or changed")
			}
		})
	}
}

func TestExportIntoEmptyDirectory(t *testing.T) {
	store, w, _, _ := archive(t)
	dir := t.TempDir()
	export(t, store, dir, oci.Root{Digest: w.Manifest})
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		t.Error(err)
	}
}

// TestExportReportsAll names each missing and corrupt blob, and leaves nothing.
func TestExportReportsAll(t *testing.T) {
	store, w, _, _ := archive(t)
	delete(store, w.Stdin)
	delete(store, w.Native["linux/arm64"])
	store[w.Module][3] ^= 1
	parent := t.TempDir()
	err := oci.ExportLayout(t.Context(), store, []oci.Root{{Digest: w.Manifest}}, filepath.Join(parent, "out"))
	for _, d := range []assay.Digest{w.Stdin, w.Native["linux/arm64"], w.Module} {
		if err == nil || !strings.Contains(err.Error(), d.String()) {
			t.Errorf("error %v, want %v in it", err, d)
		}
	}
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, artifacts.ErrCorrupt) {
		t.Errorf("error %v, want it to match both fs.ErrNotExist and ErrCorrupt", err)
	}
	if left := tree(t, parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestExportCancelled(t *testing.T) {
	store, w, _, _ := archive(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	parent := t.TempDir()
	err := oci.ExportLayout(ctx, store, []oci.Root{{Digest: w.Manifest}}, filepath.Join(parent, "out"))
	if !errors.Is(err, context.Canceled) || len(tree(t, parent)) > 0 {
		t.Errorf("error %v, want context.Canceled and nothing left", err)
	}
}

// TestImportWounds imports layouts that are damaged, named for the wound.
// Nothing of them may reach the store.
func TestImportWounds(t *testing.T) {
	type wound struct {
		do   func(t *testing.T, dir string, w assay.Workload)
		want []string
		is   error
	}
	edit := func(path string, change func([]byte) []byte) func(*testing.T, string, assay.Workload) {
		return func(t *testing.T, dir string, _ assay.Workload) { rewrite(t, filepath.Join(dir, path), change) }
	}
	for name, tt := range map[string]wound{
		"layout-without-mark": {func(t *testing.T, dir string, _ assay.Workload) {
			remove(t, filepath.Join(dir, "oci-layout"))
		}, []string{"not an OCI image layout"}, fs.ErrNotExist},
		"layout-version-2": {edit("oci-layout", replace("1.0.0", "2.0.0")), []string{`version "2.0.0"`}, oci.ErrInvalid},
		"layout-truncated-index": {
			edit("index.json", func(b []byte) []byte { return b[:len(b)/2] }), []string{"index.json"}, oci.ErrInvalid,
		},
		"layout-index-too-long": {edit("index.json", func(b []byte) []byte {
			return append(b, bytes.Repeat([]byte(" "), oci.ManifestLimit)...)
		}), []string{"more than 4194304"}, oci.ErrInvalid},
		"layout-two-tags": {edit("index.json", replace(`"manifests":[`,
			`"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"sum"},`+
				`"digest":"`+assay.DigestOf(nil).String()+`","mediaType":"a/b","size":0},`)),
			[]string{`tag "sum": 2 found, want one`}, nil},
		"layout-wrong-size": {
			edit("index.json", replace(`"size":`, `"size":1`)), []string{"its descriptor says"}, artifacts.ErrCorrupt,
		},
		"layout-flipped-bytes": {func(t *testing.T, dir string, w assay.Workload) {
			rewrite(t, blob(dir, w.Module), flip)
			rewrite(t, blob(dir, w.Stdin), flip)
			rewrite(t, blob(dir, w.Image["linux/arm64"]), flip)
		}, []string{"MODULE", "STDIN", "IMAGE"}, artifacts.ErrCorrupt},
		"layout-missing-blobs": {func(t *testing.T, dir string, w assay.Workload) {
			remove(t, blob(dir, w.Module))
			remove(t, blob(dir, w.Stdin))
		}, []string{"MODULE", "STDIN"}, fs.ErrNotExist},
		"layout-truncated-blob": {func(t *testing.T, dir string, w assay.Workload) {
			rewrite(t, blob(dir, w.Module), func(b []byte) []byte { return b[:4] })
		}, []string{"MODULE", "4 bytes, its descriptor says 8"}, artifacts.ErrCorrupt},
		"layout-blob-is-link": {func(t *testing.T, dir string, w assay.Workload) {
			remove(t, blob(dir, w.Module))
			link(t, blob(dir, w.Stdin), blob(dir, w.Module))
		}, []string{"not a plain file"}, oci.ErrInvalid},
		"layout-blob-is-directory": {func(t *testing.T, dir string, w assay.Workload) {
			remove(t, blob(dir, w.Module))
			if err := os.Mkdir(blob(dir, w.Module), 0o777); err != nil {
				t.Fatal(err)
			}
		}, []string{"not a plain file"}, oci.ErrInvalid},
		"layout-blobs-lead-out": {func(t *testing.T, dir string, w assay.Workload) {
			away := filepath.Join(t.TempDir(), "away")
			if err := os.Rename(filepath.Join(dir, "blobs"), away); err != nil {
				t.Fatal(err)
			}
			link(t, away, filepath.Join(dir, "blobs"))
		}, []string{"path escapes from parent"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, w, _, dir := archive(t)
			tt.do(t, dir, w)
			store := memory{}
			got, err := oci.ImportLayout(t.Context(), store, dir, "sum")
			if err == nil {
				t.Fatalf("imported %v", got)
			}
			names := strings.NewReplacer(w.Module.String(), "MODULE", w.Stdin.String(), "STDIN",
				w.Image["linux/arm64"].String(), "IMAGE")
			for _, want := range tt.want {
				if said := names.Replace(err.Error()); !strings.Contains(said, want) {
					t.Errorf("error %q, want one with %q", said, want)
				}
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v, want it to match %v", err, tt.is)
			}
			if len(store) > 0 {
				t.Errorf("%d blobs were stored", len(store))
			}
		})
	}
}

func TestImportUnknownTag(t *testing.T) {
	_, _, _, dir := archive(t)
	_, err := oci.ImportLayout(t.Context(), memory{}, dir, "sun")
	if err == nil || !strings.Contains(err.Error(), `the layout has ["sum"]`) {
		t.Errorf("error %v, want one that names the tags there are", err)
	}
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o666); err != nil {
		t.Fatal(err)
	}
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

func flip(b []byte) []byte {
	b[len(b)/2] ^= 0x20
	return b
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
