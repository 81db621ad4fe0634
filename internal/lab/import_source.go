package lab

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

// A source is the files to import.
type source struct {
	root    *os.Root
	files   fs.FS
	paths   []string // of regular files, in order
	leftOut []string // paths that are nobody's measurements
}

// openSource opens a file or folder. Nothing outside of it is read, whatever
// links say, and nothing of a workspace, a store or a repository of Git below it:
// these hold copies of what was imported, and change with each import. The
// caller closes it.
func openSource(path string) (*source, error) {
	if path == "" {
		return nil, failure.Usagef("no files are named: name a file or folder")
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, failure.Usagef("%w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, failure.Usagef("%w", err)
	}
	dir := real
	if !info.IsDir() {
		if !info.Mode().IsRegular() { // to open a pipe waits for whoever writes to it
			return nil, failure.Usagef("%s is neither a file nor a folder", path)
		}
		dir = filepath.Dir(real)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &source{root: root, files: root.FS()}
	if !info.IsDir() {
		s.files = only{s.files, filepath.Base(real)}
	}
	err = fs.WalkDir(s.files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != "." && info.IsDir() && isOwn(real, path, d) {
			s.leftOut = append(s.leftOut, path)
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if info, err := fs.Stat(s.files, path); err != nil || !info.Mode().IsRegular() {
			return nil // whoever reads it says what is wrong with it
		}
		if s.paths = append(s.paths, path); len(s.paths) > maxSources {
			return failure.Usagef("%s has more than %d files: import a part of them at a time", real, maxSources)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if len(s.leftOut) > 0 {
		s.files = without{s.files, s.leftOut}
	}
	return s, nil
}

// isOwn reports whether what is at path below dir belongs to a workspace, is a
// store, or belongs to Git.
func isOwn(dir, path string, d fs.DirEntry) bool {
	switch d.Name() {
	case settings.Folder, pins.File, ".git":
		return true
	}
	if !d.IsDir() {
		return false
	}
	folder := filepath.Join(dir, path)
	if info, err := os.Lstat(filepath.Join(folder, "FORMAT")); err != nil || !info.Mode().IsRegular() {
		return false // most folders; and to open a pipe waits for whoever writes to it
	}
	_, err := disk.Open(folder)
	return err == nil
}

// without is a folder without some of what is in it. What is left out can still
// be opened, and is not listed.
type without struct {
	fs.FS
	paths []string
}

// ReadDir implements fs.ReadDirFS.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(all, func(d fs.DirEntry) bool { return slices.Contains(w.paths, path.Join(name, d.Name())) }), err
}

// Close closes the folder.
func (s *source) Close() error { return s.root.Close() }

func (s *source) digest(ctx context.Context, path string) (assay.Digest, error) {
	if err := ctx.Err(); err != nil {
		return assay.Digest{}, context.Cause(ctx)
	}
	f, err := s.files.Open(path)
	if err != nil {
		return assay.Digest{}, err
	}
	defer f.Close()
	return filedigest.From(f)
}

// only is one file of a folder, and nothing else of it.
type only struct {
	fs.FS
	name string
}

// Open implements fs.FS.
func (o only) Open(name string) (fs.File, error) {
	if name != "." && name != o.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (o only) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	info, err := fs.Stat(o.FS, o.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}
