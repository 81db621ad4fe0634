package lab

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
)

// A follower reads the invocations of a journal as they are written, by
// another process, into a file that need not be there yet.
type follower struct {
	path string
	file *os.File
	r    *journal.Reader
}

// next returns the rows of each invocation that came since the last call.
func (f *follower) next() ([][]assay.Sample, error) {
	if f.file == nil {
		file, err := os.Open(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		f.file, f.r = file, journal.NewReader(file)
	}
	var fresh [][]assay.Sample
	for {
		frame, err := f.r.Next()
		if errors.Is(err, io.EOF) {
			return fresh, nil
		}
		if err != nil {
			return fresh, err
		}
		if frame.Rows != nil {
			fresh = append(fresh, frame.Rows)
		}
	}
}

func (f *follower) close() {
	if f.file != nil {
		f.file.Close()
	}
}
