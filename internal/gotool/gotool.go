// Package gotool builds the programs that the modules below tools/ pin, for
// tests and benchmarks that ask an independent program.
package gotool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Build returns the program of the tool directive in tools/NAME/go.mod. It is
// built once into the cache, under a name that changes with what it is built
// from; of several processes one builds. The working directory is in the module.
func Build(ctx context.Context, name string) (path string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "tools", name)
	pkg, key, err := recipe(dir)
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	path = filepath.Join(cache, name+"-"+key)
	mutex, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return "", err
	}
	defer mutex.Close() // releases it
	if err := unix.Flock(int(mutex.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", mutex.Name(), err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	tmp, err := os.MkdirTemp(cache, ".build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(tmp, name), pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %s", pkg, strings.TrimSpace(string(out)))
	}
	return path, os.Rename(filepath.Join(tmp, name), path)
}

var toolLine = regexp.MustCompile(`(?m)^tool (\S+)$`)

// recipe returns the package that the module in dir is there for, and a key of
// everything its program is built from.
func recipe(dir string) (pkg, key string, err error) {
	h := sha256.New()
	h.Write([]byte(runtime.Version() + runtime.GOOS + runtime.GOARCH))
	for _, file := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", "", err
		}
		if m := toolLine.FindSubmatch(b); m != nil {
			pkg = string(m[1])
		}
		h.Write(b)
	}
	if pkg == "" {
		return "", "", fmt.Errorf("%s: go.mod has no tool line", dir)
	}
	return pkg, hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// cacheDir returns the folder of built tools, and makes it.
func cacheDir() (string, error) {
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "assay")
	}
	dir, err := filepath.Abs(filepath.Join(cache, "tools"))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o777)
}

// moduleRoot returns the folder above that has tools/ and go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		_, errMod := os.Stat(filepath.Join(d, "go.mod"))
		_, errTools := os.Stat(filepath.Join(d, "tools"))
		if errMod == nil && errTools == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is not in the checkout of assay", dir)
		}
	}
}
