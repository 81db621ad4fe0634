package oci_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// tool returns the program that tools/NAME pins, built once into the cache,
// under a name that changes with what it is built from. Where it cannot be built
// the test is skipped, unless ASSAY_REQUIRE names it.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := buildTool(name, pkg)
	if err == nil {
		return path
	}
	tooltest.Missing(t, name, err)
	return ""
}

func buildTool(name, pkg string) (string, error) {
	dir := filepath.Join("..", "..", "tools", name)
	h := sha256.New()
	h.Write([]byte(runtime.Version() + runtime.GOOS + runtime.GOARCH))
	for _, file := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "assay")
	}
	cache, err := filepath.Abs(filepath.Join(cache, "tools"))
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, name+"-"+hex.EncodeToString(h.Sum(nil)[:6]))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(cache, ".build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(tmp, name), pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(strings.TrimSpace(string(out)))
	}
	return path, os.Rename(filepath.Join(tmp, name), path)
}

// said runs a tool and returns its standard output.
func said(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "NO_COLOR=1")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("%s %s: %v", filepath.Base(path), strings.Join(args, " "), err)
	}
	return string(out)
}
