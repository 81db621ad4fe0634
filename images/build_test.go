package images_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/images"
)

func build(t *testing.T, dir string, o images.Options) *images.Built {
	t.Helper()
	b, err := images.Build(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBuildIsReproducible builds in another place, with another home and time
// zone, and settings that change what compilers make. ASSAY_SLOW=1 also empties
// the build caches, so that everything is compiled again, C libraries included.
func TestBuildIsReproducible(t *testing.T) {
	t.Run("go", func(t *testing.T) { reproduce(t, filepath.Join("workloads", "matmul"), "main.go", images.Options{}) })
	t.Run("c", func(t *testing.T) {
		reproduce(t, filepath.Join("workloads", "cholesky"), "cholesky.c", images.Options{Zig: zig(t)})
	})
	t.Run("rust", func(t *testing.T) {
		reproduce(t, filepath.Join("workloads", "regex-rust"), "src/lib.rs", images.Options{Rust: rust(t)})
	})
}

func reproduce(t *testing.T, dir, file string, o images.Options) {
	want := build(t, dir, o)
	elsewhere := filepath.Join(t.TempDir(), "another place", "m")
	if err := os.CopyFS(elsewhere, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(elsewhere, file), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(elsewhere, file), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, ".DS_Store"), []byte("hidden"), 0o666); err != nil {
		t.Fatal(err)
	}
	cache, mod := goEnv(t, "GOCACHE"), goEnv(t, "GOMODCACHE")
	if os.Getenv("ASSAY_SLOW") != "" {
		cache, o.Zig.Cache = t.TempDir(), t.TempDir()
	}
	for k, v := range map[string]string{
		"GOCACHE": cache, "GOMODCACHE": mod, "HOME": t.TempDir(), "TMPDIR": t.TempDir(),
		"TZ": "Asia/Kathmandu", "LANG": "de_DE.UTF-8",
		"GOAMD64": "v3", "GOARM64": "v9.0", "GOFLAGS": "-tags=other -ldflags=-X=main.x=y", "CGO_ENABLED": "1",
		"GODEBUG": "netdns=go", "GOMAXPROCS": "1", "GOOS": "linux", "GOARCH": "riscv64", "GOENV": "/dev/null",
		"CFLAGS": "-O0", "CPATH": t.TempDir(), "SOURCE_DATE_EPOCH": "1", "ZIG_LIB_DIR": t.TempDir(),
		"RUSTFLAGS": "-Copt-level=0", "CARGO_PROFILE_RELEASE_DEBUG": "true",
	} {
		t.Setenv(k, v)
	}
	if got := build(t, elsewhere, o); !reflect.DeepEqual(got, want) {
		t.Errorf("built elsewhere:\n got %s\nwant %s", digests(got), digests(want))
	}
}

// digests spells b for people.
func digests(b *images.Built) string {
	out := map[string]any{
		"module": assay.DigestOf(b.Module), "source": assay.DigestOf(b.Source), "facts": b.Facts, "expect": b.Expect,
	}
	for v := range b.Variants {
		out["variant "+string(v)] = assay.DigestOf(b.Variants[v])
	}
	for p := range b.Native {
		out["native "+p] = assay.DigestOf(b.Native[p])
		out["image "+p] = assay.DigestOf(b.Images[p].Manifest)
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func goEnv(t *testing.T, key string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", key).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestContainer(t *testing.T) {
	dir := workload(t, "name: greet\nargs: [hello, '${n}']\nenv: [A=b]\n", program)
	b := build(t, dir, images.Options{Platforms: []string{"linux/arm64"}})
	c := b.Images["linux/arm64"]
	if len(b.Images) != 1 || len(b.Native) != 1 || len(c.Blobs) != 2 {
		t.Fatalf("built %d images, %d executables, %d blobs", len(b.Images), len(b.Native), len(c.Blobs))
	}
	for _, blob := range c.Blobs {
		if !bytes.Contains(c.Manifest, []byte(assay.DigestOf(blob).String())) {
			t.Errorf("the manifest does not name %v: %s", assay.DigestOf(blob), c.Manifest)
		}
	}
	var got struct {
		OS, Architecture, Created string
		Config                    struct{ Entrypoint, Cmd, Env []string }
	}
	if err := json.Unmarshal(c.Blobs[0], &got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.OS, want.Architecture, want.Created = "linux", "arm64", "1970-01-01T00:00:00Z"
	want.Config.Entrypoint = []string{"/workload"}
	want.Config.Cmd, want.Config.Env = []string{"hello", "${n}"}, []string{"A=b"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config %s, want %+v", c.Blobs[0], want)
	}
	zip, err := gzip.NewReader(bytes.NewReader(c.Blobs[1]))
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, zip)
	if want := map[string]string{"workload": string(b.Native["linux/arm64"])}; !maps.Equal(files, want) {
		t.Errorf("layer holds %v", slices.Collect(maps.Keys(files)))
	}
}

func untar(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	out := map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s: time %v, owner %d %q, want the epoch and 0", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(b)
	}
}

const program = "package main\n\nfunc main() {}\n"

// workload is a new directory with a workload.yaml and, if any, a main.go.
func workload(t *testing.T, spec, source string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "workload.yaml"), spec)
	if source != "" {
		write(t, filepath.Join(dir, "main.go"), source)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestBuildWithFiles(t *testing.T) {
	const spec = "name: cat\nstdin: data/in.txt\nexpect:\n  stdout_file: data/in.txt\nurl: https://example.org\n"
	dir := workload(t, spec, `package main

import (
	"io"
	"os"
)

func main() { io.Copy(os.Stdout, os.Stdin) }
`)
	write(t, filepath.Join(dir, "data", "in.txt"), "one\ntwo\n")
	b := build(t, dir, images.Options{Platforms: []string{}})
	if got := string(b.Stdin); got != "one\ntwo\n" {
		t.Errorf("stdin %q", got)
	}
	if stdout, exit := runWasm(t, b, b.Module, wazero.NewRuntimeConfig()); assay.DigestOf(stdout) != b.Expect.Stdout || exit != 0 {
		t.Errorf("stdout %q, exit %d", stdout, exit)
	}
	if len(b.Native) != 0 || len(b.Images) != 0 {
		t.Errorf("no platform asked for, built %d executables and %d images", len(b.Native), len(b.Images))
	}
	got := slices.Sorted(maps.Keys(untar(t, bytes.NewReader(b.Source))))
	if want := []string{"data/in.txt", "main.go", "workload.yaml"}; !slices.Equal(got, want) {
		t.Errorf("source holds %v, want %v", got, want)
	}
	if want := map[string]string{"toolchain": goEnv(t, "GOVERSION"), "url": "https://example.org"}; !maps.Equal(b.Facts, want) {
		t.Errorf("facts %v, want %v", b.Facts, want)
	}
}

func TestBuildReadyModule(t *testing.T) {
	dir := workload(t, "name: ready\nmodule: ready.wasm\n", "")
	module := command()
	write(t, filepath.Join(dir, "ready.wasm"), string(module))
	b := build(t, dir, images.Options{Go: "no-such-go"})
	if !bytes.Equal(b.Module, module) || len(b.Native) != 0 || len(b.Facts) != 0 {
		t.Errorf("got %s", digests(b))
	}
}

// reactor is the smallest reactor.
func reactor() []byte { return wasm(1, types, 3, funcs, 7, "\x01\x03run\x00\x00", 10, code) }

// TestBuildReadyReactor names a reactor in place of a command, beside one, and in
// ways that are wrong.
func TestBuildReadyReactor(t *testing.T) {
	for spec, want := range map[string]struct {
		module, reactor []byte
		refused         string
	}{
		"module: r.wasm":                         {reactor(), reactor(), ""},
		"module: c.wasm\nreactor_module: r.wasm": {command(), reactor(), ""},
		"module: r.wasm\nreactor_module: r.wasm": {refused: "leave one out"},
		"module: c.wasm\nreactor_module: c.wasm": {refused: "reactor_module c.wasm: exports no run function"},
		"module: c.wasm\nreactor_module: d.wasm": {refused: "reactor_module: \"d.wasm\": file does not exist"},
	} {
		dir := workload(t, "name: ready\n"+spec+"\n", "")
		write(t, filepath.Join(dir, "r.wasm"), string(reactor()))
		write(t, filepath.Join(dir, "c.wasm"), string(command()))
		b, err := images.Build(t.Context(), dir, images.Options{})
		switch {
		case want.refused != "":
			if err == nil || !strings.Contains(err.Error(), want.refused) {
				t.Errorf("%q: error %v, want one with %q", spec, err, want.refused)
			}
		case err != nil:
			t.Errorf("%q: %v", spec, err)
		case !bytes.Equal(b.Module, want.module) || !bytes.Equal(b.Variants[assay.Reactor], want.reactor) || len(b.Variants) != 1:
			t.Errorf("%q: module %x, variants %x", spec, b.Module, b.Variants)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	var all images.Options
	for name, tt := range map[string]struct {
		spec, source string
		options      images.Options
		want         string
	}{
		"unknown-field":       {"name: a\ncolour: red\n", program, all, "field colour not found"},
		"no-name":             {"licence: MIT\n", program, all, `workload name ""`},
		"name-is-path":        {"name: ../a\n", program, all, `workload name "../a"`},
		"two-expectations":    {"name: a\nexpect: {stdout: x, stdout_file: y}\n", program, all, "exclude each other"},
		"exit-out-of-range":   {"name: a\nexpect: {exit: 256}\n", program, all, "want 0 to 255"},
		"unknown-language":    {"name: a\nlanguage: cobol\n", program, all, `language "cobol", want one of ["go" "c" "rust"]`},
		"flags-of-go":         {"name: a\nflags: [-O2]\n", program, all, "flags are for language: c"},
		"flag-with-a-path":    {"name: a\nlanguage: c\nflags: [-include/etc/passwd]\n", "", all, "and no path"},
		"features-of-go":      {"name: a\nfeatures: [simd128]\n", program, all, "features are for language: c and rust"},
		"unknown-feature":     {"name: a\nlanguage: c\nfeatures: [-mavx2]\n", "", all, `features: "-mavx2", want one of ["simd128"]`},
		"reactor-module-only": {"name: a\nreactor_module: a.wasm\n", "", all, "a reactor alone is what module names"},
		"flag-of-a-platform":  {"name: a\nlanguage: c\nflags: [-mavx2]\n", "", all, `"-mavx2", want`},
		"rust-without-rustup": {"name: a\nlanguage: rust\n", program, all, "built with Rust 1.95.0"},
		"rust-without-lock":   {"name: a\nlanguage: rust\n", program, images.Options{Rust: images.Rustup{Program: "rustup"}}, "no Cargo.lock"},
		"c-without-source":    {"name: a\nlanguage: c\n", program, all, "no C files"},
		"env-without-equals":  {"name: a\nenv: [PATH]\n", program, all, "want KEY=VALUE"},
		"stdin-outside":       {"name: a\nstdin: ../secret\n", program, all, "outside of the workload's directory"},
		"stdin-absolute":      {"name: a\nstdin: /etc/passwd\n", program, all, "outside of the workload's directory"},
		"stdin-absent":        {"name: a\nstdin: in.txt\n", program, all, "file does not exist"},
		"module-absent":       {"name: a\nmodule: a.wasm\n", "", all, "file does not exist"},
		"module-not-wasm":     {"name: a\nmodule: workload.yaml\n", "", all, "not Wasm"},
		"no-go-files":         {"name: a\n", "", all, "no Go files"},
		"not-a-command":       {"name: a\n", "package a\n", images.Options{Platforms: []string{}}, "not Wasm"},
		"does-not-compile":    {"name: a\n", "package main\n\nfunc main() { x }\n", all, "main.go:3:15: undefined: x"},
		"go-not-installed":    {"name: a\n", program, images.Options{Go: "no-such-go"}, "install it from https://go.dev/dl"},
		"platform-is-a-path":  {"name: a\n", program, images.Options{Platforms: []string{"../x"}}, `platform "../x"`},
		"platform-is-unknown": {"name: a\n", program, images.Options{Platforms: []string{"plan10/z80"}}, "build for plan10/z80"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := images.Build(t.Context(), workload(t, tt.spec, tt.source), tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, error %v, want one with %q", b, err, tt.want)
			}
		})
	}
}

func TestBuildRefusesLinks(t *testing.T) {
	dir := workload(t, "name: a\n", program)
	for _, name := range []string{"one", "two"} {
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := images.Build(t.Context(), dir, images.Options{})
	for _, want := range []string{"one: not a plain file", "two: not a plain file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestBuildWithoutSpec(t *testing.T) {
	_, err := images.Build(t.Context(), t.TempDir(), images.Options{})
	if err == nil || !strings.Contains(err.Error(), "no workload.yaml") {
		t.Errorf("error %v", err)
	}
}

func TestBuildCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := images.Build(ctx, workload(t, "name: a\n", program), images.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// TestRebuildRefuses gives archives that hold other than plain files of their
// own.
func TestRebuildRefuses(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"link":     {{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		"outside":  {{Name: "../a", Typeflag: tar.TypeReg}},
		"absolute": {{Name: "/a", Typeflag: tar.TypeReg}},
		"unclean":  {{Name: "a/../b", Typeflag: tar.TypeReg}},
		"twice":    {{Name: "a", Typeflag: tar.TypeReg}, {Name: "a", Typeflag: tar.TypeReg}},
	} {
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := images.Rebuild(t.Context(), archive.Bytes(), images.Options{})
		if err == nil || !strings.Contains(err.Error(), "is no plain file of its own") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
