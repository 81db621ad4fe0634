package kernel

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

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/scratch"
	"github.com/assay-notebooks/assay/internal/seal/source"
)

// A toolchain is the user's go command, and where it keeps things.
type toolchain struct {
	path     string
	version  string // "go1.26.8"
	gopath   string
	cache    string // GOCACHE
	modules  string // GOMODCACHE
	proxy    string // the user's GOPROXY
	sumdb    string
	settings string // for go's own files of settings and counters, in place of the user's
}

// findToolchain asks the go command on PATH what it is, and requires it to be
// new enough. What it keeps goes below o.Cache where the user's own place
// cannot be written; the environment of this process then says so, for all the
// go commands that it starts.
func findToolchain(ctx context.Context, o Options) (toolchain, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return toolchain{}, errors.New("go not found: install Go 1.26 or later from https://go.dev/dl and put it on the PATH of what starts the kernel")
	}
	cmd := exec.CommandContext(ctx, path, "env", "-json", "GOVERSION", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB")
	cmd.Dir = os.TempDir() // a go.mod or go.work of the user's must not choose the toolchain
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GODEBUG=")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("%s env: %w: install Go 1.26 or later from https://go.dev/dl", path, withStderr(ctx, err))
	}
	var values struct{ GOVERSION, GOPATH, GOCACHE, GOMODCACHE, GOPROXY, GOSUMDB string }
	if err := json.Unmarshal(out, &values); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return toolchain{}, fmt.Errorf("%s env -json printed %.80q, which is not JSON: put Go 1.26 or later from https://go.dev/dl before it on the PATH of what starts the kernel", path, first)
	}
	least, err := leastGo()
	if err != nil {
		return toolchain{}, err
	}
	if version.IsValid(values.GOVERSION) && version.Compare(values.GOVERSION, least) < 0 {
		return toolchain{}, fmt.Errorf("%s is %s, and cells need %s or later: install it from https://go.dev/dl, or put it first on the PATH of what starts the kernel",
			path, values.GOVERSION, least)
	}
	if err := scratch.Writable(o.Cache); err != nil {
		return toolchain{}, fmt.Errorf("the cache %s cannot be written: %w: set ASSAY_CACHE to a folder that can be, for what starts the kernel", o.Cache, err)
	}
	t := toolchain{path: path, version: values.GOVERSION, gopath: values.GOPATH, cache: values.GOCACHE, modules: values.GOMODCACHE,
		proxy: values.GOPROXY, sumdb: values.GOSUMDB, settings: filepath.Join(o.Cache, "go")}
	for _, place := range []struct {
		dir           *string
		name, instead string
	}{
		{&t.cache, "GOCACHE", "go-build"},
		{&t.modules, "GOMODCACHE", "mod"},
	} {
		if filepath.IsAbs(*place.dir) && scratch.Writable(*place.dir) == nil {
			continue
		}
		*place.dir = filepath.Join(o.Cache, place.instead)
		if err := os.Setenv(place.name, *place.dir); err != nil {
			return toolchain{}, err
		}
	}
	return t, nil
}

// leastGo is the version of Go that the source of the cells' side asks for.
func leastGo() (string, error) {
	files, err := source.Files()
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.Name != "go.mod" {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			if v, ok := strings.CutPrefix(line, "go "); ok {
				return "go" + strings.TrimSpace(v), nil
			}
		}
	}
	return "", errors.New("embedded source: its go.mod names no version of Go")
}

// settled are the variables of go that nobody but us sets for a cell: what is
// built must not depend on the shell that Jupyter was started from.
var settled = []string{
	"GOFLAGS", "GOWORK", "GOENV", "GO111MODULE", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOTOOLCHAIN",
	"GOPROXY", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOPRIVATE", "GOINSECURE", "GOPATH", "GOCACHE", "GOMODCACHE",
	"GOBIN", "GOTMPDIR", "GOROOT", "GODEBUG", "GOFIPS140", "CGO_ENABLED",
}

// environ returns the environment in which cells are built and run: that of
// this process, but for the keys of stores, and for go's variables, which are
// all settled.
func (t toolchain) environ() []string {
	env := slices.DeleteFunc(assay.WithoutSecrets(os.Environ()), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(settled, name)
	})
	proxy := os.Getenv("ASSAY_GOPROXY")
	if proxy == "" {
		proxy = "off"
	}
	return append(env, "GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=-ldflags=-w", "CGO_ENABLED=0", "GOPROXY="+proxy, "GOSUMDB="+t.sumdb,
		"GOPATH="+t.gopath, "GOCACHE="+t.cache, "GOMODCACHE="+t.modules)
}

// run runs go in dir as for a cell, with more variables, and returns stdout.
func (t toolchain) run(ctx context.Context, dir string, more []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = dir
	cmd.Env = append(append(t.environ(), "XDG_CONFIG_HOME="+t.settings), more...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with its compilers
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], withStderr(ctx, err))
	}
	return string(out), nil
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
