package kernel

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/renameio/v2"
)

//go:embed logo-svg.svg
var logo []byte

// Install writes the kernelspec below a Jupyter data directory
// ("/usr/share/jupyter"), in place of one that is there, and returns its
// folder.
func Install(o Options, dir string) (string, error) {
	spec := struct {
		Argv          []string          `json:"argv"`
		DisplayName   string            `json:"display_name"`
		Language      string            `json:"language"`
		InterruptMode string            `json:"interrupt_mode"`
		Env           map[string]string `json:"env"`
		Metadata      map[string]any    `json:"metadata"`
	}{
		Argv:          []string{o.Assay, "kernel", "{connection_file}"},
		DisplayName:   DisplayName,
		Language:      Language,
		InterruptMode: "message",
		Env:           map[string]string{},
		Metadata:      map[string]any{},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(spec); err != nil {
		return "", err
	}
	folder := filepath.Join(dir, "kernels", Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("install kernelspec: %w", err)
	}
	for name, data := range map[string][]byte{"kernel.json": b.Bytes(), "logo-svg.svg": logo} {
		if err := renameio.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return "", fmt.Errorf("install kernelspec: %w", err)
		}
	}
	return folder, nil
}

// DataDir returns the Jupyter data directory for Install: below prefix, or, if
// that is "", the user's.
func DataDir(prefix string) (string, error) {
	if prefix != "" {
		abs, err := filepath.Abs(prefix)
		return filepath.Join(abs, "share", "jupyter"), err
	}
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("the user's Jupyter data directory: %w: set JUPYTER_DATA_DIR or use --prefix", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}
