package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/pins"
)

// assayIn returns the command line run in dir. "assay" is this test binary.
func assayIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "assay", args...)
	cmd.Dir = dir
	return cmd
}

// mustAssay runs the command line in dir and returns what it printed.
func mustAssay(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := assayIn(t, dir, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("assay %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// newWorkspace makes a workspace with the workload hello and an experiment
// file, and returns its directory.
func newWorkspace(t *testing.T, experiment string) string {
	t.Helper()
	dir := t.TempDir()
	mustAssay(t, dir, "init")
	mustAssay(t, dir, "pin", abs(t, filepath.Join("..", "..", "runners", "runtimes", "contract", "guests", "hello.wasm")))
	if err := os.WriteFile(filepath.Join(dir, "experiment.yaml"), []byte(experiment), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readLock reads a workspace's lock.
func readLock(t *testing.T, dir string) pins.Lock {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, pins.File))
	if err != nil {
		t.Fatal(err)
	}
	var l pins.Lock
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	return l
}
