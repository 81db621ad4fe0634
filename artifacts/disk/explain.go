package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// A remedied error says what to do.
type remedied struct {
	err    error
	remedy string
}

func (e *remedied) Error() string { return e.err.Error() + "; " + e.remedy }
func (e *remedied) Unwrap() error { return e.err }

func (b *Backend) explain(err error) error { return Explain(b.dir, err) }

// Explain adds the remedy to an error about files in dir that has one, once.
func Explain(dir string, err error) error {
	var done *remedied
	if err == nil || errors.As(err, &done) {
		return err
	}
	remedy := ""
	switch {
	case errors.Is(err, syscall.ENOSPC):
		remedy = fmt.Sprintf("the disk of %s is full: free space there, or remove unreferenced blobs (store gc), and try again", dir)
	case errors.Is(err, syscall.EDQUOT):
		remedy = fmt.Sprintf("the disk quota of %s is used up: free space there, and try again", dir)
	case errors.Is(err, syscall.EROFS):
		remedy = fmt.Sprintf("%s is on a read-only file system: to write, remount it or copy what is there elsewhere", dir)
	case errors.Is(err, fs.ErrPermission):
		remedy = fmt.Sprintf("this user may not do that in %s: run as its owner, or have its permissions changed", dir)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		remedy = "raise the limit of open files (ulimit -n)"
	case errors.Is(err, syscall.EIO):
		remedy = fmt.Sprintf("the disk of %s gives errors: copy what is there elsewhere and check it", dir)
	default:
		return err
	}
	return &remedied{err, remedy}
}
