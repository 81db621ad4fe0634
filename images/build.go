package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// goMod is given to a workload that has none. Its name and language version
// are part of what is built, so they are fixed.
const goMod = "module workload\n\ngo 1.26.0\n"

// Flags are how every form is built, after "go build".
var Flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}

// Build builds the workload in dir. The source is copied first, so that what
// is built is exactly what Built.Source holds.
//
// A workload that has no Go source names its module in workload.yaml; it has
// no native form.
func Build(ctx context.Context, dir string, o Options) (*Built, error) {
	b, err := build(ctx, dir, o)
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", dir, err)
	}
	return b, nil
}

func build(ctx context.Context, dir string, o Options) (*Built, error) {
	src, err := readSource(dir)
	if err != nil {
		return nil, err
	}
	text, ok := src[SpecFile]
	if !ok {
		return nil, fmt.Errorf("no %s; write one with at least a name", SpecFile)
	}
	spec, err := ParseSpec(text)
	if err != nil {
		return nil, err
	}
	b := &Built{Name: spec.Name, Args: spec.Args, Env: spec.Env, Steady: spec.Steady, Facts: map[string]string{}}
	if b.Expect, err = spec.Expect.expectation(src); err != nil {
		return nil, err
	}
	if spec.Stdin != "" {
		if b.Stdin, err = src.read(spec.Stdin); err != nil {
			return nil, fmt.Errorf("stdin: %w", err)
		}
	}
	if b.Source, err = src.tar(); err != nil {
		return nil, err
	}
	b.addFact("licence", spec.Licence)
	b.addFact("url", spec.URL)
	if spec.Module != "" {
		if b.Module, err = src.read(spec.Module); err != nil {
			return nil, fmt.Errorf("module: %w", err)
		}
	} else if err := b.compile(ctx, src, o); err != nil {
		return nil, err
	}
	if err := CheckModule(b.Module, spec.Imports); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Built) addFact(key, value string) {
	if value != "" {
		b.Facts[key] = value
	}
}

// compile builds every form of src.
func (b *Built) compile(ctx context.Context, src source, o Options) error {
	tmp, err := os.MkdirTemp("", "assay-workload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	at := filepath.Join(tmp, "src")
	if _, ok := src["go.mod"]; !ok {
		if err := os.Mkdir(at, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(at, "go.mod"), []byte(goMod), 0o666); err != nil {
			return err
		}
	}
	if err := src.write(at); err != nil {
		return err
	}
	tool, err := findGo(ctx, o.Go, at)
	if err != nil {
		return err
	}
	b.addFact("toolchain", tool.version)
	if b.Module, err = tool.build(ctx, "wasip1/wasm", filepath.Join(tmp, "module")); err != nil {
		return err
	}
	platforms := o.Platforms
	if platforms == nil {
		platforms = DefaultPlatforms
	}
	b.Native, b.Images = map[string][]byte{}, map[string]Container{}
	for _, p := range platforms {
		if err := checkPlatform(p); err != nil {
			return err
		}
		if b.Native[p], err = tool.build(ctx, p, filepath.Join(tmp, "native")); err != nil {
			return err
		}
		if b.Images[p], err = container(p, b.Native[p], b.Args, b.Env); err != nil {
			return fmt.Errorf("container image for %s: %w", p, err)
		}
	}
	return nil
}

var platformGrammar = regexp.MustCompile(`^[a-z0-9]{1,16}/[a-z0-9]{1,16}$`)

func checkPlatform(p string) error {
	if !platformGrammar.MatchString(p) {
		return fmt.Errorf("platform %q: want system/processor, such as linux/amd64", p)
	}
	return nil
}

// A goTool is a go command, in the directory of one module.
type goTool struct {
	path, version, dir string
	env                []string
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

// findGo finds the go command and asks it, with the user's own settings, where
// its caches are.
func findGo(ctx context.Context, name, dir string) (goTool, error) {
	if name == "" {
		name = "go"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return goTool{}, fmt.Errorf("%w; workloads are built with Go: install it from https://go.dev/dl", err)
	}
	t := goTool{path: path, dir: dir, env: append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=")}
	out, err := t.run(ctx, append([]string{"env", "-json", "GOVERSION"}, keptGoEnv...)...)
	if err != nil {
		return goTool{}, err
	}
	vars := map[string]string{}
	if err := json.Unmarshal(out, &vars); err != nil {
		return goTool{}, fmt.Errorf("%s env: %w", path, err)
	}
	t.version, t.env = vars["GOVERSION"], nil
	for _, k := range keptEnv {
		if v, ok := os.LookupEnv(k); ok {
			t.env = append(t.env, k+"="+v)
		}
	}
	for _, k := range keptGoEnv {
		t.env = append(t.env, k+"="+vars[k])
	}
	t.env = append(t.env, fixedEnv...)
	return t, nil
}

// build returns the executable for platform, which is written at out.
func (t goTool) build(ctx context.Context, platform, out string) ([]byte, error) {
	system, processor, _ := strings.Cut(platform, "/")
	t.env = append(t.env[:len(t.env):len(t.env)], "GOOS="+system, "GOARCH="+processor)
	args := append([]string{"build"}, Flags...)
	if _, err := t.run(ctx, append(args, "-o", out, ".")...); err != nil {
		return nil, fmt.Errorf("build for %s: %w", platform, err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("build for %s: %w; is it package main?", platform, err)
	}
	return b, nil
}

// run runs the go command and returns its standard output. It dies, with the
// compilers it started, when ctx ends.
func (t goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir, cmd.Env = t.dir, t.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	said := strings.TrimSpace(stderr.String())
	if said == "" {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	if errors.As(err, new(*exec.ExitError)) {
		return nil, fmt.Errorf("go %s: %s", args[0], said)
	}
	return nil, fmt.Errorf("go %s: %w: %s", args[0], err, said)
}
