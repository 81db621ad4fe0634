package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
)

// TestPinAgain pins a workload's folder, which is built, and again: what has
// been built from a source is found, and only that.
func TestPinAgain(t *testing.T) {
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../images/workloads/noop")); err != nil {
		t.Fatal(err)
	}
	pin := func() assay.Digest {
		t.Helper()
		wl, err := w.Pin(t.Context(), dir, PinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return wl.Manifest
	}
	notes := func() int {
		t.Helper()
		all, err := filepath.Glob(w.path(builtDir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	main := filepath.Join(dir, "main.go")
	source, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(main, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	first := pin()
	if got := pin(); got != first || notes() != 1 {
		t.Errorf("again: %v and %d notes, want %v and 1", got, notes(), first)
	}
	write(append(source, "\n// changed\n"...))
	if got := pin(); got == first || notes() != 2 {
		t.Errorf("changed: %v and %d notes, want another digest and 2", got, notes())
	}
	write(source)
	if got := pin(); got != first || notes() != 2 {
		t.Errorf("changed back: %v and %d notes, want %v and 2", got, notes(), first)
	}
	lock, err := w.Lock()
	if err != nil || lock.Workloads["noop"] != first {
		t.Errorf("assay.lock: %v, %v, want noop to be %v", lock.Workloads, err, first)
	}
	// A note of what the archive has lost is of no use.
	if err := os.RemoveAll(w.path(storeDir)); err != nil {
		t.Fatal(err)
	}
	if w, err = Init(t.Context(), w.Root); err != nil {
		t.Fatal(err)
	}
	if got := pin(); got != first {
		t.Errorf("after the archive was lost: %v, want %v", got, first)
	}
}

// TestPinKept pins a workload while the lock is kept: it is what it would be,
// and nothing refers to it.
func TestPinKept(t *testing.T) {
	t.Setenv("ASSAY_LOCK", "keep")
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const hello = "../../runners/runtimes/contract/guests/hello.wasm"
	wl, err := w.Pin(t.Context(), hello, PinOptions{})
	if err != nil || wl.Name != "hello" || wl.Manifest.IsZero() {
		t.Fatalf("Pin = %+v, %v, want the workload hello", wl, err)
	}
	if lock, err := w.Lock(); err != nil || len(lock.Workloads) > 0 {
		t.Errorf("lock %+v, %v, want no workloads", lock, err)
	}
	if d, err := w.Store.Ref(t.Context(), "workloads/hello"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reference to %v, %v, want none", d, err)
	}
	t.Setenv("ASSAY_LOCK", "none")
	if _, err := Open(t.Context(), w.Root); !errors.Is(err, failure.ErrUsage) {
		t.Errorf("ASSAY_LOCK=none: %v, want failure.ErrUsage", err)
	}
}

// TestPinMoved pins a tag that moves to a workload of another name: from then on
// it means that one. A lock that has it for both means the first.
func TestPinMoved(t *testing.T) {
	host, there, here := registryFor(t), initWorkspace(t), initWorkspace(t)
	tagged := host + "/workload:v1"
	var names []string
	for range 2 {
		file := filepath.Join(t.TempDir(), string(rune('z'-len(names)))+".wasm")
		if err := os.WriteFile(file, hello(t), 0o666); err != nil {
			t.Fatal(err)
		}
		wl, err := there.Pin(t.Context(), file, PinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, wl.Name)
		if _, err := there.Push(t.Context(), wl.Name, tagged, PushOptions{PlainHTTP: true}); err != nil {
			t.Fatal(err)
		}
		if got, err := here.Pin(t.Context(), tagged, PinOptions{PlainHTTP: true}); err != nil || got.Manifest != wl.Manifest {
			t.Fatalf("Pin = %+v, %v, want %v", got, err, wl.Manifest)
		}
		if got, err := here.PinOnce(t.Context(), tagged); err != nil || got.Manifest != wl.Manifest {
			t.Errorf("PinOnce = %+v, %v, want %v", got, err, wl.Manifest)
		}
	}
	if err := here.updateLock(t.Context(), func(l *pins.Lock) { l.Origins[names[0]] = l.Origins[names[1]] }); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got, err := here.PinOnce(t.Context(), tagged); err != nil || got.Name != names[1] {
			t.Fatalf("PinOnce = %+v, %v, want %s", got, err, names[1])
		}
	}
}
