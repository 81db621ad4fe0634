// Package scratch makes directories that belong to a process and go away with
// it, also if it is killed: then the next process removes them. It keeps
// nothing in them apart.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Dir is a directory, locked as long as its process uses it.
type Dir struct {
	Path string
	lock *os.File
}

// New makes a directory in base whose name begins with prefix, which must not
// begin with a dot, for its owner only. It fails if check, unless nil, fails
// for the directory.
func New(base, prefix string, check func(dir string) error) (*Dir, error) {
	tmp, err := os.MkdirTemp(base, "."+prefix)
	if err != nil {
		return nil, err
	}
	d, err := settle(tmp, check)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return d, nil
}

// settle locks a new directory and then takes the dot off its name: what has a
// name without is locked, or abandoned.
func settle(tmp string, check func(string) error) (*Dir, error) {
	if check != nil {
		if err := check(tmp); err != nil {
			return nil, err
		}
	}
	lock, err := os.Open(tmp)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", tmp, err), lock.Close())
	}
	d := &Dir{filepath.Join(filepath.Dir(tmp), strings.TrimPrefix(filepath.Base(tmp), ".")), lock}
	if err := os.Rename(tmp, d.Path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// Remove removes the directory, and then unlocks it.
func (d *Dir) Remove() error {
	return errors.Join(os.RemoveAll(d.Path), d.lock.Close())
}

// Sweep removes the directories of ours in base whose names begin with prefix
// and whose processes are gone.
func Sweep(base, prefix string) error {
	dirs, err := filepath.Glob(filepath.Join(base, prefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		if err := sweep(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func sweep(dir string) error {
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
		return nil // in use
	}
	return os.RemoveAll(dir)
}

// Writable makes dir if it is not there, and reports why no file can be made
// in it.
func Writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
