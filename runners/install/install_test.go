package install_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
)

// zipOf makes a zip of a program and other files.
func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range files {
		w, err := z.Create(name) // without an execute bit, as wheels have it
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fakeUpstream stands for a site that has release archives.
func fakeUpstream(t *testing.T, files map[string][]byte) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.Error(w, "not for you", http.StatusForbidden)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func archiveOf(url string, d assay.Digest) runners.Package {
	return runners.Package{Name: "demo", Version: "1.0", Program: "bin/demo", Archive: &runners.Archive{
		URL: map[string]string{install.Platform: url}, Digest: map[string]assay.Digest{install.Platform: d}}}
}

func TestArchive(t *testing.T) {
	data := zipOf(t, map[string]string{"bin/demo": "#!/bin/sh\necho demo 1.0\n", "lib/a": "1"})
	other := assay.DigestOf([]byte("other"))
	url := fakeUpstream(t, map[string][]byte{"demo.zip": data})
	o := install.Options{Cache: t.TempDir()}
	good := archiveOf(url+"/demo.zip", assay.DigestOf(data))
	if _, err := install.Find(good, o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Find before it is installed: %v, want fs.ErrNotExist", err)
	}
	in, err := install.Install(t.Context(), good, o)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(in.Program).CombinedOutput(); err != nil || string(out) != "demo 1.0\n" {
		t.Errorf("%s says %q, %v", in.Program, out, err)
	}

	// One that was changed is not taken, and is made again.
	if err := os.WriteFile(in.Program, []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := install.Find(good, o); !errors.Is(err, install.ErrDigest) {
		t.Errorf("Find of a changed program: %v, want ErrDigest", err)
	}
	if again, err := install.Install(t.Context(), good, o); err != nil || again.Digest != in.Digest {
		t.Errorf("Install over a changed program = %+v, %v; want digest %v", again, err, in.Digest)
	}
	if err := os.Remove(filepath.Join(in.Dir, "assay-installed.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := install.Find(good, o); !errors.Is(err, install.ErrDigest) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Find of one that lacks its record: %v, want ErrDigest alone", err)
	}

	for _, c := range []struct {
		name string
		p    runners.Package
		want string
		is   error
	}{
		{"another digest", archiveOf(url+"/demo.zip", other), fmt.Sprintf("demo.zip is %v, want %v", assay.DigestOf(data), other), install.ErrDigest},
		{"forbidden", archiveOf(url+"/gone.zip", other), "answers 403 Forbidden; fetch it where that is allowed", nil},
		{"offline", archiveOf("http://127.0.0.1:1/demo.zip", other), "check the network and HTTPS_PROXY", nil},
		{"another platform", runners.Package{Name: "demo", Version: "1", Program: "x", Archive: &runners.Archive{
			URL: map[string]string{"plan9/386": url}, Digest: map[string]assay.Digest{"plan9/386": other}}}, "no archive for " + install.Platform, nil},
	} {
		_, err := install.Install(t.Context(), c.p, o)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: error %v, want one with %q that matches %v", c.name, err, c.want, c.is)
		}
		if _, err := install.Find(c.p, o); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: Find: %v, want fs.ErrNotExist", c.name, err)
		}
	}

	if err := install.Uninstall(good, o); err != nil { // with what the failed ones left
		t.Errorf("Uninstall: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Cache, "runtimes", "*demo-1.0-*[0-9a-f]")); len(left) > 0 { // but locks
		t.Errorf("Uninstall left %v", left)
	}
	if err := install.Uninstall(good, o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Uninstall of what is not there: %v, want fs.ErrNotExist", err)
	}
}

// TestStall: a site of which nothing more comes is given up.
func TestStall(t *testing.T) {
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 1<<20))
		<-ended
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) })
	o := install.Options{Cache: t.TempDir(), Stall: 50 * time.Millisecond}
	if _, err := install.Install(t.Context(), archiveOf(s.URL+"/demo.zip", assay.DigestOf(nil)), o); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Install: %v, want ErrDeadlineExceeded", err)
	}
}

