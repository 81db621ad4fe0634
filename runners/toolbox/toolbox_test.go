package toolbox_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

func TestAbsent(t *testing.T) {
	fakes := t.TempDir()
	program := func(name, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(fakes, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program("old", "echo v18.20.1")
	program("mute", "exit 3")
	program("fine", "echo v20.1.0")
	t.Setenv("PATH", fakes)
	for _, c := range []struct {
		tool runners.Tool
		want string
	}{
		{runtimes.V8.Tool(), `node not found: run "assay runtimes install node", or drop fake from runtimes`},
		{runners.Tool{Bin: "old", Least: 20, Remedy: "update it"}, fakes + "/old is version 18.20.1: update it, or drop fake from runtimes"},
		{runners.Tool{Bin: "mute", Probe: []string{"-v"}, Remedy: "mend it"}, fakes + `/mute -v gives no version (""): mend it, or drop fake from runtimes`},
		{runners.Tool{Bin: "fine", Module: "p", Remedy: "install p"}, "p not installed: install p, or drop fake from runtimes"},
		{runtimes.Wazero.Tool(), "go not found, which builds wazero: install Go 1.26 or later and let it download once, or drop fake from runtimes"},
	} {
		got, err := toolbox.Locate(t.Context(), runners.CLI{ID: "fake", Program: c.tool}, toolbox.Options{Cache: t.TempDir()})
		if err != nil || got.Absent != c.want || got.Name != "fake" || got.Path != "" {
			t.Errorf("Locate(%q) = %+v, %v; want absent: %s", c.tool.Bin, got, err, c.want)
		}
	}
}

// TestLocateAll: of two runtimes that are one program it is started once, and
// each has its own name, also in why it is absent.
func TestLocateAll(t *testing.T) {
	fakes := t.TempDir()
	started := filepath.Join(fakes, "started")
	if err := os.WriteFile(filepath.Join(fakes, "one"), []byte("#!/bin/sh\necho x >>"+started+"\necho v1.2.3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", fakes)
	one, none := runners.Tool{Bin: "one"}, runners.Tool{Bin: "none", Remedy: "make it"}
	got, err := toolbox.LocateAll(t.Context(), []runners.Runtime{
		runners.CLI{ID: "a", Program: one}, runners.CLI{ID: "b", Program: none}, runners.CLI{ID: "c", Program: one}, runners.CLI{ID: "d", Program: none},
	}, toolbox.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []assay.RuntimeVersion{
		{Name: "a", Version: "1.2.3"}, {Name: "b", Absent: "none not found: make it, or drop b from runtimes"},
		{Name: "c", Version: "1.2.3"}, {Name: "d", Absent: "none not found: make it, or drop d from runtimes"},
	} {
		if g := got[i]; g.Name != want.Name || g.Version != want.Version || g.Absent != want.Absent || g.Digest != got[i%2].Digest {
			t.Errorf("%d: %+v, want %+v", i, g, want)
		}
	}
	if b, err := os.ReadFile(started); err != nil || string(b) != "x\n" {
		t.Errorf("it was started as %q says, %v; want once", b, err)
	}
}

// TestOriginOfOurs: a program of assay's has no version of a module of its own.
func TestOriginOfOurs(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		tooltest.Missing(t, "go", err)
	}
	build := runners.Build{Package: "example.org/ours", Version: "v1.2.3", Mod: []byte("module example.org/ours\ngo 1.26\n"),
		Files: map[string][]byte{"main.go": []byte("package main\nfunc main() { println(\"1.2.3\") }\n")}}
	tool := runners.Tool{Bin: "ours", Build: &build, Remedy: "install Go"}
	got, err := toolbox.Locate(t.Context(), runners.CLI{ID: "ours", Program: tool}, toolbox.Options{Cache: t.TempDir()})
	if want := "go build of assay's example.org/ours, with its engine v1.2.3 and go1."; err != nil || !strings.HasPrefix(got.Origin, want) {
		t.Errorf("Locate = %+v, %v; want origin %q…", got, err, want)
	}
}

func TestCancelledIsNotAbsent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := toolbox.Locate(ctx, runtimes.Wazero, toolbox.Options{Cache: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Locate with a cancelled context: error %v, want context.Canceled", err)
	}
}

// TestBuildEnded ends a build at work: the error is the cause, not what go said
// when it was killed.
func TestBuildEnded(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\ncase $1$2 in env-json) echo {} ;; env*) echo go1.26.0 ;; *) echo began >" + bin + "/began; sleep 600 ;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	want := errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for _, err := os.Stat(filepath.Join(bin, "began")); err != nil && ctx.Err() == nil; _, err = os.Stat(filepath.Join(bin, "began")) {
			time.Sleep(10 * time.Millisecond)
		}
		cancel(want)
	}()
	if path, err := toolbox.Build(ctx, runtimes.Wazero.Tool(), t.TempDir()); err != want {
		t.Errorf("Build = %q, %v; want %v", path, err, want)
	}
}

