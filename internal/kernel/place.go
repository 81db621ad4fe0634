package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// A place is the private directory of one kernel: its programs, its sockets,
// GoNB's source and binary of the cells. While its kernel lives, the directory
// is locked.
type place struct {
	dir  string
	lock *os.File
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
		if err := sweep(base); err != nil {
			errs = append(errs, err)
		}
		p, err := placeIn(base)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no directory for the kernel's files: %w: set TMPDIR to one that is short, writable and not mounted noexec", errors.Join(errs...))
}

func placeIn(base string) (*place, error) {
	tmp, err := os.MkdirTemp(base, ".assay-kernel-")
	if err != nil {
		return nil, err
	}
	p, err := settleIn(tmp)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return p, nil
}

// settleIn locks a new directory and gives it its name: what has that name is
// locked, or abandoned.
func settleIn(tmp string) (*place, error) {
	if err := executable(tmp); err != nil {
		return nil, err
	}
	lock, err := os.Open(tmp)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", tmp, err), lock.Close())
	}
	base, unique := filepath.Dir(tmp), filepath.Base(tmp)[len(".assay-kernel-"):]
	p := &place{filepath.Join(base, placePrefix+unique), lock}
	if err := os.Rename(tmp, p.dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return p, nil
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

// remove removes the directory, and then unlocks it.
func (p *place) remove() error {
	return errors.Join(os.RemoveAll(p.dir), p.lock.Close())
}

// served reports whether GoNB has begun with a cell: it writes its source here.
func (p *place) served() bool {
	sources, err := filepath.Glob(filepath.Join(p.dir, "gonb_*", "main.go"))
	return err != nil || len(sources) > 0
}

// sweep removes the places of ours in base whose kernels are dead.
func sweep(base string) error {
	dirs, err := filepath.Glob(filepath.Join(base, placePrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		if err := sweepOne(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func sweepOne(dir string) error {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // not ours
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); !ok || int(sys.Uid) != os.Geteuid() {
		return nil
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil // at work
	}
	return os.RemoveAll(dir)
}
