package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
)

var update = flag.Bool("update", false, "rewrite golden files")

// files is a workload with everything a workload can have. Its programs are
// no programs: nothing here runs them.
func files(t testing.TB) oci.WorkloadFiles {
	t.Helper()
	return oci.WorkloadFiles{
		Name:     "sum",
		Args:     []string{"-n", "<3> & \"é\"", "${size}"},
		Env:      []string{"LANG=C", "EMPTY="},
		Stdin:    []byte("1 2 3\n"),
		Expect:   assay.Expectation{Stdout: assay.DigestOf([]byte("6\n")), Exit: 3},
		Module:   []byte("\x00asm\x01\x00\x00\x00"),
		Variants: map[assay.Variant][]byte{assay.MVP: []byte("mvp"), assay.Reactor: []byte("reactor")},
		Scratch:  true,
		Native:   map[string][]byte{"linux/amd64": []byte("amd64"), "linux/arm64": []byte("arm64")},
		Images:   map[string]oci.Image{"linux/amd64": image(t, "amd64"), "linux/arm64": image(t, "arm64")},
		Source:   []byte("a tar"),
		Facts:    map[string]string{"toolchain": "go1.26.8", "licence": "Apache-2.0", "url": "https://example.org/sum"},
	}
}

// image is a container image with one file.
func image(t testing.TB, processor string) oci.Image {
	t.Helper()
	var layer, files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: "workload", Mode: 0o755, Size: int64(len(processor))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(processor)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewWriterLevel(&layer, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(files.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	config := encode(t, map[string]any{
		"architecture": processor,
		"os":           "linux",
		"config":       map[string]any{"Entrypoint": []string{"/workload"}},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{assay.DigestOf(files.Bytes()).String()}},
	})
	manifest := encode(t, oci.Manifest{
		SchemaVersion: 2,
		MediaType:     oci.MediaTypeManifest,
		Config:        describe("application/vnd.oci.image.config.v1+json", config),
		Layers:        []oci.Descriptor{describe("application/vnd.oci.image.layer.v1.tar+gzip", layer.Bytes())},
	})
	return oci.Image{Manifest: manifest, Blobs: [][]byte{config, layer.Bytes()}}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := canonical.JSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func describe(mediaType string, b []byte) oci.Descriptor {
	return oci.Descriptor{MediaType: mediaType, Digest: assay.DigestOf(b), Size: int64(len(b))}
}

func TestWorkloadFromManifestAlone(t *testing.T) {
	store, f := memory{}, files(t)
	put, err := oci.PutWorkload(t.Context(), store, f)
	if err != nil {
		t.Fatal(err)
	}
	want := assay.Workload{
		Name:     f.Name,
		Manifest: put.Manifest,
		Module:   assay.DigestOf(f.Module),
		Variants: map[assay.Variant]assay.Digest{},
		Scratch:  true,
		Native:   map[string]assay.Digest{},
		Image:    map[string]assay.Digest{},
		Args:     f.Args,
		Env:      f.Env,
		Stdin:    assay.DigestOf(f.Stdin),
		Expect:   f.Expect,
		Source: map[string]string{
			"digest": assay.DigestOf(f.Source).String(), "toolchain": "go1.26.8",
			"licence": "Apache-2.0", "url": "https://example.org/sum",
		},
	}
	for v := range f.Variants {
		want.Variants[v] = assay.DigestOf(f.Variants[v])
	}
	for p := range f.Native {
		want.Native[p], want.Image[p] = assay.DigestOf(f.Native[p]), assay.DigestOf(f.Images[p].Manifest)
	}
	if !reflect.DeepEqual(put, want) {
		t.Errorf("PutWorkload:\n got %+v\nwant %+v", put, want)
	}
	manifest := store[put.Manifest]
	alone := memory{put.Manifest: manifest}
	got, err := oci.Workload(t.Context(), alone, put.Manifest)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Workload: %v\n got %+v\nwant %+v", err, got, want)
	}
	golden := filepath.Join("testdata", "workload.json")
	if *update {
		if err := os.WriteFile(golden, manifest, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if old, err := os.ReadFile(golden); err != nil || !bytes.Equal(old, manifest) {
		t.Errorf("manifest changed, and with it the identity of every workload (%v):\n got %s\nwant %s", err, manifest, old)
	}
}

func TestWorkloadOfOneModule(t *testing.T) {
	store := memory{}
	got, err := oci.PutWorkload(t.Context(), store, oci.WorkloadFiles{Name: "bare", Module: []byte("\x00asm\x01\x00\x00\x00")})
	if err != nil {
		t.Fatal(err)
	}
	want := assay.Workload{Name: "bare", Manifest: got.Manifest, Module: assay.DigestOf([]byte("\x00asm\x01\x00\x00\x00"))}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(store) != 3 {
		t.Errorf("%d blobs stored, want module, config and manifest", len(store))
	}
}

func TestPutWorkloadRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*oci.WorkloadFiles)
		want   string
	}{
		"no-name":            {func(f *oci.WorkloadFiles) { f.Name = "" }, "name of 0 bytes"},
		"name-with-escape":   {func(f *oci.WorkloadFiles) { f.Name = "a\x1b[2J" }, "do not print"},
		"arg-with-nul":       {func(f *oci.WorkloadFiles) { f.Args = []string{"a\x00b"} }, "NUL"},
		"env-without-equals": {func(f *oci.WorkloadFiles) { f.Env = []string{"PATH"} }, "want KEY=VALUE"},
		"exit-256":           {func(f *oci.WorkloadFiles) { f.Expect.Exit = 256 }, "value out of range"},
		"platform":           {func(f *oci.WorkloadFiles) { f.Native["../../x"] = nil }, `platform "../../x"`},
		"variant":            {func(f *oci.WorkloadFiles) { f.Variants["simd"] = nil }, `variant "simd"`},
		"source-digest":      {func(f *oci.WorkloadFiles) { f.Facts["digest"] = "sha256:00" }, "taken from Source"},
		"image-missing-blob": {func(f *oci.WorkloadFiles) {
			f.Images["linux/amd64"] = oci.Image{Manifest: f.Images["linux/amd64"].Manifest}
		}, "container image for linux/amd64: invalid OCI content: no blob sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files(t)
			tt.change(&f)
			store := memory{}
			_, err := oci.PutWorkload(t.Context(), store, f)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestWorkloadDialects reads what other tools write for a Wasm module.
func TestWorkloadDialects(t *testing.T) {
	module := []byte("\x00asm\x01\x00\x00\x00")
	for _, tt := range []struct{ tool, config, layer string }{
		{"wkg", "application/vnd.wasm.config.v0+json", "application/wasm"},
		{"wasm-to-oci", "application/vnd.wasm.config.v1+json", "application/vnd.wasm.content.layer.v1+wasm"},
		{"spin", "application/vnd.fermyon.spin.application.v1+config", "application/vnd.wasm.content.layer.v1+wasm"},
		{"solo", "application/vnd.module.wasm.config.v1+json", "application/vnd.module.wasm.content.layer.v1+wasm"},
		{"runwasi", "application/vnd.oci.image.config.v1+json", "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"},
	} {
		layer := describe(tt.layer, module)
		layer.Annotations = map[string]string{"org.opencontainers.image.title": "./target/hello.wasm"}
		manifest := encode(t, oci.Manifest{
			SchemaVersion: 2, Config: describe(tt.config, []byte("{}")), Layers: []oci.Descriptor{layer},
		})
		store := memory{}
		d, err := store.PutBytes(t.Context(), manifest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := oci.Workload(t.Context(), store, d)
		want := assay.Workload{Name: "hello", Manifest: d, Module: assay.DigestOf(module)}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.tool, got, err, want)
		}
	}
}

// TestWorkloadWounds reads manifests that are wrong, named for the wound.
func TestWorkloadWounds(t *testing.T) {
	for name, want := range map[string]string{
		"manifest-truncated":         "unexpected end of JSON input",
		"manifest-two-layers":        "2 layers, want exactly one",
		"manifest-no-layer":          "0 layers, want exactly one",
		"manifest-tar-layer":         `layer of type "application/vnd.oci.image.layer.v1.tar+gzip"`,
		"manifest-schema-1":          "schemaVersion 1, want 2",
		"manifest-is-index":          `mediaType "application/vnd.oci.image.index.v1+json"`,
		"manifest-sha512":            `digest "sha512:`,
		"manifest-negative-size":     "layer 0: size -8",
		"manifest-no-digest":         "layer 0: no digest",
		"manifest-digest-twice":      `name "Digest" twice in one object`,
		"manifest-trailing-data":     "after top-level value",
		"manifest-not-utf8":          "not UTF-8",
		"workload-args-not-a-list":   "annotation io.github.assay-notebooks.args",
		"workload-stdin-no-digest":   "annotation io.github.assay-notebooks.blob.stdin",
		"workload-exit-negative":     "annotation io.github.assay-notebooks.expect.exit",
		"workload-platform-path":     `platform "../../etc", want system/processor`,
		"workload-name-with-newline": "do not print",
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			store := memory{}
			d, err := store.PutBytes(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			w, err := oci.Workload(t.Context(), store, d)
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, oci.ErrInvalid) {
				t.Errorf("got %+v, error %v, want ErrInvalid with %q", w, err, want)
			}
		})
	}
}
