package shims

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSource(t *testing.T) {
	for name, want := range map[string]string{
		"wazero":   "frame/frame.go go.mod go.sum wazero/main.go",
		"wasmtime": "frame/frame.go go.mod go.sum wasmtime/main.go",
		"wasm3":    "protocol/Cargo.toml protocol/src/lib.rs wasm3/Cargo.lock wasm3/Cargo.toml wasm3/src/main.rs",
	} {
		files, err := Source(name)
		if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); err != nil || got != want {
			t.Errorf("Source(%q) = %s, %v; want %s", name, got, err, want)
		}
		for path, data := range files {
			if len(data) == 0 {
				t.Errorf("Source(%q): %s is empty", name, path)
			}
		}
	}
	if files, err := Source("nothing"); err == nil {
		t.Errorf("Source of what is not there = %d files, want an error", len(files))
	}
}

// TestWazero: the version that is said is the one that is built.
func TestWazero(t *testing.T) {
	b := Wazero()
	if want := "github.com/tetratelabs/wazero " + b.Version + "\n"; !strings.Contains(string(b.Mod), want) {
		t.Errorf("go.mod has not %q:\n%s", want, b.Mod)
	}
}
