package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// TestOneValue changes one value in one row of a trace and replays the figure
// from it: status 4, and the first byte that differs.
func TestOneValue(t *testing.T) {
	dir := newWorkspace(t, `
name: changed
workloads: [hello]
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 6}}
figures:
  - {name: times, func: Times, source: `+abs(t, filepath.Join("testdata", "figures"))+`, columns: [runtime, outcome, detail, wall_ns], formats: [svg, png]}
`)
	mustAssay(t, dir, "run", "experiment.yaml")
	archived := []byte(mustAssay(t, dir, "traces", "export", "changed", "--format", "parquet"))
	replay := func(change func([]assay.Sample)) (status int, out string) {
		t.Helper()
		tr, err := trace.Open(bytes.NewReader(archived), int64(len(archived)))
		if err != nil {
			t.Fatal(err)
		}
		var samples []assay.Sample
		for s, err := range tr.Samples() {
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, s)
		}
		change(samples)
		var b bytes.Buffer
		if err := trace.Write(&b, tr.Meta(), slices.Values(samples)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "changed.parquet")
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := assayIn(t, dir, "replay", "times", "--trace", file, "--out", filepath.Join(t.TempDir(), "out"))
		text, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(text)
	}
	if status, out := replay(func([]assay.Sample) {}); status != 0 {
		t.Errorf("the same samples: status %d\n%s", status, out)
	}
	status, out := replay(func(s []assay.Sample) {
		last := slices.IndexFunc(s, func(x assay.Sample) bool { return x.Block == 5 && x.Phase == assay.Process })
		*s[last].WallNS += 1_000_000
	})
	if status != 4 || !regexp.MustCompile(`times svg: DIFFERS at byte \d+: sha256:`).MatchString(out) {
		t.Errorf("one value changed: status %d, want 4 and the first byte that differs\n%s", status, out)
	}
}
