package install

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// tarOf makes an archive of entries.
func tarOf(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		data := []byte("of " + h.Name)
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			h.Size = int64(len(data))
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpacked unpacks data, as a file of that name, into the folder in of a new
// directory, and returns the directory.
func unpacked(t testing.TB, name string, data []byte) (string, error) {
	t.Helper()
	top := t.TempDir()
	file := filepath.Join(top, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(top, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	return top, unpack(file, filepath.Join(top, "in"), all)
}

func TestUnpack(t *testing.T) {
	plain := tarOf(t, tar.Header{Name: "a/", Typeflag: tar.TypeDir}, tar.Header{Name: "./a/run"},
		tar.Header{Name: "a/data", Mode: 0o644}, tar.Header{Name: "b/link", Typeflag: tar.TypeSymlink, Linkname: "../a/run"},
		tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "a/run"})
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"x.tar.gz": gzipped(t, plain), "x.crate": gzipped(t, plain), "x.tar.xz": packed.Bytes()} {
		top, err := unpacked(t, name, data)
		if err != nil {
			t.Errorf("unpack %s: %v", name, err)
		}
		for file, mode := range map[string]fs.FileMode{"a/run": 0o755, "a/data": 0o644, "b/link": 0o755, "hard": 0o755} {
			if info, err := os.Stat(filepath.Join(top, "in", file)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %s is %v, %v; want mode %v", name, file, info, err, mode)
			}
		}
	}
}

func TestUnpackHostile(t *testing.T) {
	var zipLink bytes.Buffer
	z := zip.NewWriter(&zipLink)
	h := &zip.FileHeader{Name: "link"}
	h.SetMode(fs.ModeSymlink | 0o777)
	if _, err := z.CreateHeader(h); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
	}
	for _, c := range []struct {
		name, file, want string
		data             []byte
	}{
		{"above", "x.tar.gz", `"../out" is not a path in it`, gzipped(t, tarOf(t, tar.Header{Name: "../out"}))},
		{"absolute", "x.tar.gz", `"/tmp/out" is not a path in it`, gzipped(t, tarOf(t, tar.Header{Name: "/tmp/out"}))},
		{"link above", "x.tar.gz", `"a/l" links to "../../out"`, gzipped(t, tarOf(t, link("a/l", "../../out")))},
		{"absolute link", "x.tar.gz", `"l" links to "/etc"`, gzipped(t, tarOf(t, link("l", "/etc")))},
		{"hard link above", "x.tar.gz", `"l" links to "../x.tar.gz"`, gzipped(t, tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "../x.tar.gz"}))},
		{"link over a link", "x.tar.gz", "escapes", gzipped(t, tarOf(t, link("d/a", ".."), link("b", "d/a/.."), tar.Header{Name: "b/out"}))},
		{"file twice", "x.tar.gz", "file exists", gzipped(t, tarOf(t, tar.Header{Name: "a"}, tar.Header{Name: "a"}))},
		{"device", "x.tar.gz", `"null" is neither a file nor a link`, gzipped(t, tarOf(t, tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}))},
		{"cut off", "x.tar.gz", "unexpected EOF", gzipped(t, tarOf(t, tar.Header{Name: "a"}))[:40]},
		{"link in a zip", "x.whl", `"link" is a L`, zipLink.Bytes()},
		{"another kind", "x.rar", "want .zip, .tar.gz or .tar.xz", []byte("Rar!")},
	} {
		top, err := unpacked(t, c.file, c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if there, _ := filepath.Glob(filepath.Join(top, "*")); len(there) != 2 {
			t.Errorf("%s: beside it there is %v", c.name, there)
		}
	}
}

// FuzzUnpack: whatever an archive holds, nothing appears beside the directory,
// and no more in it than may.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Name: "a/run"}, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a"}))
	f.Add(tarOf(f, tar.Header{Name: "../out"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		top := t.TempDir()
		in := filepath.Join(top, "in")
		if err := os.Mkdir(in, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(in)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		const bound = 64 << 10
		x := extraction{root: root, keep: all, left: bound}
		if err := x.tar(tar.NewReader(bytes.NewReader(data))); err == nil && x.left < 0 {
			t.Fatalf("%d bytes over the bound are no error", -x.left)
		}
		if there, _ := filepath.Glob(filepath.Join(top, "*")); len(there) != 1 {
			t.Fatalf("beside it there is %v", there)
		}
	})
}
