package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/bundle"
)

// image writes an image of those layers, the second of which is compressed,
// and returns its manifest.
func image(t testing.TB, config string, layers ...[]byte) string {
	t.Helper()
	dir := t.TempDir()
	add := func(b []byte) assay.Digest {
		d := assay.DigestOf(b)
		if err := os.WriteFile(filepath.Join(dir, d.Hex()), b, 0o644); err != nil {
			t.Fatal(err)
		}
		return d
	}
	var described []string
	for i, l := range layers {
		mediaType := "application/vnd.oci.image.layer.v1.tar"
		if i == 1 {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write(l)
			w.Close()
			l, mediaType = b.Bytes(), mediaType+"+gzip"
		}
		described = append(described, fmt.Sprintf(`{"mediaType":%q,"digest":"%v"}`, mediaType, add(l)))
	}
	manifest := fmt.Sprintf(`{"config":{"digest":"%v"},"layers":[%s]}`, add([]byte(config)), strings.Join(described, ","))
	return filepath.Join(dir, add([]byte(manifest)).Hex())
}

func layer(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := h.PAXRecords["content"]
		h.PAXRecords = nil
		h.Size, h.Mode = int64(len(content)), 0o755
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, content string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"content": content}}
}

const config = `{"config":{"User":"7:8","Env":["PATH=/p"],"Entrypoint":["/app"],"Cmd":["c"],"WorkingDir":"/d"}}`

func TestMake(t *testing.T) {
	manifest := image(t, config,
		layer(t, file("app", "old"), file("d/gone", ""), file("d/kept", "kept"), file("e/gone", ""), tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		layer(t, file("./app", "new"), file("d/.wh.gone", ""), file("e/.wh..wh..opq", ""), file("e/new", ""),
			tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "/app"}, tar.Header{Name: "fifo", Typeflag: tar.TypeFifo}))
	dir := filepath.Join(t.TempDir(), "b")
	o := bundle.Options{Env: []string{"A=1"}, Dirs: []bundle.Dir{{Host: "/h", Guest: "."}, {Host: "/r", Guest: "/in", ReadOnly: true}}, Memory: 1 << 20}
	for range 2 {
		if err := bundle.Make(manifest, dir, "x", o); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	root := filepath.Join(dir, "rootfs")
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(path)
			got = append(got, strings.TrimPrefix(path, root)+"="+string(b))
		}
		return err
	})
	want := []string{"/app=new", "/d/kept=kept", "/e/new=", "/hard=new", "/link="}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, "x", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Process struct {
			User struct{ UID, GID int }
			Args []string
			Env  []string
			Cwd  string
		}
		Root   struct{ Path string }
		Mounts []struct {
			Destination, Source string
			Options             []string
		}
		Linux struct {
			Resources struct{ Memory struct{ Limit int64 } }
		}
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	if p := fmt.Sprint(c.Process, c.Linux.Resources, c.Root); p != fmt.Sprintf("{{7 8} [/app c] [PATH=/p A=1] /d} {{1048576}} {%s}", root) {
		t.Errorf("config %s", p)
	}
	if m := fmt.Sprint(c.Mounts[len(c.Mounts)-2:]); m != "[{/d /h [rbind rw]} {/in /r [rbind ro]}]" {
		t.Errorf("mounts %s", m)
	}
}

