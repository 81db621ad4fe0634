package scratch_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay/internal/scratch"
)

func TestSweep(t *testing.T) {
	base := t.TempDir()
	used, err := scratch.New(base, "s.", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(base, "s.left", "deep")
	other := filepath.Join(base, "other")
	target := filepath.Join(base, "target")
	for _, dir := range []string{left, other, target} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(base, "s.link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := scratch.Sweep(base, "s."); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{used.Path: true, filepath.Dir(left): false, other: true, target: true, link: true} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s after Sweep: %v, want it there: %v", filepath.Base(path), err, want)
		}
	}
	if st, err := os.Stat(used.Path); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v, %v, want mode 0700", used.Path, st, err)
	}
	if err := used.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(used.Path); err == nil {
		t.Errorf("%s is there after Remove", used.Path)
	}
}

func TestNewRefused(t *testing.T) {
	base, unfit := t.TempDir(), errors.New("unfit")
	if _, err := scratch.New(base, "s.", func(string) error { return unfit }); !errors.Is(err, unfit) {
		t.Errorf("New with a check that fails: %v, want %v", err, unfit)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("New that fails leaves %v, %v", left, err)
	}
}
