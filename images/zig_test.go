package images_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/images"
)

// c is a new directory with a workload in C.
func c(t *testing.T, spec, source string) string {
	t.Helper()
	dir := workload(t, "name: a\nlanguage: c\n"+spec, "")
	write(t, filepath.Join(dir, "a.c"), source)
	return dir
}

const answer = "#include \"bench.h\"\n\nuint32_t work(void) { return ANSWER; }\n"

func TestBuildC(t *testing.T) {
	o := images.Options{Zig: zig(t)}
	dir := c(t, "reactor: true\nscratch: true\nflags: [-DANSWER=4294967295u]\n", answer)
	b := build(t, dir, o)
	if !b.Steady || !b.Scratch {
		t.Errorf("steady %v, scratch %v, want both", b.Steady, b.Scratch)
	}
	if want := map[string]string{"toolchain": "zig " + images.ZigVersion, "toolchain_digest": o.Zig.Digest.String()}; !maps.Equal(b.Facts, want) {
		t.Errorf("facts %v, want %v", b.Facts, want)
	}
	got := slices.Sorted(maps.Keys(b.Variants))
	if want := []assay.Variant{assay.MVP, assay.Reactor, assay.ReactorMVP}; !slices.Equal(got, want) {
		t.Errorf("variants %v, want %v", got, want)
	}
	if stdout, exit := runWasm(t, b, b.Module, wazero.NewRuntimeConfig()); string(stdout) != "4294967295\n" || exit != 0 {
		t.Errorf("stdout %q, exit %d", stdout, exit)
	}

	// The archive has what came with assay, and gives the same workload: also
	// that of an assay with another folder bench.
	unpacked := t.TempDir()
	for _, addition := range []string{"", "\n// as another version had it\n"} {
		for name, text := range untar(t, bytes.NewReader(b.Source)) {
			if name == "bench/bench.h" {
				text += addition
			}
			write(t, filepath.Join(unpacked, filepath.FromSlash(name)), text)
		}
		again := build(t, unpacked, o)
		if got := untar(t, bytes.NewReader(again.Source))["bench/bench.h"]; !strings.HasSuffix(got, "#endif\n"+addition) {
			t.Errorf("archived bench.h ends in %q", got[max(0, len(got)-40):])
		}
		if addition == "" && digests(again) != digests(b) {
			t.Errorf("from its archive:\n got %s\nwant %s", digests(again), digests(b))
		}
		rebuilt, err := images.Rebuild(t.Context(), again.Source, o)
		if err != nil {
			t.Fatal(err)
		}
		if digests(rebuilt) != digests(again) {
			t.Errorf("rebuilt:\n got %s\nwant %s", digests(rebuilt), digests(again))
		}
	}

	plain := build(t, c(t, "", "int main(void) { return 3; }\n"), o)
	if got := slices.Collect(maps.Keys(plain.Variants)); plain.Steady || !slices.Equal(got, []assay.Variant{assay.MVP}) {
		t.Errorf("without reactor: steady %v, variants %v", plain.Steady, got)
	}
}

// TestCalls asks a command for calls, as the steady protocol does.
func TestCalls(t *testing.T) {
	b := build(t, c(t, "reactor: true\nflags: [-DANSWER=7]\n", answer), images.Options{Zig: zig(t)})
	native, ok := b.Native[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		t.Skip("C is not built for this platform")
	}
	for asked, want := range map[string]string{
		"3": `^(assay-call \d+\n){3}$`,
		"0": `^$`, "-1": `^$`, "x": `^$`,
	} {
		stdout, stderr, exit := runAsked(t, native, asked)
		if !regexp.MustCompile(want).MatchString(stderr) {
			t.Errorf("%s calls: standard error %q", asked, stderr)
		}
		if fine := stdout == "7\n" && exit == 0; fine != (asked == "3") {
			t.Errorf("%s calls: stdout %q, exit %d", asked, stdout, exit)
		}
	}
}

func TestBuildCRefuses(t *testing.T) {
	o := images.Options{Zig: zig(t)}
	old := filepath.Join(t.TempDir(), "zig")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho 0.9.1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const main = "int main(void) { return 0; }\n"
	for name, tt := range map[string]struct {
		dir  string
		o    images.Options
		want string
	}{
		"no-zig":           {c(t, "", main), images.Options{}, "built with Zig 0.16.0"},
		"old-zig":          {c(t, "", main), images.Options{Zig: images.Zig{Program: old}}, "is Zig 0.9.1"},
		"does-not-compile": {c(t, "", "int main(void) { return x; }\n"), o, "a.c:1:25: error: use of undeclared identifier 'x'"},
		"warning":          {c(t, "", "int main(void) { int x; return 0; }\n"), o, "unused variable"},
		"no-work":          {c(t, "reactor: true\n", "int x;\n"), o, "undefined symbol: work"},
		"platform":         {c(t, "", main), images.Options{Zig: o.Zig, Platforms: []string{"linux/riscv64"}}, "C is built for linux/amd64 and linux/arm64"},
		"own-bench-folder": {with(t, c(t, "reactor: true\n", answer), "bench/mine.h"), o, "bench.h"},
	} {
		b, err := images.Build(t.Context(), tt.dir, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, error %v, want one with %q", name, b, err, tt.want)
		}
	}
}

