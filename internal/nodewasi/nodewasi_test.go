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
