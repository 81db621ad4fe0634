package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// The limits of a workload's directory.
const (
	sourceFiles = 4096
	sourceBytes = 256 << 20
)

// epoch is the only time that anything built here carries.
var epoch = time.Unix(0, 0).UTC()

// A source is the files of a workload's directory, by slash-separated path.
type source map[string][]byte

// readSource reads dir and its directories. Files and directories whose name
// begins with '.' are no part of a workload; anything but plain files is
// refused, because its meaning lies outside.
func readSource(dir string) (source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	src, total := source{}, int64(0)
	var errs []error
	err = fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
			return nil
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			errs = append(errs, fmt.Errorf("%s: not a plain file; put a copy of what it stands for there", path))
			return nil
		case len(src) == sourceFiles:
			return fmt.Errorf("more than %d files; keep the workload in a directory of its own", sourceFiles)
		}
		f, err := root.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, sourceBytes-total+1))
		if err != nil {
			return err
		}
		if total += int64(len(b)); total > sourceBytes {
			return fmt.Errorf("more than %d MiB; keep the workload in a directory of its own", sourceBytes>>20)
		}
		src[path] = b
		return nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return src, nil
}

// readTar reads a source archive. Nothing but plain files inside of one
// directory is taken.
func readTar(archive []byte) (source, error) {
	src, total := source{}, int64(0)
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return src, nil
		}
		if err != nil {
			return nil, err
		}
		_, twice := src[h.Name]
		switch {
		case h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || path.Clean(h.Name) != h.Name || twice:
			return nil, fmt.Errorf("%q is no plain file of its own inside of the archive", h.Name)
		case len(src) == sourceFiles:
			return nil, fmt.Errorf("more than %d files", sourceFiles)
		}
		if total += h.Size; total > sourceBytes {
			return nil, fmt.Errorf("more than %d MiB", sourceBytes>>20)
		}
		if src[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

// read returns the file that a workload.yaml calls name.
func (s source) read(name string) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q is outside of the workload's directory", name)
	}
	b, ok := s[filepath.ToSlash(filepath.Clean(name))]
	if !ok {
		return nil, fmt.Errorf("%q: %w in the workload's directory", name, fs.ErrNotExist)
	}
	return b, nil
}

// tar returns the canonical archive of s: files alone, sorted by path, mode
// 0644, owner 0, the epoch as time. It depends on names and contents only.
func (s source) tar() ([]byte, error) {
	paths := make([]string, 0, len(s))
	for p := range s {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, p := range paths {
		if err := addFile(w, p, 0o644, s[p]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// write lays s out below dir.
func (s source) write(dir string) error {
	for p, b := range s {
		to := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// addFile writes one file with nothing in its header that varies.
func addFile(w *tar.Writer, path string, mode int64, b []byte) error {
	err := w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: path, Size: int64(len(b)), Mode: mode, ModTime: epoch,
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
