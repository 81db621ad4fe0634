package runtimes_test

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
	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/runtimes/contract"
	"github.com/assay-notebooks/assay/runners/runtimes/runtimetest"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// start starts a launcher with dir as working directory, with an agent built
// for it.
func start(t *testing.T, dir string) *measure.Launcher {
	t.Helper()
	agent := filepath.Join(t.TempDir(), "assay-agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", agent, "github.com/assay-notebooks/assay/cmd/assay-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, b)
	}
	launcher, err := measure.Start(agent, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { launcher.Close() })
	return launcher
}

// cache returns the directory that "assay runtimes install" installs into.
func cache(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("ASSAY_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "assay")
}

// options finds what is installed, with the package that v8 loads.
func options(t *testing.T) toolbox.Options {
	t.Helper()
	o := toolbox.Options{Cache: cache(t), Packages: map[string]string{}}
	switch node, err := nodewasi.Dir(t.Context(), o.Cache); {
	case err == nil:
		o.Packages["@bjorn3/browser_wasi_shim"] = filepath.Join(node, nodewasi.Shim)
	case !errors.Is(err, nodewasi.ErrNoNPM):
		t.Fatal(err)
	}
	return o
}

// judged runs the command of p, and names its outcome.
func judged(t *testing.T, launcher *measure.Launcher, p runners.Plan) (assay.Outcome, measure.Result) {
	t.Helper()
	judge, err := measure.NewJudge(assay.Expectation{}, p.Signs)
	if err != nil {
		t.Fatal(err)
	}
	res, err := launcher.Run(t.Context(), p.Command, limits)
	if err != nil {
		t.Fatal(err)
	}
	return judge.Outcome(res), res
}

func TestRuntimes(t *testing.T) {
	dir := t.TempDir()
	launcher := start(t, dir)
	o := options(t)
	for _, r := range runtimes.All {
		t.Run(r.Name(), func(t *testing.T) {
			found, err := toolbox.Locate(t.Context(), r, o)
			if err != nil {
				t.Fatal(err)
			}
			runtimetest.Test(t, r, runtimetest.Host{Host: contract.Host{Launcher: launcher, Dir: dir, Image: contract.ShellImage(filepath.Join(dir, "image"))}, Found: found})
		})
	}
}

// TestV8WithoutItsFiles takes away what assay brings for v8: that no guest has
// begun must show.
func TestV8WithoutItsFiles(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		tooltest.Missing(t, "v8", err)
	}
	launcher, there, gone := start(t, t.TempDir()), filepath.Join(t.TempDir(), "v8.mjs"), filepath.Join(t.TempDir(), "gone.mjs")
	if err := os.WriteFile(there, runtimes.V8.Tool().Script.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]assay.File{
		"no script":  {{Path: gone}, {Path: there}},
		"no package": {{Path: there}, {Path: gone}},
	} {
		p, err := runtimes.V8.Plan(runners.Invocation{Tool: assay.RuntimeVersion{Path: node, Files: files}, Module: gone})
		if err != nil {
			t.Fatal(err)
		}
		if got, res := judged(t, launcher, p); got != assay.RuntimeCrash {
			t.Errorf("%s: outcome %s, exit %d, want %s\nstderr %s", name, got, res.Exit, assay.RuntimeCrash, res.StderrTail)
		}
	}
}

// A WasmEdge whose options are spelled otherwise is not taken for the one that
// is known.
func TestWasmEdgeOfAnotherSeries(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "wasmedge"), []byte("#!/bin/sh\necho wasmedge version 0.17.1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	found, err := toolbox.Locate(t.Context(), runtimes.WasmEdge, toolbox.Options{Cache: t.TempDir()})
	if err != nil || !strings.Contains(found.Absent, "version 0.17.1") || !strings.Contains(found.Absent, "assay runtimes install wasmedge") {
		t.Errorf("wasmedge 0.17.1: absent because %q, %v; want its version, and what gets one that is known", found.Absent, err)
	}
}

// TestCounts has a guest execute a loop of 18 instructions once more, and once
// more: a unit of fuel is not quite one.
func TestCounts(t *testing.T) {
	guest, err := filepath.Abs("contract/guests/exit.wasm") // a turn for each digit
	if err != nil {
		t.Fatal(err)
	}
	launcher := start(t, t.TempDir())
	for turn, r := range map[int64]runners.CLI{18: runtimes.WasmEdge, 19: runtimes.Wasmi} {
		t.Run(r.Name(), func(t *testing.T) {
			found := here(t, r)
			var counts []int64
			for _, digits := range []string{"0", "00", "000", "0000"} {
				p, err := r.PlanCount(runners.Invocation{Tool: found, Module: guest, Args: []string{digits}})
				if err != nil {
					t.Fatal(err)
				}
				res, err := launcher.Run(t.Context(), p.Command, limits)
				if err != nil {
					t.Fatal(err)
				}
				n, err := measure.ReadCount(p.Command.Counted, res.StdoutTail)
				if err != nil || res.Exit != 0 || res.Stdout != assay.DigestOf(nil) {
					t.Fatalf("%s: %v, exit %d, stdout with more than what it says itself: %q", digits, err, res.Exit, res.StdoutTail)
				}
				counts = append(counts, n)
			}
			for i := range counts[1:] {
				if got := counts[i+1] - counts[i]; got != turn {
					t.Errorf("counts %d: a turn of the loop has %d, want %d", counts, got, turn)
				}
			}
		})
	}
}

// What an installed assay builds is what tools/wazero pins.
func TestWazeroModule(t *testing.T) {
	build := runtimes.Wazero.Tool().Build
	for name, got := range map[string][]byte{"go.mod": build.Mod, "go.sum": build.Sum} {
		want, err := os.ReadFile("../../tools/wazero/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("wazero%s differs from tools/wazero/%s: copy that here", filepath.Ext(name), name)
		}
	}
	if !bytes.Contains(build.Mod, []byte("github.com/tetratelabs/wazero "+build.Version)) {
		t.Errorf("wazero.mod does not require version %s", build.Version)
	}
}

func TestFind(t *testing.T) {
	var names []string
	for _, r := range runtimes.All {
		names = append(names, r.Name())
		if got, err := runtimes.Find(r.Name()); err != nil || got.Name() != r.Name() {
			t.Errorf("Find(%q) = %v, %v", r.Name(), got, err)
		}
	}
	want := `no runtime "wasmtine": there are ` + strings.Join(names, ", ")
	if _, err := runtimes.Find("wasmtine"); err == nil || err.Error() != want {
		t.Errorf("Find(wasmtine): error %v, want %s", err, want)
	}
	if !slices.IsSorted(names) {
		t.Errorf("All is not in alphabetical order: %q", names)
	}
}
