package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/assay-notebooks/assay/internal/nodewasi"
)

//go:embed node.mjs
var nodeScript []byte

// nodeTrap is the exit status with which node.mjs reports a trap.
const nodeTrap = 125

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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, script, filepath.Join(wasi, filepath.FromSlash(nodewasi.Shim)), file)
	cmd.Dir, cmd.Env = tmp, []string{"TZ=UTC"} // NODE_OPTIONS and the like stay out
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), stderr
	cmd.Stdout = stopWriter{stdout, cancel}
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if status, ok := errors.AsType[*exec.ExitError](err); ok && status.ExitCode() >= 0 {
		if status.ExitCode() == nodeTrap {
			return 0, &trapError{"the referee could not run it to its end"}
		}
		return status.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run the referee: %w", err)
	}
	return 0, nil
}

// A stopWriter ends the process whose output its writer does not take.
type stopWriter struct {
	io.Writer
	stop context.CancelFunc
}

func (w stopWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.stop()
	}
	return n, err
}
