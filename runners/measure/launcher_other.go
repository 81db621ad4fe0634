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
func (*Launcher) Run(context.Context, assay.Command, Options) (Result, error) {
	return Result{}, ErrNeedsLinux
}

// Counters returns ErrNeedsLinux.
func (*Launcher) Counters() error { return ErrNeedsLinux }

// CheckCPUs returns ErrNeedsLinux.
func CheckCPUs(list string) error { return ErrNeedsLinux }

// Nothing is no program here.
var Nothing []byte

// StorageCounted returns ErrNeedsLinux.
func StorageCounted() error { return ErrNeedsLinux }

// Groups are made where there is Linux.
type Groups struct{}

// FindGroups returns none.
func FindGroups() (groups *Groups, cpu, memory error) { return nil, ErrNeedsLinux, ErrNeedsLinux }

// New fails with ErrNeedsLinux.
func (*Groups) New() (*Group, error) { return nil, ErrNeedsLinux }

// A Group is there where there is Linux.
type Group struct{}

// Dirs returns nil.
func (*Group) Dirs() []string { return nil }

// Read returns nil twice.
func (*Group) Read() (cpu, memory *int64) { return nil, nil }

// Close does nothing.
func (*Group) Close() error { return nil }

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