// with adds an empty file to a directory.
func with(t *testing.T, dir, file string) string {
	t.Helper()
	write(t, filepath.Join(dir, filepath.FromSlash(file)), "")
	return dir
}

const sums = `#include "bench.h"

static uint32_t a[1024];

uint32_t work(void) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 1024; i++) {
        a[i] = 3 * i;
    }
    for (int i = 0; i < 1024; i++) {
        sum += a[i] ^ 5;
    }
    return sum;
}
`

// TestFeatures has a compiler use vector instructions: those builds that are
// asked to have them need a runtime that has, the others are as they were.
func TestFeatures(t *testing.T) {
	o := images.Options{Zig: zig(t)}
	plain, vector := build(t, c(t, "reactor: true\n", sums), o), build(t, c(t, "reactor: true\nfeatures: [simd128]\n", sums), o)
	if vector.Facts["features"] != "simd128" || plain.Facts["features"] != "" {
		t.Errorf("facts %v, and without %v", vector.Facts, plain.Facts)
	}
	if !maps.EqualFunc(plain.Native, vector.Native, bytes.Equal) {
		t.Error("native executables differ")
	}
	answers(t, plain.Module, plain.Variants[assay.Reactor], vector.Module, vector.Variants[assay.Reactor])
	for _, v := range []assay.Variant{assay.MVP, assay.ReactorMVP} {
		if !bytes.Equal(plain.Variants[v], vector.Variants[v]) {
			t.Errorf("variant %s differs", v)
		}
	}
}

// TestFeaturesRust is TestFeatures for Rust.
func TestFeaturesRust(t *testing.T) {
	o := images.Options{Rust: rust(t)}
	rusty := func(spec string) *images.Built {
		dir := workload(t, "name: a\nlanguage: rust\n"+spec, "")
		write(t, filepath.Join(dir, "Cargo.toml"), "[package]\nname = \"workload\"\nversion = \"0.0.0\"\nedition = \"2024\"\n")
		write(t, filepath.Join(dir, "Cargo.lock"), "version = 4\n\n[[package]]\nname = \"workload\"\nversion = \"0.0.0\"\n")
		write(t, filepath.Join(dir, "src", "main.rs"), `fn main() {
    let n = std::env::args().count() as u32 + 1023;
    let a: Vec<u32> = (0..n).map(|i| 3 * i).collect();
    println!("{}", a.iter().map(|x| x ^ 5).sum::<u32>());
}
`)
		return build(t, dir, o)
	}
	plain, vector := rusty(""), rusty("features: [simd128]\n")
	if !maps.EqualFunc(plain.Native, vector.Native, bytes.Equal) {
		t.Error("native executables differ")
	}
	answers(t, plain.Module, nil, vector.Module, nil)
}

// answers runs what was built without vector instructions on a runtime that has
// none, and what was built with them on one that has, alone.
func answers(t *testing.T, plain, plainReactor, vector, vectorReactor []byte) {
	t.Helper()
	without := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureSIMD, false))
	want, exit := runWasm(t, &images.Built{}, plain, without)
	if got, status := runWasm(t, &images.Built{}, vector, wazero.NewRuntimeConfig()); string(got) != string(want) || exit+status != 0 {
		t.Errorf("prints %q, without vectors %q; exit %d, %d", got, want, status, exit)
	}
	refused := [][]byte{vector}
	if vectorReactor != nil {
		refused = append(refused, vectorReactor)
		if got := callReactor(t, vectorReactor, wazero.NewRuntimeConfig()); string(got) != string(want) {
			t.Errorf("the reactor answers %q, want %q", got, want)
		}
		callReactor(t, plainReactor, without)
	}
	r := wazero.NewRuntimeWithConfig(t.Context(), without)
	defer r.Close(t.Context())
	for _, module := range refused {
		if _, err := r.CompileModule(t.Context(), module); err == nil || !strings.Contains(err.Error(), `"simd" is disabled`) {
			t.Errorf("without vector instructions: error %v, want that they are disabled", err)
		}
	}
}

func TestBuildGoReactor(t *testing.T) {
	b := build(t, workload(t, "name: a\nreactor: true\n", `package main

func main() { println("a command") }

//go:wasmexport run
func run() uint32 { return 4000000000 }
`), images.Options{Platforms: []string{}})
	if got := callReactor(t, b.Variants[assay.Reactor], wazero.NewRuntimeConfig()); string(got) != "4000000000\n" {
		t.Errorf("the reactor answers %q", got)
	}
	_, err := images.Build(t.Context(), workload(t, "name: a\nreactor: true\n", program), images.Options{Platforms: []string{}})
	if err == nil || !strings.Contains(err.Error(), "variant reactor: exports no run function") {
		t.Errorf("without run: error %v", err)
	}
}
