package images

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// RustVersion is the release of Rust that builds Rust: it decides what is
// built.
const RustVersion = "1.95.0"

const rustWasm = "wasm32-wasip1"

// rustTargets are Rust's names of platforms.
var rustTargets = map[string]string{
	"linux/amd64": "x86_64-unknown-linux-musl",
	"linux/arm64": "aarch64-unknown-linux-musl",
}

// RustTargets lists what the toolchain has to have the standard library for.
func RustTargets() []string {
	return append(slices.Sorted(maps.Values(rustTargets)), rustWasm)
}

// rustNative are flags for executables: with Rust's own linker and musl, so
// that the host's do not matter.
var rustNative = []string{"-Clinker=rust-lld", "-Clink-self-contained=yes", "-Ctarget-feature=+crt-static"}

// A rustTool is cargo of one version, in the directory of a package called
// workload.
type rustTool struct {
	rust   Rustup
	dir    string
	target string // directory
	spec   Spec
	env    []string
}

// newRust lays src out below tmp.
func newRust(src source, spec Spec, o Options, tmp string) (rustTool, error) {
	t := rustTool{rust: o.Rust, dir: filepath.Join(tmp, "src"), target: filepath.Join(tmp, "target"), spec: spec}
	if t.rust.Program == "" {
		return t, fmt.Errorf("no rustup given; workloads in Rust are built with Rust %s", RustVersion)
	}
	for _, name := range []string{"Cargo.lock", "Cargo.toml"} {
		if _, ok := src[name]; !ok {
			return t, fmt.Errorf("no %s; it says what is built", name)
		}
	}
	if err := src.write(t.dir); err != nil {
		return t, err
	}
	t.env = append(ours(keptEnv...), "LC_ALL=C", "RUSTUP_HOME="+t.rust.Home, "CARGO_HOME="+t.rust.CargoHome,
		"CARGO_TARGET_DIR="+t.target, "CARGO_TERM_COLOR=never", "CARGO_INCREMENTAL=0")
	return t, nil
}

func (t rustTool) facts() map[string]string {
	return map[string]string{"toolchain": "rust " + RustVersion}
}

func (t rustTool) variants() []assay.Variant { return orReactor(t.spec.Reactor) }

func (t rustTool) module(ctx context.Context, v assay.Variant, _ string) ([]byte, error) {
	var flags []string
	for _, f := range t.spec.Features {
		flags = append(flags, "-Ctarget-feature=+"+f)
	}
	if v == assay.Reactor {
		return t.build(ctx, rustWasm, "workload.wasm", flags, "--lib", "--crate-type=cdylib")
	}
	return t.build(ctx, rustWasm, "workload.wasm", flags, "--bin=workload")
}

func (t rustTool) native(ctx context.Context, platform, _ string) ([]byte, error) {
	target, ok := rustTargets[platform]
	if !ok {
		return nil, fmt.Errorf("build for %s: Rust is built for %s", platform, strings.Join(slices.Sorted(maps.Keys(rustTargets)), " and "))
	}
	return t.build(ctx, target, "workload", rustNative, "--bin=workload")
}

// build returns the file that cargo makes for target. Paths of this host are
// kept out of it.
func (t rustTool) build(ctx context.Context, target, file string, flags []string, what ...string) ([]byte, error) {
	flags = append([]string{
		"-Cstrip=symbols", "--remap-path-prefix=" + t.dir + "=/src", "--remap-path-prefix=" + t.rust.CargoHome + "=/cargo",
	}, flags...)
	args := append([]string{"run", RustVersion, "cargo", "rustc", "--quiet", "--release", "--locked", "--target=" + target}, what...)
	cmd := exec.CommandContext(ctx, t.rust.Program, args...)
	cmd.Dir, cmd.Env = t.dir, append(slices.Clone(t.env), "CARGO_ENCODED_RUSTFLAGS="+strings.Join(flags, "\x1f"))
	if _, err := tool(ctx, cmd, "cargo"); err != nil {
		return nil, fmt.Errorf("build for %s: %w", target, err)
	}
	b, err := os.ReadFile(filepath.Join(t.target, target, "release", file))
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; is the package called workload?", err)
	}
	return b, err
}
