package images

import (
	"context"
	"embed"
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

// ZigVersion is the release of Zig that builds C: it decides what is built.
const ZigVersion = "0.16.0"

// CFlags are how every form is built from C, after "zig cc" and its target. A
// contracted multiply-add would round differently on some processors.
var CFlags = []string{"-std=gnu17", "-O2", "-ffp-contract=off", "-Wall", "-Werror", "-s", "-I", benchDir}

// wasmFlags give the stack 1 MiB in place of Zig's 16 MiB.
var wasmFlags = []string{"-Wl,-z,stack-size=1048576"}

// zigTargets are Zig's names of platforms.
var zigTargets = map[string]string{
	"linux/amd64": "x86_64-linux-musl",
	"linux/arm64": "aarch64-linux-musl",
}

//go:embed bench
var benchFiles embed.FS

// benchDir is the folder of what comes with assay for workloads in C. It is
// part of their source.
const benchDir = "bench"

// addBench adds to s, the source of a workload in C, what comes with assay. A
// folder bench that s has stays as it is: an unpacked archive's is what its
// workload was built with.
func (s source) addBench() error {
	for path := range s {
		if strings.HasPrefix(path, benchDir+"/") {
			return nil
		}
	}
	files, err := benchFiles.ReadDir(benchDir)
	if err != nil {
		return err
	}
	for _, f := range files {
		path := benchDir + "/" + f.Name()
		if s[path], err = benchFiles.ReadFile(path); err != nil {
			return err
		}
	}
	return nil
}

// A zigTool is a zig command, in a directory with one workload's source and
// the folder bench.
type zigTool struct {
	zig     Zig
	dir     string
	env     []string
	sources []string
	spec    Spec
}

// newZig lays src out below tmp.
func newZig(ctx context.Context, src source, spec Spec, o Options, tmp string) (zigTool, error) {
	t := zigTool{zig: o.Zig, dir: filepath.Join(tmp, "src"), spec: spec}
	for _, path := range slices.Sorted(maps.Keys(src)) {
		if strings.HasSuffix(path, ".c") && !strings.HasPrefix(path, benchDir+"/") {
			t.sources = append(t.sources, path)
		}
	}
	if len(t.sources) == 0 {
		return t, errors.New("no C files")
	}
	if err := src.write(t.dir); err != nil {
		return t, err
	}
	cache := o.Zig.Cache
	if cache == "" {
		cache = filepath.Join(tmp, "zig-global")
	}
	t.env = append(ours("PATH", "TMPDIR"), "HOME="+tmp, "LC_ALL=C", "ZIG_GLOBAL_CACHE_DIR="+cache, "ZIG_LOCAL_CACHE_DIR="+filepath.Join(tmp, "zig-local"))
	out, err := t.run(ctx, "version")
	if err != nil {
		return t, fmt.Errorf("%w; workloads in C are built with Zig %s", err, ZigVersion)
	}
	if got := strings.TrimSpace(string(out)); got != ZigVersion {
		return t, fmt.Errorf("%s is Zig %s; workloads in C are built with %s", o.Zig.Program, got, ZigVersion)
	}
	return t, nil
}

func (t zigTool) facts() map[string]string {
	facts := map[string]string{"toolchain": "zig " + ZigVersion}
	if !t.zig.Digest.IsZero() {
		facts["toolchain_digest"] = t.zig.Digest.String()
	}
	return facts
}

func (t zigTool) variants() []assay.Variant {
	if t.spec.Reactor {
		return []assay.Variant{assay.MVP, assay.Reactor, assay.ReactorMVP}
	}
	return []assay.Variant{assay.MVP}
}

func (t zigTool) module(ctx context.Context, v assay.Variant, out string) ([]byte, error) {
	args := slices.Clone(wasmFlags)
	if v == assay.MVP || v == assay.ReactorMVP {
		args = append(args, "-mcpu=mvp")
	} else {
		for _, f := range t.spec.Features {
			args = append(args, "-m"+f)
		}
	}
	if v == assay.Reactor || v == assay.ReactorMVP {
		args = append(args, "-mexec-model=reactor", benchDir+"/reactor.c")
	} else if t.spec.Reactor {
		args = append(args, benchDir+"/command.c")
	}
	return t.cc(ctx, "wasm32-wasi", out, args)
}

func (t zigTool) native(ctx context.Context, platform, out string) ([]byte, error) {
	target, ok := zigTargets[platform]
	if !ok {
		return nil, fmt.Errorf("build for %s: C is built for %s", platform, strings.Join(slices.Sorted(maps.Keys(zigTargets)), " and "))
	}
	args := []string{"-mcpu=baseline", "-static"}
	if t.spec.Reactor {
		args = append(args, benchDir+"/command.c")
	}
	return t.cc(ctx, target, out, args)
}

// cc returns what zig cc makes for target, which is written at out.
func (t zigTool) cc(ctx context.Context, target, out string, args []string) ([]byte, error) {
	args = slices.Concat([]string{"cc", "-target", target}, CFlags, t.spec.Flags, args, t.sources, []string{"-o", out})
	if _, err := t.run(ctx, args...); err != nil {
		return nil, fmt.Errorf("build for %s: %w", target, err)
	}
	return os.ReadFile(out)
}

// run runs the zig command and returns its standard output.
func (t zigTool) run(ctx context.Context, args ...string) ([]byte, error) {
	if t.zig.Program == "" {
		return nil, errors.New("no zig command given")
	}
	cmd := exec.CommandContext(ctx, t.zig.Program, args...)
	cmd.Dir, cmd.Env = t.dir, t.env
	return tool(ctx, cmd, "zig "+args[0])
}
