//go:build !linux

package measure

import (
	"context"
	"runtime"

	"github.com/assay-notebooks/assay"
)

// A Launcher runs commands, where there is Linux.
type Launcher struct{}

// Start fails with ErrNeedsLinux.
func Start(exe, dir string) (*Launcher, error) { return nil, ErrNeedsLinux }

// Launch fails with ErrNeedsLinux.
func Launch() error { return ErrNeedsLinux }

// Run fails with ErrNeedsLinux.
func (*Launcher) Run(context.Context, assay.Command, assay.Limits, int) (Result, error) {
	return Result{}, ErrNeedsLinux
}

// Floor returns 0: nothing is measured here.
func (*Launcher) Floor() int64 { return 0 }

// Close does nothing.
func (*Launcher) Close() error { return nil }

// StartTicks fails with ErrNeedsLinux.
func StartTicks(pid int) (uint64, error) { return 0, ErrNeedsLinux }

// Now returns 0: nothing is measured here.
func Now() int64 { return 0 }

// Host returns what Go knows of this machine.
func Host(name string) assay.Host {
	return assay.Host{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
}

// Load1 returns "": it is not known here.
func Load1() string { return "" }
