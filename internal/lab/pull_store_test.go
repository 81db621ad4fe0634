package lab

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
)

// TestOpenCloneHalfMade opens clones in which a pull was killed while it made
// the workspace.
func TestOpenCloneHalfMade(t *testing.T) {
	for _, made := range []string{"", "runs", "store", "store/blobs/sha256"} {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, pins.File), []byte(`{"format":"assay.lock.v1"}`), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, settings.Folder, filepath.FromSlash(made)), 0o777); err != nil {
			t.Fatal(err)
		}
		w, err := OpenClone(t.Context(), root)
		if err != nil {
			t.Errorf(".assay/%s: %v", made, err)
			continue
		}
		if _, err := w.Runs(t.Context(), RunFilter{}); err != nil {
			t.Errorf(".assay/%s: %v", made, err)
		}
	}
}