// TestMakeHostile takes images that want to write elsewhere, or are not what
// they say.
func TestMakeHostile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	link := tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: outside}
	many := make([][]byte, 257)
	for name, tt := range map[string]struct {
		manifest string
		want     string // in the error; "": it is harmless
	}{
		"dots":           {image(t, config, layer(t, file("../../outside/x", "x"))), ""},
		"absolute":       {image(t, config, layer(t, file(outside+"/x", "x"))), ""},
		"through a link": {image(t, config, layer(t, link, file("l/x", "x"))), "escapes"},
		"whiteout":       {image(t, config, layer(t, link, file("l/.wh.y", ""))), "escapes"},
		"opaque":         {image(t, config, layer(t, link, file("l/.wh..wh..opq", ""))), "escapes"},
		"hard link":      {image(t, config, layer(t, tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: outside + "/y"})), "no such file"},
		"all hidden":     {image(t, config, layer(t, file("d/.wh...", ""))), "whiteout of nothing"},
		"truncated":      {image(t, config, layer(t, file("x", "content"))[:515]), "unexpected EOF"},
		"layers":         {image(t, config, many...), "at most 256"},
		"no program":     {image(t, `{}`, layer(t, file("x", ""))), "names no program"},
		"user":           {image(t, `{"config":{"User":"nobody","Cmd":["x"]}}`, layer(t, file("x", ""))), "with a number"},
	} {
		if err := os.WriteFile(filepath.Join(outside, "y"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		err := bundle.Make(tt.manifest, t.TempDir(), "b", bundle.Options{})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		left, _ := os.ReadDir(outside)
		if len(left) != 1 || left[0].Name() != "y" {
			t.Fatalf("%s: wrote outside of the bundle: %v", name, left)
		}
	}
}

// TestDamaged: each blob of an image has to be what its name says.
func TestDamaged(t *testing.T) {
	l := layer(t, file("x", "content"))
	manifest := image(t, config, l)
	blobs := filepath.Dir(manifest)
	for name, blob := range map[string][]byte{"layer": l, "config": []byte(config)} {
		path := filepath.Join(blobs, assay.DigestOf(blob).Hex())
		if err := os.WriteFile(path, append(slices.Clone(blob), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, err := range []error{
			bundle.Make(manifest, dir, "b", bundle.Options{}),
			bundle.Archive(manifest, filepath.Join(dir, "a.tar"), "ref:1", nil),
		} {
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "its bytes have digest") {
				t.Errorf("a changed %s: error %v", name, err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("a changed %s: it left %v", name, left)
		}
		if err := os.WriteFile(path, blob, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMakePrivate: what an image marks setuid is out of the reach of other users,
// in a directory that was there too.
func TestMakePrivate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	manifest := image(t, config, layer(t, file("app", "")))
	for _, dir := range []string{dir, filepath.Join(dir, "new")} {
		if err := bundle.Make(manifest, dir, "b", bundle.Options{}); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the bundles are in a directory of mode %v, %v; want 0700", info.Mode(), err)
		}
	}
}

func FuzzMake(f *testing.F) {
	f.Add(layer(f, file("a", "b"), file(".wh.c", "")), config)
	f.Add(layer(f, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, file("l/../../x", "y")), `{"config":{"Cmd":["x"]}}`)
	f.Fuzz(func(t *testing.T, archive []byte, config string) {
		dir := t.TempDir()
		inner := filepath.Join(dir, "in")
		if bundle.Make(image(t, config, archive), inner, "b", bundle.Options{}) == nil {
			if _, err := os.Stat(filepath.Join(inner, "b", "config.json")); err != nil {
				t.Error(err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 1 {
			t.Errorf("beside the bundle: %v %v", left, err)
		}
	})
}

func TestArchive(t *testing.T) {
	same := layer(t, file("app", "x"))
	manifest := image(t, `{"architecture":"amd64","config":{"Entrypoint":["/app"],"Cmd":["c"]}}`, same, layer(t, file("y", "")), same)
	out := filepath.Join(t.TempDir(), "d", "a.tar")
	if err := bundle.Archive(manifest, out, "ref:1", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := make(map[string][]byte)
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if files[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if digest, ok := strings.CutPrefix(h.Name, "blobs/sha256/"); ok && assay.DigestOf(files[h.Name]).Hex() != digest {
			t.Errorf("%s has other bytes", h.Name)
		}
	}
	var index struct {
		Manifests []struct {
			Digest      assay.Digest
			Size        int
			Annotations map[string]string
		}
	}
	var docker []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := errors.Join(json.Unmarshal(files["index.json"], &index), json.Unmarshal(files["manifest.json"], &docker)); err != nil {
		t.Fatal(err)
	}
	m := index.Manifests[0]
	if b := files["blobs/sha256/"+m.Digest.Hex()]; len(b) != m.Size || m.Annotations["io.containerd.image.name"] != "ref:1" {
		t.Errorf("index %+v, of a manifest with %d bytes", m, len(b))
	}
	if got := string(files[docker[0].Config]); got != `{"architecture":"amd64","config":{"Cmd":["a","b"],"Entrypoint":["/app"]}}` {
		t.Errorf("config %s", got)
	}
	if d := docker[0]; len(d.Layers) != 3 || d.Layers[0] != d.Layers[2] || files[d.Layers[0]] == nil || d.RepoTags[0] != "ref:1" {
		t.Errorf("docker's list %+v", d)
	}
}
