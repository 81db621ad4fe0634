package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/runners/shimcheck"
)

// A ShimResult is how a shim met one check of docs/shim-protocol.md.
type ShimResult = shimcheck.Result

// CheckShim checks that command, a program and what goes before its options,
// is a shim, in a mode of it; "": its default. It reports each check as it was
// made, and ends with one that the shim would not end. The error matches
// failure.ErrMismatch if the shim fails one.
func CheckShim(ctx context.Context, command []string, mode string, report func(ShimResult) error) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return failure.Usagef("shim %s: %v", command[0], err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "assay-shim-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	shim := shimcheck.Shim{Command: append([]string{program}, command[1:]...), Mode: mode, Dir: dir}
	failed, err := shim.CheckAll(ctx, report)
	if errors.Is(err, shimcheck.ErrStopped) {
		return failure.Classed(failure.ErrMismatch, fmt.Errorf("%s is no shim as docs/shim-protocol.md has it: %w", command[0], err))
	}
	if err != nil {
		return err
	}
	if failed > 0 {
		return failure.Classed(failure.ErrMismatch, fmt.Errorf("%s is no shim as docs/shim-protocol.md has it: %d of %d checks fail", command[0], failed, len(shimcheck.Checks)))
	}
	return nil
}