// TestGoEnv: a proxy that was set with "go env -w" is asked for modules, by
// what builds at the first use and by what installs.
func TestGoEnv(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		tooltest.Missing(t, "go", err)
	}
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	t.Cleanup(proxy.Close)
	settings := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(settings, []byte("GOPROXY="+proxy.URL+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"GOENV": settings, "GOPROXY": "", "GOMODCACHE": t.TempDir()} {
		t.Setenv(name, value)
	}
	_, err := toolbox.Build(t.Context(), runtimes.Wazero.Tool(), t.TempDir())
	if n := asked.Swap(0); err == nil || n == 0 {
		t.Errorf("Build: error %v, %d requests of the proxy", err, n)
	}
	p := runners.Package{Name: "demo", Version: "1", Program: "demo", Go: &runners.GoShim{Source: "wazero"}}
	_, err = install.Install(t.Context(), p, install.Options{Cache: t.TempDir()})
	if n := asked.Load(); err == nil || n == 0 {
		t.Errorf("Install: error %v, %d requests of the proxy", err, n)
	}
}

func TestLocateScriptAndPackage(t *testing.T) {
	bin, modules := t.TempDir(), filepath.Join(t.TempDir(), "node_modules")
	pkg := filepath.Join(modules, "p", "dist")
	if err := os.MkdirAll(pkg, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string]string{
		filepath.Join(bin, "real"):     "#!/bin/sh\necho tool 3.4.5-rc1, built today\n",
		filepath.Join(pkg, "index.js"): "import './a.js'", filepath.Join(pkg, "a.js"): "1", filepath.Join(pkg, "README"): "no part",
		filepath.Join(modules, "p", "package.json"): `{"type":"module"}`, filepath.Join(modules, "package.json"): "no part",
	} {
		if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("real", filepath.Join(bin, "tool")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	script := []byte("run()")
	r := runners.CLI{ID: "fake", Program: runners.Tool{Bin: "tool", Module: "p", Script: &runners.Script{Name: "s.mjs", Data: script}}}
	o := toolbox.Options{Cache: t.TempDir(), Packages: map[string]string{"p": filepath.Join(pkg, "index.js")}}
	got, err := toolbox.Locate(t.Context(), r, o)
	if err != nil || got.Absent != "" {
		t.Fatalf("Locate = %+v, %v", got, err)
	}
	if want := filepath.Join(bin, "real"); got.Path != want || got.Version != "3.4.5-rc1" || got.Digest.IsZero() {
		t.Errorf("Locate = %s version %s digest %v, want %s version 3.4.5-rc1 and a digest", got.Path, got.Version, got.Digest, want)
	}
	var names []string
	for _, f := range got.Files {
		names = append(names, filepath.Base(f.Path))
	}
	if got, want := strings.Join(names, " "), "s.mjs index.js a.js package.json"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if b, err := os.ReadFile(got.Files[0].Path); err != nil || string(b) != string(script) || got.Files[0].Digest != assay.DigestOf(script) {
		t.Errorf("script %s holds %q, %v; want %q and its digest", got.Files[0].Path, b, err, script)
	}
	// A damaged copy is replaced.
	if err := os.Chmod(got.Files[0].Path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(got.Files[0].Path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := toolbox.Locate(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(got.Files[0].Path); string(b) != string(script) {
		t.Errorf("script after a second Locate = %q, want %q", b, script)
	}
}

// TestLibraries: what a program loads of the host takes part, as it is loaded
// without the caller's environment.
func TestLibraries(t *testing.T) {
	locate := func(bin string) []assay.File {
		t.Helper()
		tool := runners.Tool{Bin: bin, Probe: []string{"-c", "echo 1.2"}}
		got, err := toolbox.Locate(t.Context(), runners.CLI{ID: "fake", Program: tool}, toolbox.Options{Cache: t.TempDir()})
		if err != nil || got.Absent != "" {
			t.Fatalf("Locate(%s) = %+v, %v", bin, got, err)
		}
		return got.Libraries
	}
	libraries := locate("sh")
	if len(libraries) == 0 {
		t.Skip("the shell of this host is static")
	}
	bent := t.TempDir()
	for _, l := range libraries {
		b, err := os.ReadFile(l.Path)
		if err != nil || l.Digest != assay.DigestOf(b) {
			t.Errorf("%s: %v, %v; want the digest of its bytes", l.Path, l.Digest, err)
		}
		if err := os.WriteFile(filepath.Join(bent, filepath.Base(l.Path)), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LD_LIBRARY_PATH", bent)
	if got := locate("sh"); !slices.Equal(got, libraries) {
		t.Errorf("with LD_LIBRARY_PATH: libraries %v, want %v", got, libraries)
	}
	script := filepath.Join(bent, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho 1.2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := locate(script); len(got) > 0 {
		t.Errorf("libraries of a script: %v", got)
	}
}

func TestBuild(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		tooltest.Missing(t, "go", err)
	}
	cache, users := t.TempDir(), filepath.Join(t.TempDir(), "go-build")
	t.Setenv("GOCACHE", users)
	if path, ok := toolbox.Built(t.Context(), runtimes.Wazero.Tool(), cache); ok {
		t.Errorf("Built(wazero) = %s, want none in an empty cache", path)
	}
	first, err := toolbox.Locate(t.Context(), runtimes.Wazero, toolbox.Options{Cache: cache})
	if err != nil || first.Absent != "" {
		t.Fatalf("Locate(wazero) = %+v, %v", first, err)
	}
	if first.Version != "1.12.0" || !strings.HasPrefix(first.Path, cache) {
		t.Errorf("Locate(wazero) = version %s at %s, want 1.12.0 below %s", first.Version, first.Path, cache)
	}
	if path, ok := toolbox.Built(t.Context(), runtimes.Wazero.Tool(), cache); !ok || path != first.Path {
		t.Errorf("Built(wazero) = %s, %v; want %s", path, ok, first.Path)
	}
	second, err := toolbox.Locate(t.Context(), runtimes.WazeroInterpreter, toolbox.Options{Cache: cache})
	if err != nil || second.Path != first.Path || second.Digest != first.Digest {
		t.Errorf("Locate(wazero/interpreter) = %+v, %v; want the program at %s", second, err, first.Path)
	}
	for name, damage := range map[string]func() error{
		"cut off": func() error { return os.Truncate(first.Path, 1<<20) },
		"another": func() error {
			return errors.Join(os.Remove(first.Path), os.WriteFile(first.Path, []byte("#!/bin/sh\necho v1.12.0\n"), 0o755))
		},
		"gone": func() error { return os.Remove(first.Path) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		again, err := toolbox.Locate(t.Context(), runtimes.Wazero, toolbox.Options{Cache: cache})
		if err != nil || again.Absent != "" || again.Path != first.Path || again.Digest != first.Digest {
			t.Errorf("%s: Locate(wazero) = %+v, %v; want the program of before", name, again, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "tools", ".build-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(users); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the user's cache of go: %v; want it left alone", err)
	}

	// A user who has the modules needs no network, and his copies are not extracted.
	offline := t.TempDir()
	if err := os.Symlink(filepath.Join(cache, "go-build"), filepath.Join(offline, "go-build")); err != nil { // else it takes long
		t.Fatal(err)
	}
	for name, value := range map[string]string{"GOMODCACHE": filepath.Join(cache, "mod"), "GOPROXY": "off", "GOARCH": "wasm", "GOOS": "js", "GOAMD64": "v4"} {
		t.Setenv(name, value)
	}
	third, err := toolbox.Locate(t.Context(), runtimes.Wazero, toolbox.Options{Cache: offline})
	if err != nil || third.Digest != first.Digest {
		t.Errorf("offline: Locate(wazero) = %+v, %v; want the bytes of before", third, err)
	}
	if there, _ := filepath.Glob(filepath.Join(offline, "mod", "github.com", "tetratelabs", "wazero@*")); len(there) != 1 {
		t.Errorf("modules were extracted to %v, want one below the cache", there)
	}
}

// TestInstalled: what was installed goes before PATH; one that was changed, or is
// not whole, is not used, and nothing in PATH in its stead.
func TestInstalled(t *testing.T) {
	data := zipOf(t, "bin/demo", "#!/bin/sh\necho $0 version 2.5.0\n")
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(data) }))
	t.Cleanup(upstream.Close)
	p := runners.Package{Name: "demo", Version: "2.5.0", Program: "bin/demo", Archive: &runners.Archive{
		URL: map[string]string{install.Platform: upstream.URL + "/demo.zip"}, Digest: map[string]assay.Digest{install.Platform: assay.DigestOf(data)}}}
	o := toolbox.Options{Cache: t.TempDir(), Lock: install.Lock{"demo": p}}
	r := runners.CLI{ID: "fake", Program: runners.Tool{Bin: "demo", Package: "demo", Remedy: "do something"}}
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	locate := func(want string) assay.RuntimeVersion {
		t.Helper()
		got, err := toolbox.Locate(t.Context(), r, o)
		if err != nil {
			t.Fatal(err)
		}
		if said := got.Version + got.Absent + " " + got.Origin; !strings.Contains(said, want) {
			t.Errorf("Locate = %s, want %s", said, want)
		}
		return got
	}
	locate(`demo not found: run "assay runtimes install demo", or drop fake from runtimes`)
	in, err := install.Install(t.Context(), p, install.Options{Cache: o.Cache})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "demo"), []byte("#!/bin/sh\necho demo 1.0.0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := locate("2.5.0 " + upstream.URL); got.Path != in.Program || got.Digest != in.Digest {
		t.Errorf("Locate = %s %v, want %s %v", got.Path, got.Digest, in.Program, in.Digest)
	}
	if err := os.WriteFile(in.Program, []byte("#!/bin/sh\necho demo 9.9.9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	locate(`not the bytes that runtimes.lock names: run "assay runtimes install demo"`)
	if err := os.Remove(in.Program); err != nil {
		t.Fatal(err)
	}
	locate(`not the bytes that runtimes.lock names: run "assay runtimes install demo"`)
	if err := os.RemoveAll(in.Dir); err != nil {
		t.Fatal(err)
	}
	locate("1.0.0 PATH")
	o.Lock = install.Lock{}
	if err := os.Remove(filepath.Join(bin, "demo")); err != nil {
		t.Fatal(err)
	}
	locate("demo not found: do something")
}

// zipOf makes a zip of one file.
func zipOf(t *testing.T, name, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
