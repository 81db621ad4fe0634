package disk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// TestVolume commits a batch that is large enough to be synced with all of the
// file system, with a power cut at each of its operations, and with an error of
// each.
func TestVolume(t *testing.T) {
	const blobs = 40
	commit := func(f *artifactstest.Faults) (*model, error) {
		m := newModel()
		b, err := disk.CreateFiles(faultyFiles{m, f}, "/store")
		if err != nil {
			return m, err
		}
		batch := artifacts.New(b).Batch()
		for n := range blobs {
			if _, _, err := batch.Put(t.Context(), strings.NewReader(strings.Repeat("x", n))); err != nil {
				return m, errors.Join(err, batch.Discard())
			}
		}
		return m, batch.Commit(t.Context())
	}
	var none artifactstest.Faults
	if _, err := commit(&none); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, fault := range []artifactstest.Fault{artifactstest.IO, artifactstest.PowerCut} {
		for at := range none.Calls() {
			m, err := commit(&artifactstest.Faults{At: at + 1, Fault: fault})
			if err != nil {
				continue
			}
			kept++
			m.root.powerCut(true)
			b, err := disk.OpenFiles(m, "/store")
			if err != nil {
				t.Fatal(err)
			}
			for n := range blobs {
				if _, err := artifacts.New(b).ReadAll(t.Context(), assay.DigestOf([]byte(strings.Repeat("x", n))), blobs); err != nil {
					t.Fatalf("with %s at operation %d, after a power cut: %v", fault, at+1, err)
				}
			}
		}
	}
	if kept == 0 {
		t.Error("no batch outlived an error; one whose volume cannot be synced is to sync each file")
	}
}
