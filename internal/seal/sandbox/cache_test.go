package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTrim(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "version")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, size int, age time.Duration) {
		t.Helper()
		path := filepath.Join(sub, name)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (names []string) {
		t.Helper()
		entries, err := os.ReadDir(sub)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	write("a", 100, time.Hour)
	write("b", 100, 3*time.Hour)
	write("c", 100, 2*time.Hour)
	write("d", 100, 4*time.Hour)
	if err := trim(dir, 400); err != nil {
		t.Fatal(err)
	}
	if got := left(); len(got) != 4 {
		t.Errorf("within the bound, left %v, want all", got)
	}
	if err := trim(dir, 399); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("one byte above the bound, left %v, want all but the oldest", got)
	}
	if err := trim(dir, 150); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("left %v, want the newest", got)
	}
	if err := trim(filepath.Join(dir, "none"), 1); err != nil {
		t.Errorf("without a cache: %v", err)
	}
}
