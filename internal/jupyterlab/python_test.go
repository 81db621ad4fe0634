package jupyterlab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// A Python that will not do is named, with what is wrong and the remedy; a
// later name that will do is taken.
func TestFindPython(t *testing.T) {
	for _, c := range []struct {
		name    string
		scripts map[string]string
		want    string // version, or what the error says
	}{
		{"absent", nil, "python3 not found"},
		{"old", map[string]string{"python3": "echo 3 9 2"}, "is Python 3.9.2, which is too old"},
		{"without venv", map[string]string{"python3": "echo 3 11 2; echo ensurepip"}, "has no module ensurepip"},
		{"broken", map[string]string{"python3": "exit 127"}, "does not run: exit status 127"},
		{"garbled", map[string]string{"python3": "echo hello"}, `says that its version is "hello"`},
		{"later", map[string]string{"python3": "echo 3 9 2", "python3.12": "echo 3 12 1"}, "3.12.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			for name, script := range c.scripts {
				if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", path)
			p, err := findPython(t.Context())
			switch {
			case err == nil && p.version != c.want:
				t.Errorf("findPython = %v, want %s", p, c.want)
			case err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "python3-venv")):
				t.Errorf("findPython: %v, want %q and the remedy", err, c.want)
			}
		})
	}
}

// An installation that fails says why and leaves nothing that looks like one.
func TestEnvironmentWithoutNetwork(t *testing.T) {
	if _, err := findPython(t.Context()); err != nil {
		tooltest.Missing(t, "python3", err)
	}
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
	t.Setenv("PIP_RETRIES", "0")
	t.Setenv("PIP_NO_CACHE_DIR", "1")
	cache := t.TempDir()
	_, err := environment(t.Context(), cache, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "check the network") {
		t.Errorf("environment without a network: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(cache, "jupyterlab"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

// A jupyter-lab that is not version 4 is passed over, and said to be.
func TestVersionOf(t *testing.T) {
	for script, want := range map[string]string{
		"echo 4.4.1": "", "echo 3.6.8": "it is version 3.6.8, not 4", "exit 127": "it does not run (exit status 127)",
	} {
		path := filepath.Join(t.TempDir(), "jupyter-lab")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, why := versionOf(t.Context(), path); why != want {
			t.Errorf("versionOf(%q): %q, want %q", script, why, want)
		}
	}
}
