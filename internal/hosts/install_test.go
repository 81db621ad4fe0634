package hosts

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
)

// TestNoteVersion: what a workspace has at another version is in its lock, what
// assay brings is not.
func TestNoteVersion(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, settings.Folder), 0o777); err != nil {
		t.Fatal(err)
	}
	brought := install.Embedded()["wasmtime"]
	other := brought
	other.Version = "1.0"
	var said []string
	for i, p := range []runners.Package{brought, other} {
		if err := noteVersion(t.Context(), root, p, func(line string) { said = append(said, line) }); err != nil {
			t.Fatal(err)
		}
		if own, err := ownRuntimes(root); err != nil || len(own) != i {
			t.Errorf("with %s noted: %v, %v; want %d", p.Version, own, err, i)
		}
	}
	if err := noteVersion(t.Context(), root, brought, nil); err != nil {
		t.Fatal(err)
	}
	if own, err := ownRuntimes(root); err != nil || len(own) != 0 {
		t.Errorf("with what assay brings noted again: %v, %v; want none", own, err)
	}
	digest := brought.Wheel.Files[install.Platform].String()
	if want := []string{"runtimes.lock: wasmtime " + brought.Version + " " + digest, "runtimes.lock: wasmtime 1.0 " + digest}; !slices.Equal(said, want) {
		t.Errorf("told %q, want %q", said, want)
	}
}