// TestWheel has pip fetch from an index, in the folder of a stranger whose
// modules are not to be imported, and without the user's cache.
func TestWheel(t *testing.T) {
	if out, err := exec.Command("python3", "-m", "pip", "--version").CombinedOutput(); err != nil {
		tooltest.Missing(t, "python3", fmt.Errorf("%w: %s", err, out))
	}
	wheel := zipOf(t, map[string]string{
		"demo_cli/demo": "#!/bin/sh\n", "demo_cli/more": "2", "other": "3",
		"demo_bin-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo-bin\nVersion: 1.2\n",
		"demo_bin-1.2.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"demo_bin-1.2.dist-info/RECORD":   "",
	})
	const name = "demo_bin-1.2-py3-none-any.whl"
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`) // a cache may keep it
		if r.URL.Path == "/"+name {
			w.Write(wheel)
			return
		}
		fmt.Fprintf(w, "<!DOCTYPE html><a href='/%[1]s'>%[1]s</a>", name)
	}))
	t.Cleanup(index.Close)
	stranger := t.TempDir()
	for _, module := range []string{"pip.py", "queue.py"} {
		if err := os.WriteFile(filepath.Join(stranger, module), []byte("raise SystemExit('a stranger was here')\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(stranger)
	users := filepath.Join(t.TempDir(), "pip")
	for name, value := range map[string]string{"PIP_INDEX_URL": index.URL, "PIP_TRUSTED_HOST": "127.0.0.1", "PIP_FIND_LINKS": "", "no_proxy": "127.0.0.1", "PIP_CACHE_DIR": users} {
		t.Setenv(name, value)
	}
	p := runners.Package{Name: "demo", Version: "1.0", Program: "demo_cli/demo", Wheel: &runners.Wheel{
		Project: "demo-bin", Version: "1.2", Files: map[string]assay.Digest{install.Platform: assay.DigestOf(wheel)}, Keep: []string{"demo_cli"}}}
	o := install.Options{Cache: t.TempDir()}
	in, err := install.Install(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(in.Program); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program is %v, %v; want mode 0755", info, err)
	}
	if _, err := os.Stat(filepath.Join(in.Dir, "other")); err == nil {
		t.Error("a file of the wheel is there that is not to be kept")
	}
	at, err := install.Resolve(t.Context(), p, "1.2", o)
	if err != nil || at.Version != "1.0" {
		t.Errorf("Resolve of the wheel's own version = %+v, %v; want the package as it is", at, err)
	}
	p.Wheel.Version, p.Version = "1.1", "0.9"
	killed := filepath.Join(o.Cache, "runtimes", ".resolve-demo", "wheel")
	if err := os.MkdirAll(killed, 0o755); err != nil {
		t.Fatal(err)
	}
	if at, err = install.Resolve(t.Context(), p, "1.2", o); err != nil || at.Wheel.Files[install.Platform] != assay.DigestOf(wheel) || at.Version != "1.2" {
		t.Errorf("Resolve(1.2) = %+v, %v; want its digest %v", at, err, assay.DigestOf(wheel))
	}
	if _, err := install.Resolve(t.Context(), p, "7", o); !errors.Is(err, install.ErrVersion) || !strings.HasSuffix(err.Error(), "there are 1.2") {
		t.Errorf("Resolve(7): error %v, want what there is", err)
	}
	if _, err := os.Stat(filepath.Dir(killed)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed Resolve left: %v; want it gone", err)
	}
	if _, err := os.Stat(users); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the user's cache of pip: %v; want it left alone", err)
	}
}

// fakeCargo puts a program in PATH that stands for cargo: it has one crate, and
// builds it as script says. What it has done is in the file builds.
func fakeCargo(t *testing.T, dir, script string) {
	t.Helper()
	text := fmt.Sprintf(`#!/bin/sh
case $1 in
info) mkdir -p "$CARGO_HOME/registry/cache/fake" && cp %[1]q/demo-1.0.crate "$CARGO_HOME/registry/cache/fake/" ;;
install)
	while [ "$1" != --root ]; do shift; done
	echo begun >>%[1]q/builds
	printf '    Building [=>  ] 1/2: demo\r' >&2
	mkdir -p "$CARGO_TARGET_DIR" "$2/bin"
	%[2]s
	printf '#!/bin/sh\necho demo 1.0\n' >"$2/bin/demo" ;;
