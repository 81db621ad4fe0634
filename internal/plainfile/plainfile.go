// Package plainfile reads whole files that a person names. It refuses what has no
// end, or more bytes than such a file can be meant to have: a device, a pipe, the
// wrong file.
package plainfile

import (
	"io"
	"os"

	"github.com/assay-notebooks/assay/internal/failure"
)

// Read returns the bytes of the plain file at path. If it is none, or has more
// than limit bytes, the error matches failure.ErrUsage; if there is nothing,
// fs.ErrNotExist. It names the path.
func Read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // to open a pipe waits for whoever writes to it
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, failure.Usagef("%s is a folder: name a file", path)
	case !info.Mode().IsRegular():
		return nil, failure.Usagef("%s is no plain file: name one, or write what comes out of it to one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, failure.Usagef("%s has more than %d bytes, which such a file may have: is it the right one?", path, limit)
	}
	return b, err
}
