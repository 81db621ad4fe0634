package seal

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// kept are modules by digest.
type kept map[assay.Digest][]byte

func (k kept) ReadAll(_ context.Context, d assay.Digest, _ int64) ([]byte, error) {
	if b, ok := k[d]; ok {
		return b, nil
	}
	return nil, fs.ErrNotExist
}

// TestBuildRecalls seals a function again with a go command that says what it is
// and does nothing else: with the module at hand, and without.
func TestBuildRecalls(t *testing.T) {
	o := Options{Dir: example, Func: "ColdStart", Cache: cacheDir}
	want := build(t, o.Dir, o.Func)
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	shim := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = env ] && exec '%s' \"$@\"\necho \"this go does not $1\" >&2\nexit 1\n", real)
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(shim), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))

	modules := kept{want.Seal.Module: want.Module}
	got, err := Build(t.Context(), o, modules)
	if err != nil {
		t.Fatal(err)
	}
	if got.Seal.Module != want.Seal.Module || got.Seal.Source != want.Seal.Source || string(got.Module) != string(want.Module) {
		t.Errorf("recalled %+v, want %+v", got.Seal, want.Seal)
	}
	if _, err := Build(t.Context(), o, kept{}); err == nil || !strings.Contains(err.Error(), "this go does not build") {
		t.Errorf("without the module: error %v, want a build", err)
	}
	o.Dir = program(t, strings.Replace(exampleSource(t), "func ColdStart(", "// An edit.\nfunc ColdStart(", 1))
	if _, err := Build(t.Context(), o, modules); err == nil || !strings.Contains(err.Error(), "this go does not build") {
		t.Errorf("of another source: error %v, want a build", err)
	}
}