esac
`, dir, script)
	for name, text := range map[string]string{"cargo": text, "rustc": "#!/bin/sh\necho rustc 1.2.3\n", "cc": "#!/bin/sh\necho cc 4.5\necho free software\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// crateOf makes the one crate of a fake cargo, and its package.
func crateOf(t *testing.T, dir string) runners.Package {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	err := errors.Join(w.WriteHeader(&tar.Header{Name: "demo-1.0/Cargo.lock", Mode: 0o644}), w.Close(), z.Close())
	if err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	if err := os.WriteFile(filepath.Join(dir, "demo-1.0.crate"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return runners.Package{Name: "demo", Version: "1.0", Program: "bin/demo",
		Crate: &runners.Crate{Name: "demo", Version: "1.0", Digest: assay.DigestOf(data)}}
}

func builds(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "builds"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(b), "begun")
}

func TestTogether(t *testing.T) {
	dir := t.TempDir()
	fakeCargo(t, dir, "")
	p := crateOf(t, dir)
	var compiling sync.Map
	o := install.Options{Cache: t.TempDir(), Progress: func(p install.Progress) { compiling.Store(p.Doing, p.Total) }}
	paths := make([]string, 8)
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() {
			in, err := install.Install(t.Context(), p, o)
			if err != nil {
				t.Error(err)
			}
			paths[i] = in.Program
		})
	}
	all.Wait()
	for _, path := range paths {
		if path != paths[0] || path == "" {
			t.Errorf("installed at %q and %q", path, paths[0])
		}
	}
	if n := builds(t, dir); n != 1 {
		t.Errorf("it was built %d times, want once", n)
	}
	if total, ok := compiling.Load("compiling demo"); !ok || total != int64(2) {
		t.Errorf("no progress of cargo's was told of 2 to compile: %v", total)
	}
}

// TestCrateEnvironment: what would make another program of a crate is kept from
// cargo, what reaches the registry is not, and the compilers are noted.
func TestCrateEnvironment(t *testing.T) {
	dir := t.TempDir()
	fakeCargo(t, dir, "env >"+dir+"/env")
	bends := []string{"CARGO_PROFILE_RELEASE_LTO", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "RUSTC_BOOTSTRAP", "CFLAGS", "TARGET_CFLAGS",
		"CC", "CXX", "HOST_CC", "CC_x86_64-unknown-linux-gnu", "CXXFLAGS_x86_64_unknown_linux_gnu", "AR", "RANLIB", "LD", "LDFLAGS", "CPATH", "C_INCLUDE_PATH",
		"CMAKE", "CMAKE_TOOLCHAIN_FILE", "CRATE_CC_NO_DEFAULTS", "BINDGEN_EXTRA_CLANG_ARGS"}
	keeps := []string{"CARGO_HTTP_PROXY", "LIBCLANG_PATH", "CCACHE_DIR", "LD_BIND_NOW"}
	for _, name := range slices.Concat(bends, keeps, []string{"RUSTC_WRAPPER"}) {
		t.Setenv(name, "bent")
	}
	p := crateOf(t, dir)
	p.Crate.Needs = []string{"cc"}
	in, err := install.Install(t.Context(), p, install.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if want := "crates.io demo 1.0, with rustc 1.2.3 and cc 4.5"; in.Origin != want {
		t.Errorf("origin %q, want %q", in.Origin, want)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	given := strings.Split(string(env), "\n")
	for _, name := range bends {
		if slices.Contains(given, name+"=bent") {
			t.Errorf("cargo was given %s", name)
		}
	}
	for _, name := range keeps {
		if !slices.Contains(given, name+"=bent") {
			t.Errorf("cargo was not given %s", name)
		}
	}
	for _, want := range []string{"RUSTC_WRAPPER=", "RUSTFLAGS="} {
		if !slices.Contains(given, want) {
			t.Errorf("cargo was given no %s", want)
		}
	}
}

// TestUninstallBusy: what is being installed is left alone.
func TestUninstallBusy(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	fakeCargo(t, dir, fmt.Sprintf("echo begun >%[1]q; cat %[1]q >%[1]q.end", pipe))
	p, o := crateOf(t, dir), install.Options{Cache: t.TempDir()}
	ended := make(chan error, 1)
	go func() {
		_, err := install.Install(t.Context(), p, o)
		ended <- err
	}()
	if _, err := os.ReadFile(pipe); err != nil { // until it has begun
		t.Fatal(err)
	}
	if err := install.Uninstall(p, o); err == nil || !strings.Contains(err.Error(), "demo 1.0 is being installed: wait") {
		t.Errorf("Uninstall of what is being installed: %v", err)
	}
	if err := os.WriteFile(pipe, nil, 0); err != nil { // its end
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Install: %v", err)
	}
	if err := install.Uninstall(p, o); err != nil {
		t.Errorf("Uninstall: %v", err)
	}
}

func TestCrateFails(t *testing.T) {
	dir := t.TempDir()
	fakeCargo(t, dir, `echo "error: linker cc not found" >&2; exit 101`)
	p := crateOf(t, dir)
	o := install.Options{Cache: t.TempDir()}
	if _, err := install.Install(t.Context(), p, o); err == nil || !strings.Contains(err.Error(), "error: linker cc not found") {
		t.Errorf("error %v, want cargo's", err)
	}
	p.Crate.Needs = []string{"no-such-compiler"}
	if _, err := install.Install(t.Context(), p, o); err == nil || !strings.Contains(err.Error(), "apt-get install no-such-compiler") {
		t.Errorf("error %v, want what to install", err)
	}
	p.Crate.Needs, p.Crate.Digest = nil, assay.DigestOf(nil)
	if _, err := install.Install(t.Context(), p, o); !errors.Is(err, install.ErrDigest) {
		t.Errorf("error %v, want ErrDigest", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := install.Install(t.Context(), p, o); err == nil || !strings.Contains(err.Error(), "cargo not found: install Rust") {
		t.Errorf("error %v, want what to install", err)
	}
}

// TestShares: what packages compile together stays until all of them are there.
func TestShares(t *testing.T) {
	dir := t.TempDir()
	fakeCargo(t, dir, `echo >"$CARGO_TARGET_DIR/compiled"`)
	p := crateOf(t, dir)
	o := install.Options{Cache: t.TempDir()}
	compiled := func() []string {
		found, _ := filepath.Glob(filepath.Join(o.Cache, "runtimes", ".shared-*", "compiled"))
		return found
	}
	for _, c := range []struct {
		shares string
		want   int
	}{{"wasmer", 1}, {"nobody-else", 0}} { // wasmer and its shim are not there
		p.Crate.Shares = c.shares
		if _, err := install.Install(t.Context(), p, o); err != nil {
			t.Fatal(err)
		}
		if got := compiled(); len(got) != c.want {
			t.Errorf("installed with shares %q: %q are left, want %d", c.shares, got, c.want)
		}
		if err := install.Uninstall(p, o); err != nil {
			t.Fatal(err)
		}
		if got := compiled(); len(got) != 0 {
			t.Errorf("uninstalled with shares %q: %q are left", c.shares, got)
		}
	}
}

// TestKilled kills an installation at work: nothing of it is found, and the next
// goes on with what it left.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("ASSAY_TEST_INSTALL"); dir != "" { // the process that is killed
		_, err := install.Install(t.Context(), crateOf(t, dir), install.Options{Cache: filepath.Join(dir, "cache")})
		t.Fatalf("it ended by itself: %v", err)
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	p := crateOf(t, dir)
	// The first attempt compiles a half, says so, and works until it is killed.
	fakeCargo(t, dir, fmt.Sprintf(`if [ ! -e "$CARGO_TARGET_DIR/half" ]; then echo >"$CARGO_TARGET_DIR/half"; echo begun >%[1]q; exec cat %[1]q; fi; echo resumed >>%[2]q/builds`, pipe, dir))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "ASSAY_TEST_INSTALL="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := os.OpenFile(pipe, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := said.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	said.Close()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	ended, err := os.OpenFile(pipe, os.O_WRONLY, 0) // what it had started is let go
	if err != nil {
		t.Fatal(err)
	}
	ended.Close()

	o := install.Options{Cache: filepath.Join(dir, "cache")}
	if in, err := install.Find(p, o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Find after the kill = %+v, %v; want fs.ErrNotExist", in, err)
	}
	if _, err := install.Install(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "builds"))
	if err != nil || !strings.HasSuffix(string(b), "resumed\n") {
		t.Errorf("the second attempt did not find what the first had compiled: %q, %v", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Cache, "runtimes", ".[nw]*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLive installs a runtime as a user does.
func TestLive(t *testing.T) {
	if !tooltest.Required("wasmtime") {
		t.Skip("wasmtime: ASSAY_REQUIRE does not name it, and it is 17 MB to fetch")
	}
	in, err := install.Install(t.Context(), install.Embedded()["wasmtime"], install.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(in.Program, "--version").Output(); err != nil || !strings.Contains(string(out), in.Package.Version) {
		t.Errorf("it says %q, %v; want version %s", out, err, in.Package.Version)
	}
}
