package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/executors"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

func TestMain(m *testing.M) {
	if status, isWorker := lab.Work(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); isWorker {
		os.Exit(status)
	}
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScript runs testdata/script. In a script $WASM is the folder of the
// runtimes' test modules, $FIGURES that of a figure's Go package and $REPO this
// repository. The cache is the user's own, so that tools are built once.
func TestScript(t *testing.T) { runScripts(t, "script") }

// runScripts runs the scripts in a folder of testdata.
func runScripts(t *testing.T, folder string) {
	t.Helper()
	if _, err := executors.AgentBinary("linux", "amd64"); err != nil {
		t.Fatal(err)
	}
	if err := buildRegistry(); err != nil {
		t.Fatal(err)
	}
	wasm := abs(t, filepath.Join("..", "..", "runners", "runtimes", "contract", "guests"))
	figures := abs(t, filepath.Join("testdata", "figures"))
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(dir, "assay")
	}
	inherit := map[string]string{"ASSAY_CACHE": cache, "WASM": wasm, "FIGURES": figures, "REPO": abs(t, filepath.Join("..", ".."))}
	for _, k := range []string{"PYTHON", "SHARED"} {
		if v := os.Getenv(k); v != "" {
			inherit[k] = v
		}
	}
	for _, k := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY"} {
		out, err := exec.Command("go", "env", k).Output()
		if err != nil {
			t.Fatal(err)
		}
		inherit[k] = strings.TrimSpace(string(out))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", folder),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for k, v := range inherit {
				e.Setenv(k, v)
			}
			return nil
		},
		Condition: func(condition string) (bool, error) { return here(t.Context(), cache, condition) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "flip": flip, "edit": edit, "truncate": truncate, "notebook": writeNotebook, "validate": validate, "registry": serveTo,
		},
	})
}

// here is the condition runtime:NAME: whether this host has it, or must.
func here(ctx context.Context, cache, condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "runtime:")
	if !ok {
		return false, errors.New("want runtime:NAME")
	}
	r, err := runtimes.Find(name)
	if err != nil || tooltest.Required(name) {
		return true, err
	}
	found, err := toolbox.Locate(ctx, r, toolbox.Options{Cache: cache})
	return found.Absent == "", err
}

func abs(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// status runs a program and checks its exit status: status 5 assay store check
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE PROGRAM [ARG]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// flip inverts a bit in the middle of the blob that assay.lock gives as KEY
// (the first digest after it): flip WORKSPACE KEY
func flip(ts *testscript.TestScript, _ bool, args []string) {
	lock := ts.ReadFile(filepath.Join(args[0], "assay.lock"))
	_, after, ok := strings.Cut(lock, args[1])
	if !ok {
		ts.Fatalf("assay.lock has no %s", args[1])
	}
	_, after, _ = strings.Cut(after, "sha256:")
	path := ts.MkAbs(filepath.Join(args[0], ".assay", "store", "blobs", "sha256", after[:64]))
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.Chmod(path, 0o600))
	ts.Check(os.WriteFile(path, b, 0o600))
}

// edit replaces the first OLD in FILE by NEW: edit FILE OLD NEW
func edit(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	if !bytes.Contains(b, []byte(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Replace(b, []byte(args[1]), []byte(args[2]), 1), 0o666))
}

// truncate cuts FILE in half: truncate FILE
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	st, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, st.Size()/2))
}

// serveTo starts a team registry and sets $REGISTRY to its host and port; with
// a file of users and hashes, one that wants them: registry [HTPASSWD]
func serveTo(ts *testscript.TestScript, _ bool, args []string) {
	flags := []string{"--dir", ts.MkAbs("registry")}
	if len(args) > 0 {
		flags = append(flags, "--htpasswd", ts.MkAbs(args[0]))
	}
	url, server, err := startRegistry(context.Background(), flags...)
	ts.Check(err)
	ts.Defer(func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
	})
	ts.Setenv("REGISTRY", strings.TrimPrefix(url, "http://"))
}
