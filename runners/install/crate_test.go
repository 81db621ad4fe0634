package install

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestCargoHome: while another package begins to be installed, the user's
// configuration of cargo is there; it is no longer when the user has none.
func TestCargoHome(t *testing.T) {
	users, j := t.TempDir(), job{work: filepath.Join(t.TempDir(), "runtimes", ".work-demo")}
	t.Setenv("CARGO_HOME", users)
	config := filepath.Join(users, "config.toml")
	if err := os.WriteFile(config, []byte("[net]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	home, err := j.cargoHome()
	if err != nil {
		t.Fatal(err)
	}
	var other sync.WaitGroup
	other.Go(func() {
		for range 500 {
			if _, err := j.cargoHome(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 5000 {
		if b, err := os.ReadFile(filepath.Join(home, "config.toml")); err != nil || string(b) != "[net]\n" {
			t.Errorf("cargo finds the configuration %q, %v", b, err)
			break
		}
	}
	other.Wait()
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	if _, err := j.cargoHome(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "*")); len(left) > 0 {
		t.Errorf("without a configuration: %v", left)
	}
}
