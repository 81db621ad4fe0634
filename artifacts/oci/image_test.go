package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// wrapped stores a container image with that configuration and those layers, and
// returns its manifest.
func wrapped(t testing.TB, s memory, config, layerType string, layers ...[]byte) assay.Digest {
	t.Helper()
	put := func(mediaType string, b []byte) oci.Descriptor {
		d, err := s.PutBytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return oci.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
	}
	m := oci.Manifest{SchemaVersion: 2, MediaType: oci.MediaTypeManifest, Config: put(oci.MediaTypeImageConfig, []byte(config))}
	for _, l := range layers {
		m.Layers = append(m.Layers, put(layerType, l))
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return put(oci.MediaTypeManifest, b).Digest
}

// tarOf makes a tar of files, named and filled by turns.
func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const tarType = "application/vnd.oci.image.layer.v1.tar"

func TestModuleIn(t *testing.T) {
	const starts = `{"os":"linux","architecture":"amd64","config":{"Entrypoint":["/app/main.wasm"]}}`
	for name, c := range map[string]struct {
		config string
		layers [][]byte
		want   string // "": ErrInvalid
	}{
		"the one that is started": {starts, [][]byte{tarOf(t, "app/main.wasm", "good", "plugin.wasm", "bad", "x.wasm", "bad")}, "good"},
		"plugin.wasm":             {"{}", [][]byte{tarOf(t, "x.wasm", "bad", "./plugin.wasm", "good")}, "good"},
		"the only one":            {"{}", [][]byte{tarOf(t, "readme", "bad"), tarOf(t, "lib/x.wasm", "good")}, "good"},
		"the one on top":          {starts, [][]byte{tarOf(t, "app/main.wasm", "bad"), tarOf(t, "/app/main.wasm", "good")}, "good"},
		"one that was removed":    {starts, [][]byte{tarOf(t, "app/main.wasm", "bad"), tarOf(t, "app/.wh.main.wasm", "")}, ""},
		"one of two removed":      {"{}", [][]byte{tarOf(t, "a/x.wasm", "bad", "y.wasm", "good"), tarOf(t, ".wh.a", "")}, "good"},
		"one put back":            {starts, [][]byte{tarOf(t, "app/main.wasm", "bad"), tarOf(t, "app/.wh.main.wasm", ""), tarOf(t, "app/main.wasm", "good")}, "good"},
		"in a folder made anew":   {"{}", [][]byte{tarOf(t, "a/x.wasm", "bad"), tarOf(t, "a/.wh..wh..opq", "", "a/y.wasm", "good")}, "good"},
		"all made anew":           {"{}", [][]byte{tarOf(t, "plugin.wasm", "bad"), tarOf(t, ".wh..wh..opq", "")}, ""},
		"two":                     {"{}", [][]byte{tarOf(t, "x.wasm", "bad", "y.wasm", "bad")}, ""},
		"none":                    {"{}", [][]byte{tarOf(t, "readme", "bad")}, ""},
		"no layers":               {"{}", nil, ""},
		"no tar":                  {"{}", [][]byte{bytes.Repeat([]byte("bad"), 1000)}, ""},
		"cut off":                 {"{}", [][]byte{tarOf(t, "plugin.wasm", "bad")[:514]}, ""},
	} {
		s := memory{}
		got, _, err := oci.ModuleIn(t.Context(), s, wrapped(t, s, c.config, tarType, c.layers...))
		if string(got) != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, oci.ErrInvalid) {
			t.Errorf("%s: ModuleIn = %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// TestModuleInCompressed reads each kind of compression.
func TestModuleInCompressed(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(tarOf(t, "plugin.wasm", "good")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for layerType, layer := range map[string][]byte{
		tarType + "+gzip": zipped.Bytes(),
		tarType + "+zstd": enc.EncodeAll(tarOf(t, "plugin.wasm", "good"), nil),
		"application/vnd.docker.image.rootfs.diff.tar.gzip": zipped.Bytes(),
	} {
		s := memory{}
		got, name, err := oci.ModuleIn(t.Context(), s, wrapped(t, s, "{}", layerType, layer))
		if err != nil || string(got) != "good" || name != "plugin.wasm" {
			t.Errorf("%s: ModuleIn = %q, %s, %v, want the module", layerType, got, name, err)
		}
	}
}

// FuzzModuleIn gives it layers from outside.
func FuzzModuleIn(f *testing.F) {
	for _, l := range [][]byte{tarOf(f, "plugin.wasm", "x"), tarOf(f, "a.wasm", "x", "b.wasm", "y")[:1024], []byte("\x1f\x8b\x08")} {
		f.Add(l, uint8(0))
		f.Add(l, uint8(1))
	}
	types := []string{tarType, tarType + "+gzip", tarType + "+zstd"}
	f.Fuzz(func(t *testing.T, layer []byte, kind uint8) {
		s := memory{}
		module, name, err := oci.ModuleIn(t.Context(), s, wrapped(t, s, "{}", types[int(kind)%len(types)], layer))
		if (err == nil) != (module != nil) || err == nil && name == "" {
			t.Errorf("ModuleIn = %d bytes, %q, %v", len(module), name, err)
		}
		if err != nil && !errors.Is(err, oci.ErrInvalid) {
			t.Errorf("ModuleIn: %v, want ErrInvalid", err)
		}
	})
}
