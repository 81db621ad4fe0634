package install_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/install"
)

// smallDisk mounts a disk of a size of its own, which the caller may change.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("assay", dir, "tmpfs", 0, "size="+size); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk installs what the disk has no room for: at the download, and when
// it is extracted. Nothing counts as installed, and with room it is.
func TestFullDisk(t *testing.T) {
	cache := smallDisk(t, "1m")
	program := make([]byte, 2<<20)
	rand.Read(program) // never fails, and cannot be compressed
	data := zipOf(t, map[string]string{"bin/demo": string(program)})
	p := archiveOf(fakeUpstream(t, map[string][]byte{"demo.zip": data})+"/demo.zip", assay.DigestOf(data))
	o := install.Options{Cache: cache}
	for _, size := range []string{"1m", "3m"} {
		if err := unix.Mount("assay", cache, "tmpfs", unix.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
		_, err := install.Install(t.Context(), p, o)
		want := "the disk of " + cache + " has "
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ASSAY_CACHE") {
			t.Errorf("Install on a disk of %s: %v, want an error with %q", size, err, want)
		}
		if in, err := install.Find(p, o); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Find on a disk of %s = %+v, %v; want fs.ErrNotExist", size, in, err)
		}
	}
	if err := unix.Mount("assay", cache, "tmpfs", unix.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	if in, err := install.Install(t.Context(), p, o); err != nil || in.Digest != assay.DigestOf(program) {
		t.Errorf("Install with room again = %v, %v; want %v", in.Digest, err, assay.DigestOf(program))
	}
}

// TestFullDiskOfPrograms: what is said of a full disk by a program that fetches
// is read.
func TestFullDiskOfPrograms(t *testing.T) {
	for _, said := range []string{"No space left on device (os error 28)", "E: You don't have enough free space in /c/archives/."} {
		dir, cache := t.TempDir(), t.TempDir()
		fakeCargo(t, dir, fmt.Sprintf("echo %q >&2; exit 1", said))
		_, err := install.Install(t.Context(), crateOf(t, dir), install.Options{Cache: cache})
		if err == nil || !strings.Contains(err.Error(), "MB left: free some space there") {
			t.Errorf("Install, when a program says %q: %v, want what to do", said, err)
		}
	}
}

// TestFullDiskOfApt: apt, which would wait for ever, is not asked.
func TestFullDiskOfApt(t *testing.T) {
	p := debianOf(fakeApt(t, []byte("#!/bin/sh\n")))
	_, err := install.Install(t.Context(), p, install.Options{Cache: smallDisk(t, "1m")})
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "apt wants 100 MB") {
		t.Errorf("Install: %v, want an error that says what apt wants", err)
	}
}
