package disk_test

import (
	"os"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// TestFormat opens a store of the first format, as it was written then and came
// through git: without hidden files, and writable. It must open for ever.
func TestFormat(t *testing.T) {
	b, err := disk.Open("testdata/v1")
	if err != nil {
		t.Fatal(err)
	}
	wantFirstFormat(t, artifacts.New(b))

	// A copy of it is a store that can be written.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, dir)
	d, err := s.PutBytes(t.Context(), []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/new", d); err != nil {
		t.Error(err)
	}
	if report, err := s.GC(t.Context(), artifacts.GCOptions{Children: artifactstest.Children(s)}); err != nil || report.Kept != 5 {
		t.Errorf("gc = %+v, %v, want 5 blobs kept", report, err)
	}
}

func wantFirstFormat(t *testing.T, s *artifacts.Store) {
	t.Helper()
	report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true, Children: artifactstest.Children(s)})
	if err != nil || report.Blobs != 4 || report.Bytes != 200 || report.Refs != 2 || len(report.Problems) != 0 {
		t.Errorf("check = %+v, %v, want 4 blobs of 200 bytes, 2 references and no problem", report, err)
	}
	for name, want := range map[string]string{
		"workloads/a%2fb/x": "kept in the first format of the store\n",
		"runs/20261125T235200Z-000001": "names\n" + assay.DigestOf(nil).String() + "\n" +
			assay.DigestOf([]byte("kept in the first format of the store\n")).String() + "\n",
	} {
		d, err := s.Ref(t.Context(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := s.ReadAll(t.Context(), d, 1000); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
}
