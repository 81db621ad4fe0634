package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assay-notebooks/assay/internal/nodewasi"
)

//go:embed node.mjs
var nodeScript []byte

// ErrNoNode says that there is no Node to be the referee.
var ErrNoNode = errors.New("node not found: install Node.js, or choose another engine")

// runNode returns the module's exit status.
func runNode(ctx context.Context, module, input []byte, stdout, stderr io.Writer, o Options) (exit int, err error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return 0, ErrNoNode
	}
	if o.Cache == "" {
		return 0, errors.New("no cache directory to install the referee's WASI in")
	}
	wasi, err := nodewasi.Dir(ctx, o.Cache)
	if err != nil {
		return 0, err
	}
	tmp, err := os.MkdirTemp("", "assay-referee-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	script, file := filepath.Join(tmp, "node.mjs"), filepath.Join(tmp, "figure.wasm")
	if err := errors.Join(os.WriteFile(script, nodeScript, 0o600), os.WriteFile(file, module, 0o600)); err != nil {
		return 0, err
	}
	return runProcess(ctx, process{
		argv:   []string{node, script, filepath.Join(wasi, filepath.FromSlash(nodewasi.Shim)), file},
		dir:    tmp,
		stdin:  bytes.NewReader(input),
		stdout: stdout,
		stderr: stderr,
	})
}
