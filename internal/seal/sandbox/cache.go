package sandbox

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cacheBytes is how much machine code is kept: that of some 130 sealed cells.
const cacheBytes = 4 << 30

// trim removes the oldest files below dir until most bytes are left. It may
// run while others use the cache: what they have opened stays readable, and
// what is gone is compiled again.
func trim(dir string, most int64) error {
	type file struct {
		path    string
		size    int64
		written time.Time
	}
	var files []file
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return ignoreGone(err)
		}
		info, err := e.Info()
		if err == nil {
			files = append(files, file{path, info.Size(), info.ModTime()})
		}
		return ignoreGone(err)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b file) int { // the newest first
		return cmp.Or(b.written.Compare(a.written), cmp.Compare(a.path, b.path))
	})
	for _, f := range files {
		if most -= f.size; most < 0 {
			if err := ignoreGone(os.Remove(f.path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ignoreGone returns err, or nil if it says that another was quicker to remove
// the file.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
