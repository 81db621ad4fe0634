package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/runners/install"
)

// TestUsePinned has a host with what is pinned, with another library, another
// loader and nothing: the pinned bits are used wherever the host's differ, and
// either way the record names the artifact that has what was used.
func TestUsePinned(t *testing.T) {
	t.Setenv("ASSAY_CACHE", t.TempDir())
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	host := t.TempDir()
	file := func(name, text string) assay.File {
		path := filepath.Join(host, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return assay.File{Path: path, Digest: assay.DigestOf([]byte(text))}
	}
	program, library := file("wasmedge", "program"), file("lib.so", "engine")
	pinned := assay.RuntimeVersion{Name: "wasmedge", Path: program.Path, Digest: program.Digest, Files: []assay.File{library}}
	p, err := w.keepRuntime(t.Context(), pinned)
	if err != nil {
		t.Fatal(err)
	}
	pin := func(d assay.Digest) {
		if err := w.updateLock(t.Context(), func(l *Lock) { l.Pinned["wasmedge"] = d }); err != nil {
			t.Fatal(err)
		}
	}
	use := func(found assay.RuntimeVersion) assay.RuntimeVersion {
		tools := []tool{{found: found}}
		if err := w.usePinned(t.Context(), tools); err != nil {
			t.Fatal(err)
		}
		return tools[0].found
	}
	pin(p.Manifest)
	if got := use(pinned); got.Path != program.Path || got.Pinned != p.Manifest {
		t.Errorf("what is pinned: %+v, want it where it is, and %v", got, p.Manifest)
	}
	otherLibrary, otherLoader := pinned, pinned
	otherLibrary.Files = []assay.File{{Path: library.Path, Digest: assay.DigestOf([]byte("another engine"))}}
	otherLoader.Loader = []string{"/lib/ld.so"}
	for name, found := range map[string]assay.RuntimeVersion{
		"another library": otherLibrary, "another loader": otherLoader, "nothing": {Name: "wasmedge", Absent: "not found"},
	} {
		got := use(found)
		if len(got.Files) != 1 || got.Pinned != p.Manifest || !strings.HasPrefix(got.Origin, "pinned; ") {
			t.Errorf("%s: %+v, want what is pinned", name, got)
			continue
		}
		if b, err := os.ReadFile(got.Files[0].Path); string(b) != "engine" {
			t.Errorf("%s: library %q, %v, want the pinned one", name, b, err)
		}
	}

	p.Platform, p.Manifest = "plan9/mips", assay.Digest{}
	record, err := canonical.JSON(p)
	if err != nil {
		t.Fatal(err)
	}
	a := oci.Artifact{Type: runtimeType}
	for name, b := range map[string][]byte{runtimeFile: record, p.Path: []byte("program"), p.Files[0].Path: []byte("engine")} {
		kind := runtimeFileType
		if name == runtimeFile {
			kind = runtimeType
		}
		if err := w.addLayer(t.Context(), &a, name, kind, b); err != nil {
			t.Fatal(err)
		}
	}
	d, err := oci.PutArtifact(t.Context(), w.Store, a)
	if err != nil {
		t.Fatal(err)
	}
	pin(d.Digest)
	const say = "; what assay.lock pins of it is for plan9/mips"
	if got := use(pinned); got.Origin != say || !got.Pinned.IsZero() {
		t.Errorf("pinned for another platform, on %s: %+v, want the host's, and that", install.Platform, got)
	}
	if got := use(assay.RuntimeVersion{Name: "wasmedge", Absent: "not found"}); got.Absent != "not found"+say {
		t.Errorf("pinned for another platform, and absent: %+v", got)
	}
}
