package lab

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/stores"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// registryFor starts a registry that is not ours and returns its host.
func registryFor(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func hello(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../runners/runtimes/contract/guests/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files makes a layer's tar of files by name.
func files(t *testing.T, compressed bool, named map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range named {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !compressed {
		return b.Bytes()
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped.Bytes()
}

// An image to push, as another tool would make it.
type pushed struct {
	manifest    types.MediaType
	configType  types.MediaType
	config      string
	layers      []v1.Layer
	annotations map[string]string
}

func (p pushed) image(t *testing.T) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, p.layers...)
	if err != nil {
		t.Fatal(err)
	}
	if p.manifest != "" {
		img = mutate.MediaType(img, p.manifest)
	}
	if p.config != "" {
		var c v1.ConfigFile
		if err := json.Unmarshal([]byte(p.config), &c); err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.ConfigFile(img, &c); err != nil {
			t.Fatal(err)
		}
	}
	img = mutate.ConfigMediaType(img, p.configType)
	if p.annotations != nil {
		img = mutate.Annotations(img, p.annotations).(v1.Image)
	}
	return img
}

func at(t *testing.T, s string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPinDialects pins a module in each of the known dialects, pushed by
// go-containerregistry with the media types of the tool.
func TestPinDialects(t *testing.T) {
	host, module := registryFor(t), hello(t)
	wasm := func(layer types.MediaType) []v1.Layer { return []v1.Layer{static.NewLayer(module, layer)} }
	tarred := func(layer types.MediaType, file string) v1.Layer {
		return static.NewLayer(files(t, strings.HasSuffix(string(layer), "gzip"), map[string][]byte{file: module, "runtime-config.json": []byte("{}")}), layer)
	}
	const linux = `{"os":"linux","architecture":"amd64","config":{"Entrypoint":["/app/main.wasm"]},"rootfs":{"type":"layers","diff_ids":[]}}`
	for name, p := range map[string]pushed{
		"wkg":          {"", "application/vnd.wasm.config.v0+json", "", wasm("application/wasm"), nil},
		"wasm-to-oci":  {"", "application/vnd.wasm.config.v1+json", "", wasm("application/vnd.wasm.content.layer.v1+wasm"), nil},
		"spin":         {"", "application/vnd.fermyon.spin.application.v1+config", "", wasm("application/vnd.wasm.content.layer.v1+wasm"), nil},
		"solo":         {"", "application/vnd.module.wasm.config.v1+json", "", wasm("application/vnd.module.wasm.content.layer.v1+wasm"), nil},
		"runwasi":      {types.OCIManifestSchema1, types.OCIConfigJSON, "", wasm("application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"), nil},
		"solo-compat":  {types.OCIManifestSchema1, types.OCIConfigJSON, "", []v1.Layer{tarred(types.OCILayer, "plugin.wasm")}, map[string]string{"module.wasm.image/variant": "compat"}},
		"envoy-docker": {types.DockerManifestSchema2, types.DockerConfigJSON, "", []v1.Layer{tarred(types.DockerLayer, "./plugin.wasm")}, nil},
		"docker-wasm": {types.OCIManifestSchema1, types.OCIConfigJSON, linux, []v1.Layer{
			tarred(types.OCIUncompressedLayer, "app/main.wasm"), static.NewLayer(files(t, true, map[string][]byte{"other.wasm": []byte("no")}), types.OCILayer),
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := Init(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			img := p.image(t)
			tagged := fmt.Sprintf("%s/%s:v1", host, name)
			if err := remote.Write(at(t, tagged), img); err != nil {
				t.Fatal(err)
			}
			wl, err := w.Pin(t.Context(), tagged, PinOptions{PlainHTTP: true})
			if err != nil {
				t.Fatal(err)
			}
			if wl.Module != assay.DigestOf(module) {
				t.Errorf("module %v, want %v", wl.Module, assay.DigestOf(module))
			}
			digest, err := img.Digest()
			if err != nil {
				t.Fatal(err)
			}
			lock, err := w.Lock()
			if err != nil {
				t.Fatal(err)
			}
			if got := lock.Origins[wl.Name]; got.Reference != tagged || got.Digest.String() != digest.String() || lock.Workloads[wl.Name] != wl.Manifest {
				t.Errorf("lock: %+v and %v, want %s, %v and %v", got, lock.Workloads[wl.Name], tagged, digest, wl.Manifest)
			}
			if report, err := w.Store.Check(t.Context(), artifacts.CheckOptions{ReadData: true, Children: stores.Children(w.Store)}); err != nil || report.Damaged() {
				t.Errorf("Check: %+v, %v", report, err)
			}
			// What the tag means is asked once: without the registry it is the same.
			if err := remote.Write(at(t, tagged), empty.Image); err != nil {
				t.Fatal(err)
			}
			if again, err := w.PinOnce(t.Context(), tagged); err != nil || again.Manifest != wl.Manifest {
				t.Errorf("PinOnce = %v, %v, want %v", again.Manifest, err, wl.Manifest)
			}
		})
	}
}

// TestPinContainer pins an image for several platforms, and one of them.
func TestPinContainer(t *testing.T) {
	host := registryFor(t)
	image := func(arch string) v1.Image {
		return pushed{types.OCIManifestSchema1, types.OCIConfigJSON,
			`{"os":"linux","architecture":"` + arch + `","config":{"Cmd":["/crc"]},"rootfs":{"type":"layers","diff_ids":[]}}`,
			[]v1.Layer{static.NewLayer(files(t, true, map[string][]byte{"crc": []byte(arch)}), types.OCILayer)}, nil}.image(t)
	}
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image(arch), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	if err := remote.WriteIndex(at(t, host+"/crc:v1"), index); err != nil {
		t.Fatal(err)
	}
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wl, err := w.Pin(t.Context(), host+"/crc:v1", PinOptions{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	if wl.Name != "crc" || !wl.Module.IsZero() || len(wl.Image) != 2 {
		t.Errorf("Pin = %+v, want crc, with images for two platforms and no module", wl)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if want, err := image(arch).Digest(); err != nil || wl.Image["linux/"+arch].String() != want.String() {
			t.Errorf("image for %s: %v, want %v, %v", arch, wl.Image["linux/"+arch], want, err)
		}
	}
	other, err := image("s390x").Digest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Pin(t.Context(), host+"/crc@"+other.String(), PinOptions{PlainHTTP: true}); err == nil || !strings.Contains(err.Error(), "no image for linux/amd64 or linux/arm64") {
		t.Errorf("Pin of an image for s390x: %v", err)
	}
	if report, err := w.Store.Check(t.Context(), artifacts.CheckOptions{ReadData: true, Children: stores.Children(w.Store)}); err != nil || report.Damaged() {
		t.Errorf("Check: %+v, %v", report, err)
	}
	if _, err := blob(wl, assay.Wasm, nil); err == nil {
		t.Error("a Wasm runtime would run it")
	}
	// By way of a layout it is the same workload.
	layout := filepath.Join(t.TempDir(), "crc")
	if err := oci.ExportLayout(t.Context(), w.Store, []oci.Root{{Digest: wl.Manifest, Name: "v1"}}, layout); err != nil {
		t.Fatal(err)
	}
	if again, err := w.Pin(t.Context(), layout+":v1", PinOptions{}); err != nil || again.Manifest != wl.Manifest {
		t.Errorf("Pin of a layout = %v, %v, want %v", again.Manifest, err, wl.Manifest)
	}
}

// TestPinNoModule pins images in which no module can be found.
func TestPinNoModule(t *testing.T) {
	host := registryFor(t)
	for name, contents := range map[string][]byte{
		"two":       files(t, true, map[string][]byte{"a.wasm": hello(t), "b.wasm": hello(t)}),
		"none":      files(t, true, map[string][]byte{"readme": []byte("hello")}),
		"no-tar":    []byte("not gzip"),
		"not-wasm":  files(t, true, map[string][]byte{"plugin.wasm": []byte("text")}),
		"truncated": files(t, true, map[string][]byte{"plugin.wasm": hello(t)})[:100],
	} {
		w, err := Init(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		img := pushed{types.OCIManifestSchema1, types.OCIConfigJSON, "", []v1.Layer{static.NewLayer(contents, types.OCILayer)}, nil}.image(t)
		if err := remote.Write(at(t, host+"/"+name+":v1"), img); err != nil {
			t.Fatal(err)
		}
		if wl, err := w.Pin(t.Context(), host+"/"+name+":v1", PinOptions{PlainHTTP: true}); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: Pin = %v, %v, want an error", name, wl, err)
		}
		if lock, err := w.Lock(); err != nil || len(lock.Workloads) > 0 {
			t.Errorf("%s: lock %+v, %v, want nothing", name, lock, err)
		}
	}
}

// TestPinOras pins what oras pushed, from a registry and from a layout.
func TestPinOras(t *testing.T) {
	oras, host, dir := tooltest.Built(t, "oras"), registryFor(t), t.TempDir()
	for name, b := range map[string][]byte{"hello.wasm": hello(t), "config.json": []byte(`{"architecture":"wasm","os":"wasip1"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for flag, to := range map[string]string{"--plain-http": host + "/hello:v1", "--oci-layout": filepath.Join(dir, "layout") + ":v1"} {
		cmd := exec.CommandContext(t.Context(), oras, "push", flag, to, "--config", "config.json:application/vnd.wasm.config.v0+json", "hello.wasm:application/wasm")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("oras push %s: %v\n%s", to, err, out)
		}
		wl, err := w.Pin(t.Context(), to, PinOptions{PlainHTTP: true})
		if err != nil || wl.Name != "hello" || wl.Module != assay.DigestOf(hello(t)) {
			t.Errorf("Pin(%s) = %+v, %v, want the workload hello", to, wl, err)
		}
	}
}
