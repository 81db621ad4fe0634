package plainfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/plainfile"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("four"), 0o600), os.Symlink("file", link), unix.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		if b, err := plainfile.Read(path, 4); err != nil || string(b) != "four" {
			t.Errorf("Read(%s, 4) = %q, %v; want all of it", path, b, err)
		}
	}
	for path, want := range map[string]error{file: failure.ErrUsage, dir: failure.ErrUsage, pipe: failure.ErrUsage, "/dev/zero": failure.ErrUsage, filepath.Join(dir, "none"): fs.ErrNotExist} {
		if b, err := plainfile.Read(path, 3); !errors.Is(err, want) || b != nil {
			t.Errorf("Read(%s, 3) = %q, %v; want nothing, and that it matches %q", path, b, err, want)
		}
	}
}
