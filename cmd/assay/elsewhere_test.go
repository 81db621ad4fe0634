package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestReplayElsewhere replays a figure in other circumstances than those it
// was drawn in: the bytes are the same.
func TestReplayElsewhere(t *testing.T) {
	dir := newWorkspace(t, `
name: elsewhere
workloads: [hello]
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 6}}
figures:
  - name: times
    func: Times
    source: `+abs(t, filepath.Join("testdata", "figures"))+`
    columns: [runtime, outcome, detail, wall_ns]
    formats: [svg, png, pdf]
`)
	mustAssay(t, dir, "run", "experiment.yaml")
	want := readLock(t, dir).Figures["times"].Outputs
	if err := os.RemoveAll(filepath.Join(dir, "figures")); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "another place, with Ünicode")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	v3 := filepath.Join(t.TempDir(), "assay-v3")
	build := exec.Command("go", "build", "-o", v3, ".")
	build.Env = append(os.Environ(), "GOAMD64=v3", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for GOAMD64=v3: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name string
		env  []string
		argv []string
		need string
	}{
		{"time zone and locale", []string{"TZ=Asia/Kathmandu", "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8"}, []string{"assay"}, ""},
		{"one thread", []string{"GOMAXPROCS=1"}, []string{"assay"}, ""},
		{"built for GOAMD64=v3", nil, []string{v3}, ""},
		{"no network", nil, []string{"unshare", "--net", "assay"}, "unshare"},
		{"no go command and an empty cache", []string{"ASSAY_CACHE=" + t.TempDir()}, []string{"env", "PATH=" + only(t, "assay"), "assay"}, ""},
		{"referee", nil, []string{"assay"}, "node"},
		{"interpreter", nil, []string{"assay"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.need != "" {
				needs(t, c.need)
			}
			out := filepath.Join(t.TempDir(), "out")
			args := append(slices.Clone(c.argv[1:]), "replay", "--all", "--out", out)
			switch c.name {
			case "referee":
				args = append(args, "--referee", "node")
			case "interpreter":
				args = append(args, "--engine", "wazero/interpreter")
			}
			cmd := exec.CommandContext(t.Context(), c.argv[0], args...)
			cmd.Dir = moved
			cmd.Env = append(os.Environ(), c.env...)
			got, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			for format, d := range want {
				if line := "times " + format + ": identical " + d.String(); !strings.Contains(string(got), line) {
					t.Errorf("want %q in\n%s", line, got)
				}
			}
		})
	}
}

// only returns a directory that holds nothing but the named program.
func only(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// needs skips the test if a program is absent, or may not do what it is needed
// for; it fails if ASSAY_REQUIRE names the program.
func needs(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	if err == nil && name == "unshare" {
		err = exec.Command("unshare", "--net", "true").Run()
	}
	if err == nil {
		return
	}
	tooltest.Missing(t, name, err)
}
