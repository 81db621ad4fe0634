package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
)

var sample = []File{{"main.go", []byte("package main\n")}, {"a/b.txt", nil}, {"a/c", bytes.Repeat([]byte("x"), 1000)}}

func TestPack(t *testing.T) {
	b, err := Pack(sample)
	if err != nil {
		t.Fatal(err)
	}
	const want = "sha256:255579a9916afcd7a2c108da39b3645b513b0d657dd3af149138257ca0ac4ea4"
	if got := assay.DigestOf(b).String(); got != want {
		t.Errorf("Pack: digest %s, want %s: the format changed", got, want)
	}
	reversed := slices.Clone(sample)
	slices.Reverse(reversed)
	if again, err := Pack(reversed); err != nil || !bytes.Equal(again, b) {
		t.Errorf("Pack of another order: other bytes, or %v", err)
	}
	files, err := Unpack(b, Limits{3, 2000})
	if err != nil || len(files) != 3 || files[0].Name != "a/b.txt" || files[2].Name != "main.go" {
		t.Errorf("Unpack(Pack) = %v, %v", files, err)
	}
	for _, limits := range []Limits{{2, 2000}, {3, 1000}} {
		if _, err := Unpack(b, limits); !errors.Is(err, ErrMalformed) {
			t.Errorf("Unpack within %+v: %v, want %v", limits, err, ErrMalformed)
		}
	}
}

func TestBadNames(t *testing.T) {
	for _, names := range [][]string{{""}, {"."}, {"/etc/passwd"}, {"../x"}, {"a/../../x"}, {"a//b"}, {"a\\b"}, {"c:x"}, {"a\x00b"},
		{"é"}, {"a", "a"}, {"a", "a/b"}, {"a/b", "a"}, {"a", "a-b", "a/b"}} {
		var files []File
		for _, name := range names {
			files = append(files, File{Name: name})
		}
		if _, err := Pack(files); !errors.Is(err, ErrMalformed) {
			t.Errorf("Pack(%q): %v, want %v", names, err, ErrMalformed)
		}
	}
}

// TestHostile unpacks streams that Pack would not write.
func TestHostile(t *testing.T) {
	for name, header := range map[string]tar.Header{
		"link":      {Typeflag: tar.TypeSymlink, Name: "x", Linkname: "/etc/passwd"},
		"hard link": {Typeflag: tar.TypeLink, Name: "x", Linkname: "y"},
		"directory": {Typeflag: tar.TypeDir, Name: "x/"},
		"device":    {Typeflag: tar.TypeChar, Name: "x"},
		"parent":    {Typeflag: tar.TypeReg, Name: "../x"},
		"absolute":  {Typeflag: tar.TypeReg, Name: "/x"},
		"huge":      {Typeflag: tar.TypeReg, Name: "x", Size: 1 << 40, Format: tar.FormatGNU},
	} {
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(&header); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Unpack(b.Bytes(), Limits{10, 1 << 20}); !errors.Is(err, ErrMalformed) {
			t.Errorf("Unpack of a %s: %v, want %v", name, err, ErrMalformed)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	b, err := Pack(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:600])
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := Unpack(b, Limits{10, 1 << 20})
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v, want %v", err, ErrMalformed)
			}
			return
		}
		packed, err := Stream(files)
		if err != nil {
			t.Fatalf("Stream(Unpack): %v", err)
		}
		again, err := Unpack(packed, Limits{10, 1 << 20})
		if err != nil || len(again) != len(files) || len(files) > 0 && !reflect.DeepEqual(again, files) {
			t.Errorf("Unpack(Stream(%v)) = %v, %v", files, again, err)
		}
	})
}

func TestLay(t *testing.T) {
	cache := t.TempDir()
	dir, err := Lay(cache, "x", assay.Digest{1}, sample)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(dir) })
	if again, err := Lay(cache, "x", assay.Digest{1}, sample); err != nil || again != dir {
		t.Errorf("Lay again = %q, %v, want %q", again, err, dir)
	}
	for _, name := range []string{".", "a", "main.go", "a/c"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o222 != 0 {
			t.Errorf("%s: %v, %v, want it there and read-only", name, info, err)
		}
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Errorf("the cache holds %v, %v, want one directory", entries, err)
	}
	for name, files := range map[string][]File{"less": sample[:2], "more": append(slices.Clone(sample), File{Name: "z"})} {
		if _, err := Lay(cache, "x", assay.Digest{1}, files); err == nil {
			t.Errorf("Lay of %s files over others: no error", name)
		}
	}
}
