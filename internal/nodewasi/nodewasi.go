// Package nodewasi installs the WASI that Node and browsers run modules with:
// one npm package in plain JavaScript, pinned by a lock. (Node 20's own WASI
// aborts at random.)
//
// It installs that lock and nothing else; it does not look for node, and does
// not run modules.
package nodewasi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Shim is where, below a directory that Dir returns, the JavaScript module is
// that exports WASI, File, OpenFile, ConsoleStdout and the rest.
const Shim = "node_modules/@bjorn3/browser_wasi_shim/dist/index.js"

// ErrNoNPM says that the package is not installed and there is no npm to
// install it with.
var ErrNoNPM = errors.New("npm not found: install Node.js with npm")

//go:embed package.json package-lock.json
var project embed.FS

// digests are of the files that node reads, as sha256sum -c reads them.
//
//go:embed installed.sha256
var digests string

const lockFile = "package-lock.json"

// Dir returns the directory that holds the installed package, below cacheDir,
// installing it with "npm ci" if it is not there or damaged. The directory is named by
// the digest of the lock, appears whole or not at all, and is the same for any
// number of processes that call at once. Only the first call needs npm and
// the network. Without npm the error is ErrNoNPM.
func Dir(ctx context.Context, cacheDir string) (string, error) {
	lock, err := project.ReadFile(lockFile)
	if err != nil {
		return "", err
	}
	cacheDir, err = filepath.Abs(cacheDir) // node resolves the path from another directory
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(lock)
	dir := filepath.Join(cacheDir, "node-wasi-"+hex.EncodeToString(digest[:6]))
	if verify(dir) == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	tmp, err := os.MkdirTemp(cacheDir, ".node-wasi-")
	if err != nil {
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := install(ctx, tmp); err != nil {
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	if err := replace(dir, tmp); err != nil && verify(dir) != nil { // else another process was faster
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	return dir, nil
}

// replace renames next to dir, and removes what was there.
func replace(dir, next string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(next, dir)
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), ".node-wasi-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	if err := os.Rename(dir, filepath.Join(aside, "damaged")); err != nil {
		return err
	}
	return os.Rename(next, dir)
}

// verify returns an error if the package in dir is not, byte for byte, the one
// that the lock names.
func verify(dir string) error {
	for line := range strings.Lines(digests) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if digest := sha256.Sum256(b); hex.EncodeToString(digest[:]) != want {
			return fmt.Errorf("%s: want a file of SHA-256 %s", name, want)
		}
	}
	return nil
}

// install runs npm ci in dir. npm checks what it downloads against the
// integrity digests in the lock.
func install(ctx context.Context, dir string) error {
	if err := os.CopyFS(dir, project); err != nil {
		return err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return ErrNoNPM
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &output, &output
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Run(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("npm ci: %w: %s; check the network and npm's registry setting",
			err, strings.TrimSpace(output.String())))
	}
	if err := verify(dir); err != nil {
		return fmt.Errorf("npm ci: %w", err)
	}
	return nil
}
