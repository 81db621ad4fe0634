package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/internal/scratch"
)

// A place is the private directory of one kernel: its programs, its sockets,
// GoNB's source and binary of the cells.
type place struct {
	dir string
	*scratch.Dir
}

const (
	placePrefix = "assay-kernel."
	// longest is what GoNB adds to the path of its directory to name a socket,
	// which together must have fewer than 104 bytes (macOS; Linux has 108).
	longest = "/" + placePrefix + "4294967295" + "/gonb_12345678/gopls_socket"
)

// newPlace makes a place, in the first directory that will do: not the one of
// the workspace, because its path may be long. It removes those of kernels that
// were killed.
func newPlace() (*place, error) {
	var errs []error
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		base, err := filepath.EvalSymlinks(base)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(base)+len(longest) >= 104 {
			errs = append(errs, fmt.Errorf("%s: too long a path for a socket", base))
			continue
		}
		if err := scratch.Sweep(base, placePrefix); err != nil {
			errs = append(errs, err)
		}
		d, err := scratch.New(base, placePrefix, executable)
		if err == nil {
			return &place{d.Path, d}, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no directory for the kernel's files: %w: set TMPDIR to one that is short, writable and not mounted noexec", errors.Join(errs...))
}

// executable reports why programs in dir cannot be executed, as on a file
// system mounted noexec.
func executable(dir string) error {
	path := filepath.Join(dir, "probe")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		return err
	}
	defer os.Remove(path)
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Errorf("execute a program in %s: %w", dir, err)
	}
	return nil
}

// served reports whether GoNB has begun with a cell: it writes its source here.
func (p *place) served() bool {
	sources, err := filepath.Glob(filepath.Join(p.dir, "gonb_*", "main.go"))
	return err != nil || len(sources) > 0
}
