package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Files is every operation that the backend performs on a file system, so that
// tests can make each of them fail.
type Files interface {
	Create(name string) (File, error) // for writing; it must not exist; mode 0444
	Open(name string) (File, error)   // for reading; follows no symbolic link
	Lstat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Mkdir(name string) error
	Link(from, to string) error
	Rename(from, to string) error
	Remove(name string) error
	Touch(name string, t time.Time) error // sets the modification time
	Sync(name string) error               // makes a file's bytes, or a directory's entries, durable

	// Volume opens the file system that a directory is on. It is ErrUnsupported
	// where a sync of all of it would not tell of bytes that were lost.
	Volume(name string) (Volume, error)

	// TryLock takes an advisory lock, creating the file if it can, or fails
	// with ErrLocked. The lock ends with the process.
	TryLock(name string, exclusive bool) (io.Closer, error)
}

// A File is an open file.
type File interface {
	io.ReadWriteCloser
	Stat() (fs.FileInfo, error)
}

// A Volume is an open file system.
type Volume interface {
	io.Closer
	// Sync makes durable all that was written to files, or fails if any of that
	// was lost. It tells of a loss once: later calls, and calls at the same time,
	// succeed.
	Sync() error
}

// ErrLocked reports a lock that someone else holds.
var ErrLocked = errors.New("locked")

// System is the operating system's files.
type System struct{}

func (System) Create(name string) (File, error) {
	return openFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
}

func (System) Open(name string) (File, error) {
	return openFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
}

// openFile returns no typed nil.
func openFile(name string, flag int, mode fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (System) Lstat(name string) (fs.FileInfo, error)     { return os.Lstat(name) }
func (System) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (System) Mkdir(name string) error                    { return os.Mkdir(name, 0o777) }
func (System) Link(from, to string) error                 { return os.Link(from, to) }
func (System) Rename(from, to string) error               { return os.Rename(from, to) }
func (System) Remove(name string) error                   { return os.Remove(name) }
func (System) Touch(name string, t time.Time) error       { return os.Chtimes(name, time.Time{}, t) }

func (System) Sync(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (System) TryLock(name string, exclusive bool) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		f, err = os.Open(name) // a lock needs no right to write
	}
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case err == unix.EINTR:
		case err == unix.EWOULDBLOCK:
			return nil, errors.Join(ErrLocked, f.Close())
		default:
			return nil, errors.Join(&fs.PathError{Op: "flock", Path: name, Err: err}, f.Close())
		}
	}
}
