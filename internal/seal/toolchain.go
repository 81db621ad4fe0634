package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrNoGo is matched when there is no go command.
var ErrNoGo = errors.New("go not found: install Go from https://go.dev/dl and put it on PATH")

// flags are the flags of go build that every figure is sealed with.
var flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}

// A toolchain is the go command, in an environment in which it gives the same
// bytes whoever calls it.
type toolchain struct {
	path    string
	version string // "go1.26.8"
	proxy   string // the user's GOPROXY
	goroot  string
	gocache string
	env     []string
}

// passed are the variables of the process that go may see: where it keeps
// things, and how it reaches the module proxy. Nothing in them can change what
// is built.
var passed = []string{
	"HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SSL_CERT_DIR", "SSL_CERT_FILE",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// settings are the settings of go, from wherever the user keeps them, that it
// may keep.
var settings = []string{
	"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOPROXY", "GOINSECURE",
}

// findToolchain asks the go command on PATH what it is. Where the user has no
// build cache, there will be one below cacheDir.
func findToolchain(ctx context.Context, cacheDir string) (*toolchain, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return nil, ErrNoGo
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"env", "-json", "GOVERSION", "GOPROXY"}, settings...)...)
	cmd.Dir = os.TempDir() // a go.mod or go.work of the user's must not choose the toolchain
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GODEBUG=")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", withStderr(ctx, err))
	}
	values := map[string]string{}
	if err := json.Unmarshal(out, &values); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return nil, fmt.Errorf("%s env -json printed %.80q, which is not JSON: put Go from https://go.dev/dl before it on PATH", path, first)
	}
	if cache := values["GOCACHE"]; cache == "" || cache == "off" {
		values["GOCACHE"] = filepath.Join(cacheDir, "go-build")
	}
	t := &toolchain{path: path, version: values["GOVERSION"], proxy: values["GOPROXY"], goroot: values["GOROOT"], gocache: values["GOCACHE"]}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			t.env = append(t.env, name+"="+value)
		}
	}
	for _, name := range settings {
		t.env = append(t.env, name+"="+values[name])
	}
	t.env = append(t.env, "GOENV=off", "GOTOOLCHAIN=local", "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0",
		"GOFLAGS=", "GOWORK=off", "GO111MODULE=on", "GOEXPERIMENT=", "GOWASM=", "GODEBUG=", "GOFIPS140=off", "LC_ALL=C", "TZ=UTC")
	return t, nil
}

// require reports whether the toolchain can build a module with this go
// directive: "1.26.0".
func (t *toolchain) require(directive string) error {
	if version.IsValid(t.version) && version.Compare(t.version, "go"+directive) < 0 {
		return fmt.Errorf("figures are sealed with Go %s or later, and %s is %s: install a later one from https://go.dev/dl",
			directive, t.path, t.version)
	}
	return nil
}

// run runs go in dir and returns stdout. It keeps off the network while the
// module cache has everything.
func (t *toolchain) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	out, err := t.runWith(ctx, dir, "off", args...)
	if err != nil && strings.Contains(err.Error(), "GOPROXY=off") && t.proxy != "off" {
		out, err = t.runWith(ctx, dir, t.proxy, args...)
	}
	return out, err
}

func (t *toolchain) runWith(ctx context.Context, dir, proxy string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(t.env), "GOPROXY="+proxy, "PWD="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its compilers and linker
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], withStderr(ctx, err))
	}
	return out, nil
}

// withStderr adds what a process said to its exit status.
func withStderr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
