package nodewasi

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

func TestDirConcurrently(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		tooltest.Missing(t, "node", err)
	}
	cache := t.TempDir()
	var wg sync.WaitGroup
	dirs := make([]string, 3)
	for i := range dirs {
		wg.Go(func() {
			var err error
			if dirs[i], err = Dir(t.Context(), cache); err != nil {
				t.Errorf("Dir: %v", err)
			}
		})
	}
	wg.Wait()
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("Dir = %q and %q, want one directory", dir, dirs[0])
		}
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || filepath.Join(cache, entries[0].Name()) != dirs[0] {
		t.Errorf("the cache holds %v, want only %s", entries, dirs[0])
	}

	t.Setenv("PATH", t.TempDir()) // what is installed needs no npm
	if got, err := Dir(t.Context(), cache); err != nil || got != dirs[0] {
		t.Errorf("Dir without npm = %q, %v, want %q", got, err, dirs[0])
	}
}

func TestDirDamaged(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		tooltest.Missing(t, "node", err)
	}
	cache := t.TempDir()
	dir, err := Dir(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	shim := filepath.Join(dir, Shim)
	want, err := os.ReadFile(shim)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"cut off":        func() error { return os.Truncate(shim, 10) },
		"a file is gone": func() error { return os.Remove(filepath.Join(filepath.Dir(shim), "wasi.js")) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if got, err := Dir(t.Context(), cache); err != nil || got != dir {
			t.Errorf("%s: Dir = %q, %v, want %q", name, got, err, dir)
		}
		if err := verify(dir); err != nil {
			t.Errorf("%s, installed again: %v", name, err)
		}
		if got, err := os.ReadFile(shim); err != nil || string(got) != string(want) {
			t.Errorf("%s, installed again: the shim has %d bytes, %v, want %d", name, len(got), err, len(want))
		}
	}
	if entries, _ := os.ReadDir(cache); len(entries) != 1 {
		t.Errorf("the cache holds %v, want only %s", entries, dir)
	}
}

func TestDirWithoutNPM(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	cache := t.TempDir()
	if _, err := Dir(t.Context(), cache); !errors.Is(err, ErrNoNPM) {
		t.Errorf("Dir without npm: %v, want %v", err, ErrNoNPM)
	}
	if entries, _ := os.ReadDir(cache); len(entries) != 0 {
		t.Errorf("a failed Dir left %v", entries)
	}
}
