package images

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// goMod is given to a workload that has none. Its name and language version
// are part of what is built, so they are fixed.
const goMod = "module workload\n\ngo 1.26.0\n"

// Flags are how every form is built, after "go build".
var Flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}

// A goTool is a go command, in the directory of one module.
type goTool struct {
	path, version, dir string
	env                []string
	reactor            bool
}

// Where modules and build results are kept and fetched from may differ by
// machine; what they are may not.
var (
	keptGoEnv = []string{
		"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE",
	}
	keptEnv = []string{
		"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	}
	fixedEnv = []string{
		"GOENV=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GO111MODULE=on", "GOEXPERIMENT=", "GODEBUG=",
		"GOFIPS140=off", "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOWASM=", "LC_ALL=C",
	}
)

// newGo lays src out below tmp, finds the go command and asks it, with the
// user's own settings, where its caches are.
func newGo(ctx context.Context, src source, spec Spec, o Options, tmp string) (goTool, error) {
	dir := filepath.Join(tmp, "src")
	if _, ok := src["go.mod"]; !ok {
		if err := os.Mkdir(dir, 0o777); err != nil {
			return goTool{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(goMod), 0o666); err != nil {
			return goTool{}, err
		}
	}
	if err := src.write(dir); err != nil {
		return goTool{}, err
	}
	name := o.Go
	if name == "" {
		name = "go"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return goTool{}, fmt.Errorf("%w; workloads are built with Go: install it from https://go.dev/dl", err)
	}
	t := goTool{path: path, dir: dir, reactor: spec.Reactor, env: append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=")}
	out, err := t.run(ctx, append([]string{"env", "-json", "GOVERSION"}, keptGoEnv...)...)
	if err != nil {
		return goTool{}, err
	}
	vars := map[string]string{}
	if err := json.Unmarshal(out, &vars); err != nil {
		return goTool{}, fmt.Errorf("%s env: %w", path, err)
	}
	t.version = vars["GOVERSION"]
	t.env = ours(keptEnv...)
	for _, k := range keptGoEnv {
		t.env = append(t.env, k+"="+vars[k])
	}
	t.env = append(t.env, fixedEnv...)
	return t, nil
}

func (t goTool) facts() map[string]string { return map[string]string{"toolchain": t.version} }

func (t goTool) variants() []assay.Variant { return orReactor(t.reactor) }

func (t goTool) module(ctx context.Context, v assay.Variant, out string) ([]byte, error) {
	if v == assay.Reactor {
		return t.build(ctx, "wasip1/wasm", out, "-buildmode=c-shared")
	}
	return t.build(ctx, "wasip1/wasm", out)
}

func (t goTool) native(ctx context.Context, platform, out string) ([]byte, error) {
	return t.build(ctx, platform, out)
}

// build returns what go build makes for platform, which is written at out.
func (t goTool) build(ctx context.Context, platform, out string, mode ...string) ([]byte, error) {
	system, processor, _ := strings.Cut(platform, "/")
	t.env = append(t.env[:len(t.env):len(t.env)], "GOOS="+system, "GOARCH="+processor)
	args := slices.Concat([]string{"build"}, Flags, mode, []string{"-o", out, "."})
	if _, err := t.run(ctx, args...); err != nil {
		return nil, fmt.Errorf("build for %s: %w", platform, err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("build for %s: %w; is it package main?", platform, err)
	}
	return b, nil
}

// run runs the go command and returns its standard output.
func (t goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir, cmd.Env = t.dir, t.env
	return tool(ctx, cmd, "go "+args[0])
}
