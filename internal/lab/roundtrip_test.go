package lab_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/images"
)

// pin builds the workload in dir and stores it.
func pin(t *testing.T, store *artifacts.Store, dir string) assay.Workload {
	t.Helper()
	b, err := images.Build(t.Context(), dir, images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := oci.WorkloadFiles{
		Name: b.Name, Args: b.Args, Env: b.Env, Stdin: b.Stdin, Expect: b.Expect, Steady: b.Steady,
		Module: b.Module, Variants: b.Variants, Native: b.Native, Images: map[string]oci.Image{}, Source: b.Source, Facts: b.Facts,
	}
	for p, c := range b.Images {
		f.Images[p] = oci.Image(c)
	}
	w, err := oci.PutWorkload(t.Context(), store, f)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func open(t *testing.T, dir string) *artifacts.Store {
	t.Helper()
	backend, err := disk.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts.New(backend)
}

// TestPinOutlivesSourceAndStore exports a workload, deletes its source and
// the store, imports it by digest alone, and runs it to the same output.
func TestPinOutlivesSourceAndStore(t *testing.T) {
	tmp := t.TempDir()
	source, stored, layout := filepath.Join(tmp, "source"), filepath.Join(tmp, "store"), filepath.Join(tmp, "layout")
	if err := os.CopyFS(source, os.DirFS("../../images/workloads/matmul")); err != nil {
		t.Fatal(err)
	}
	store := open(t, stored)
	want := pin(t, store, source)
	if again := pin(t, store, "../../images/workloads/matmul"); !reflect.DeepEqual(again, want) {
		t.Errorf("pinned from another path: got %+v, want %+v", again, want)
	}
	if err := oci.ExportLayout(t.Context(), store, []oci.Root{{Digest: want.Manifest, Name: want.Name}}, layout); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{source, stored} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}

	store = open(t, filepath.Join(tmp, "new store"))
	d, err := oci.ImportLayout(t.Context(), store, layout, want.Manifest.String())
	if err != nil {
		t.Fatal(err)
	}
	got, err := oci.Workload(t.Context(), store, d)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("imported %+v, %v, want %+v", got, err, want)
	}
	if out := runWasm(t, read(t, store, got.Module)); assay.DigestOf(out) != want.Expect.Stdout {
		t.Errorf("the imported module prints %q", out)
	}
	if native, ok := got.Native[runtime.GOOS+"/"+runtime.GOARCH]; ok {
		if out := runNative(t, read(t, store, native)); assay.DigestOf(out) != want.Expect.Stdout {
			t.Errorf("the imported executable prints %q", out)
		}
	}
	source = filepath.Join(tmp, "restored")
	if err := unpack(t, read(t, store, digest(t, got.Source["digest"])), source); err != nil {
		t.Fatal(err)
	}
	if again := pin(t, store, source); !reflect.DeepEqual(again, want) {
		t.Errorf("built from the archived source: got %+v, want %+v", again, want)
	}
}

func digest(t *testing.T, s string) assay.Digest {
	t.Helper()
	d, err := assay.ParseDigest(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func read(t *testing.T, store *artifacts.Store, d assay.Digest) []byte {
	t.Helper()
	rc, err := store.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unpack has the system's tar lay out an archived source.
func unpack(t *testing.T, archive []byte, dir string) error {
	t.Helper()
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	cmd := exec.CommandContext(t.Context(), "tar", "-x", "-C", dir)
	cmd.Stdin = bytes.NewReader(archive)
	return cmd.Run()
}

func runNative(t *testing.T, executable []byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "workload")
	if err := os.WriteFile(path, executable, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func runWasm(t *testing.T, module []byte) []byte {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out bytes.Buffer
	_, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStdout(&out).WithArgs("workload"))
	var exit *sys.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 0) {
		t.Fatal(err)
	}
	return out.Bytes()
}
