package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestVerdictsAreDiscovered has oras find the verdict on a run of a workload that
// was pushed.
func TestVerdictsAreDiscovered(t *testing.T) {
	oras := tooltest.Built(t, "oras")
	dir := newWorkspace(t, `
name: hello
workloads: [hello]
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 6}}
`)
	mustAssay(t, dir, "run", "experiment.yaml")
	claims := "claims: [{id: quick}]\nchecks: {quick: {metric: wall_ns, comparator: '<=', value: 60, unit: s}}\n"
	if err := os.WriteFile(filepath.Join(dir, "claims.yaml"), []byte(claims), 0o666); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "claims", "check", "quick", "--against", "hello")
	url, server, err := startRegistry(t.Context(), "--dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
	})
	repo := strings.TrimPrefix(url, "http://") + "/team/hello:v1"
	mustAssay(t, dir, "push", "hello", repo, "--plain-http")
	out, err := exec.CommandContext(t.Context(), oras, "discover", "--plain-http", repo).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "application/vnd.assay.claim.v1+json") {
		t.Errorf("oras discover: %v\n%s", err, out)
	}
}
