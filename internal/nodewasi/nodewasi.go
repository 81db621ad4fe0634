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

const lockFile = "package-lock.json"

// Dir returns the directory that holds the installed package, below cacheDir,
// installing it with "npm ci" if it is not there. The directory is named by
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
	if installed(dir) {
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
	if err := os.Rename(tmp, dir); err != nil && !installed(dir) { // else another process was faster
		return "", fmt.Errorf("install node-wasi: %w", err)
	}
	return dir, nil
}

func installed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(Shim)))
	return err == nil
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
	if !installed(dir) {
		return fmt.Errorf("npm ci: %s: %w", Shim, fs.ErrNotExist)
	}
	return nil
}
