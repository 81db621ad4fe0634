package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// mountTmpfs returns a new file system of 1 MiB.
func mountTmpfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// wantKept looks for what was put before the trouble.
func wantKept(t *testing.T, s *artifacts.Store, kept map[assay.Digest][]byte) {
	t.Helper()
	for d, want := range kept {
		if got, err := s.ReadAll(t.Context(), d, 1<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("blob put before: %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	if d, err := s.Ref(t.Context(), "runs/1"); err != nil || kept[d] == nil {
		t.Errorf("reference set before = %v, %v", d, err)
	}
	report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true})
	if err != nil || len(report.Problems) != 0 {
		t.Errorf("check = %v, %v, want no problem", report.Problems, err)
	}
}

func wantRemedy(t *testing.T, what string, err, is error, remedy string) {
	t.Helper()
	if !errors.Is(err, is) || !strings.Contains(err.Error(), remedy) || strings.Count(err.Error(), remedy) != 1 {
		t.Errorf("%s: %v\nwant %v and %q, once", what, err, is, remedy)
	}
}

func TestFullDisk(t *testing.T) {
	s := newStore(t, filepath.Join(mountTmpfs(t), "store"))
	kept := map[assay.Digest][]byte{}
	put := func(b []byte) error {
		d, err := s.PutBytes(t.Context(), b)
		if err == nil {
			kept[d] = b
		}
		return err
	}
	first := []byte("first")
	if err := put(first); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/1", assay.DigestOf(first)); err != nil {
		t.Fatal(err)
	}
	var full error
	for i := byte(0); full == nil; i++ {
		full = put(bytes.Repeat([]byte{i}, 100_000))
	}
	wantRemedy(t, "put on a full disk", full, syscall.ENOSPC, "is full: free space")
	for full = nil; full == nil; {
		full = put([]byte{byte(len(kept)), byte(len(kept) >> 8)})
	}
	wantRemedy(t, "put of two bytes", full, syscall.ENOSPC, "is full: free space")
	err := s.SetRef(t.Context(), "runs/1", assay.DigestOf(bytes.Repeat([]byte{0}, 100_000)))
	wantRemedy(t, "set on a full disk", err, syscall.ENOSPC, "is full: free space")
	wantKept(t, s, kept)

	// The remedy works: collecting needs no space.
	if _, err := s.GC(t.Context(), artifacts.GCOptions{MinAge: 1}); err != nil {
		t.Fatal(err)
	}
	kept = map[assay.Digest][]byte{assay.DigestOf(first): first}
	if err := put(bytes.Repeat([]byte("x"), 100_000)); err != nil {
		t.Errorf("put after gc: %v", err)
	}
	wantKept(t, s, kept)
}

func TestReadOnlyDisk(t *testing.T) {
	mount := mountTmpfs(t)
	dir := filepath.Join(mount, "store")
	s := newStore(t, dir)
	first := []byte("first")
	d, err := s.PutBytes(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/1", d); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", mount, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("remount: %w", err))
	}
	for _, open := range []func(string) (*disk.Backend, error){disk.Open, disk.Create} {
		if _, err := open(dir); err != nil {
			t.Errorf("open of a read-only store: %v", err)
		}
	}
	wantUnwritable(t, s, d, syscall.EROFS, "read-only file system: to write, remount")
	wantKept(t, s, map[assay.Digest][]byte{d: first})
	_, err = disk.Create(filepath.Join(mount, "another"))
	wantRemedy(t, "create", err, syscall.EROFS, "read-only file system: to write, remount")
}

func wantUnwritable(t *testing.T, s *artifacts.Store, d assay.Digest, is error, remedy string) {
	t.Helper()
	for _, b := range []string{"first", "second"} {
		_, err := s.PutBytes(t.Context(), []byte(b))
		wantRemedy(t, "put", err, is, remedy)
	}
	wantRemedy(t, "set", s.SetRef(t.Context(), "runs/2", d), is, remedy)
	wantRemedy(t, "swap", s.SwapRef(t.Context(), "runs/1", d, d), is, remedy)
	wantRemedy(t, "delete", s.DeleteRef(t.Context(), "runs/1"), is, remedy)
}

// TestForbidden is a store of another user's.
func TestForbidden(t *testing.T) {
	dir := quickDir(t)
	s := newStore(t, dir)
	d, err := s.PutBytes(t.Context(), []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/1", d); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		// Files are asked for as nobody, by this thread alone.
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			t.Skipf("setfsuid: %v", err)
		}
		defer unix.SetfsuidRetUid(0)
	} else {
		for _, name := range []string{".tmp", "refs/runs"} {
			if err := os.Chmod(filepath.Join(dir, name), 0o555); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(filepath.Join(dir, name), 0o777)
		}
	}
	wantUnwritable(t, s, d, fs.ErrPermission, "run as its owner")
	wantKept(t, s, map[assay.Digest][]byte{d: []byte("first")})
}
