package notebook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/scratch"
)

// A Notebook is a notebook file.
type Notebook = nbformat.Notebook

// Read reads a notebook file.
func Read(path string) (*Notebook, error) { return nbformat.Read(path) }

// Target returns the file that writing to path replaces: the one that it is a
// link to. An error, which matches failure.ErrUsage, says that it is no file that
// can be replaced, or that it is the notebook in, unless that is "".
func Target(path, in string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, writable(path)
	}
	if err != nil {
		return "", err
	}
	st, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", failure.Usagef("%s is not a plain file: name one to write to", path)
	}
	if in == "" {
		return target, writable(target)
	}
	if input, err := os.Stat(in); err == nil && os.SameFile(input, st) {
		return "", failure.Usagef("%s is the notebook itself: --inplace writes to it", path)
	}
	return target, writable(target)
}

// writable reports why Write would not write to path: before anything is
// executed whose results would have no place.
func writable(path string) error {
	err := scratch.Writable(filepath.Dir(path))
	if err == nil {
		return nil
	}
	if open, ok := errors.AsType[*fs.PathError](err); ok && open.Op == "open" {
		err = open.Err // not the probe's name
	}
	return fmt.Errorf("%s cannot be written (%w): write elsewhere with -o", path, err)
}

// Write writes the notebook to a file that Target has returned, all or
// nothing, with the permissions of one that is there.
func Write(path string, nb *Notebook) error {
	mode := fs.FileMode(0o644)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(path, nb.Bytes(), mode)
}
