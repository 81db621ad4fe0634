package lab

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
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
		if err := w.updateLock(t.Context(), func(l *pins.Lock) { l.Pinned["wasmedge"] = d }); err != nil {
			t.Fatal(err)
		}
	}
	use := func(found assay.RuntimeVersion) assay.RuntimeVersion {
		tools := []hosts.Tool{{Runtime: runtimes.WasmEdge, Found: found}}
		if err := w.usePinned(t.Context(), tools); err != nil {
			t.Fatal(err)
		}
		return tools[0].Found
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
	pin(putPinned(t, w, p, map[string]string{p.Path: "program", p.Files[0].Path: "engine"}))
	const say = "; what assay.lock pins of it is for plan9/mips"
	if got := use(pinned); got.Origin != say || !got.Pinned.IsZero() {
		t.Errorf("pinned for another platform, on %s: %+v, want the host's, and that", install.Platform, got)
	}
	if got := use(assay.RuntimeVersion{Name: "wasmedge", Absent: "not found"}); got.Absent != "not found"+say {
		t.Errorf("pinned for another platform, and absent: %+v", got)
	}
}

// putPinned archives what another assay pinned.
func putPinned(t *testing.T, w *Workspace, p PinnedRuntime, files map[string]string) assay.Digest {
	t.Helper()
	record, err := canonical.JSON(p)
	if err != nil {
		t.Fatal(err)
	}
	a := oci.Artifact{Type: runtimeType}
	err = w.addLayer(t.Context(), &a, runtimeFile, runtimeType, record)
	for name, text := range files {
		err = errors.Join(err, w.addLayer(t.Context(), &a, name, runtimeFileType, []byte(text)))
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := oci.PutArtifact(t.Context(), w.Store, a)
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest
}

// TestPinnedPackage pins V8 and executes it from the archive on a host that has
// neither its script nor the package that this imports, by a Node that does not
// guess which files are modules: before 20.19 it does not.
func TestPinnedPackage(t *testing.T) {
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here, err := w.programs().Locate(t.Context(), []string{"v8"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if why := here[0].Found.Absent; why != "" {
		tooltest.Missing(t, "v8", errors.New(why))
	}
	if _, err := w.PinRuntime(t.Context(), "v8"); err != nil {
		t.Fatal(err)
	}
	w.Config.Cache = t.TempDir()
	tools := []hosts.Tool{{Runtime: runtimes.V8, Found: assay.RuntimeVersion{Name: "v8", Absent: "not found"}}}
	if err := w.usePinned(t.Context(), tools); err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(t.TempDir(), "noop.wasm")
	const noop = "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
		"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00\x0a\x04\x01\x02\x00\x0b"
	if err := os.WriteFile(module, []byte(noop), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := runtimes.V8.Plan(runners.Invocation{Tool: tools[0].Found, Module: module})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), plan.Command.Argv[0], plan.Command.Argv[1:]...)
	cmd.Env = []string{"NODE_OPTIONS=--no-experimental-detect-module"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%q: %v: %s", cmd.Args, err, out)
	}
}

// TestUsePinnedLibraries pins a program of this host's libraries: they are not
// pinned with it, and are those of the host that executes it, if that has them.
func TestUsePinnedLibraries(t *testing.T) {
	t.Setenv("ASSAY_CACHE", t.TempDir())
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ library, absent string }{
		{"libc.so.6\x00", ""},
		{"libx.so.6\x00", "libx.so.6: cannot open shared object file"},
	} {
		b := bytes.ReplaceAll(shell, []byte("libc.so.6\x00"), []byte(c.library))
		program := filepath.Join(t.TempDir(), "wasm3")
		if err := os.WriteFile(program, b, 0o755); err != nil {
			t.Fatal(err)
		}
		here := []assay.File{{Path: "/lib/here.so", Digest: assay.DigestOf(nil)}}
		p, err := w.keepRuntime(t.Context(), assay.RuntimeVersion{Name: "wasm3", Path: program, Digest: assay.DigestOf(b), Libraries: here})
		if err != nil || len(p.Libraries) > 0 {
			t.Fatalf("pinned with libraries %v, %v", p.Libraries, err)
		}
		if err := w.updateLock(t.Context(), func(l *pins.Lock) { l.Pinned["wasm3"] = p.Manifest }); err != nil {
			t.Fatal(err)
		}
		tools := []hosts.Tool{{Runtime: runtimes.Wasm3, Found: assay.RuntimeVersion{Name: "wasm3", Absent: "not found"}}}
		if err := w.usePinned(t.Context(), tools); err != nil {
			t.Fatal(err)
		}
		got := tools[0].Found
		if (got.Absent == "") != (c.absent == "") || !strings.Contains(got.Absent, c.absent) || (got.Absent == "") != (len(got.Libraries) > 1) {
			t.Errorf("what loads %q is used as %+v; want absent %q, or with the libraries of this host", c.library, got, c.absent)
		}
	}
}

// TestUsePinnedHybrid uses crun as it was pinned where control groups are of
// both versions, and where they are not: it is started as this host wants it.
func TestUsePinnedHybrid(t *testing.T) {
	t.Setenv("ASSAY_CACHE", t.TempDir())
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "crun")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	crun, plain := runtimes.Crun.Tool(), []string{"/lib/ld.so"}
	here := toolbox.OnThisHost(crun, assay.RuntimeVersion{Name: "crun", Path: program, Digest: assay.DigestOf(nil), Loader: plain})
	p, err := w.keepRuntime(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Loader, plain) {
		t.Errorf("its record says that it is started by %q, want %q", p.Loader, plain)
	}
	earlier := p
	earlier.Loader, earlier.Manifest = here.Loader, assay.Digest{}
	for name, d := range map[string]assay.Digest{"now": p.Manifest, "earlier": putPinned(t, w, earlier, map[string]string{p.Path: ""})} {
		if err := w.updateLock(t.Context(), func(l *pins.Lock) { l.Pinned["crun"] = d }); err != nil {
			t.Fatal(err)
		}
		tools := []hosts.Tool{{Runtime: runtimes.Crun, Found: assay.RuntimeVersion{Name: "crun", Absent: "not found"}}}
		if err := w.usePinned(t.Context(), tools); err != nil {
			t.Fatal(err)
		}
		if got := tools[0].Found.Loader; !slices.Equal(got, here.Loader) {
			t.Errorf("pinned %s: started by %q, want %q", name, got, here.Loader)
		}
	}
}
