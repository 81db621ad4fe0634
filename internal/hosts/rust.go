package hosts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay/images"
)

// Rust returns the toolchain of the workloads in Rust, and installs it with the
// host's rustup below cache if it is not there: the user's own are left alone.
func Rust(ctx context.Context, cache string) (images.Rustup, error) {
	program, err := exec.LookPath("rustup")
	if err != nil {
		return images.Rustup{}, fmt.Errorf("%w; workloads in Rust are built with Rust %s: install rustup (https://rustup.rs)", err, images.RustVersion)
	}
	r := images.Rustup{Program: program, Home: filepath.Join(cache, "rustup"), CargoHome: filepath.Join(cache, "cargo")}
	if err := os.MkdirAll(r.Home, 0o755); err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, program, "toolchain", "install", images.RustVersion, "--profile=minimal", "--no-self-update",
		"--target="+strings.Join(images.RustTargets(), ","))
	cmd.Env = append(os.Environ(), "RUSTUP_HOME="+r.Home, "CARGO_HOME="+r.CargoHome)
	if out, err := cmd.CombinedOutput(); err != nil {
		return r, errors.Join(ctx.Err(), fmt.Errorf("rustup toolchain install %s: %w: %s", images.RustVersion, err, strings.TrimSpace(string(out))))
	}
	return r, nil
}
