package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestStoreFull fills the disk of the server.
func TestStoreFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64m"); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	data, filler := filepath.Join(disk, "data"), filepath.Join(disk, "filler")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	trouble{"full", func(t *testing.T, _ *miniotest.Server, _ minio.Config) {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil { // until the disk is full
			_, err = f.Write(make([]byte, 64<<10))
		}
	}, "store full", func(t *testing.T, _ *miniotest.Server, _ minio.Config) {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}, false}.through(t, miniotest.StartWith(t, miniotest.Options{Dir: data}))
}
