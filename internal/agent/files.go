package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assay-notebooks/assay"
)

// filesOf returns the files that c needs: its program, its stdin, and those of
// its arguments that are files now. An argument may as well be a path that the
// workload is asked to make.
func filesOf(c assay.Command) []string {
	files := []string{c.Argv[0]}
	if c.Stdin != "" {
		files = append(files, c.Stdin)
	}
	for _, arg := range c.Argv[1:] {
		if !filepath.IsAbs(arg) {
			continue
		}
		if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
			files = append(files, arg)
		}
	}
	return files
}

// present returns an error if one of files is not there. What failed then says
// nothing about the workload.
func present(files []string) error {
	for _, path := range files {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s, which the plan names, is gone: resume the run, which puts it back: %w", path, fs.ErrNotExist)
		}
	}
	return nil
}
