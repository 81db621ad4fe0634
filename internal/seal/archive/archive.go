// Package archive writes sets of files in one way only, as a tar stream whose
// digest is an identity, and reads such streams from strangers.
//
// It knows regular files and nothing else: no directories, links, owners,
// times or permissions. docs/seal.md has the format.
package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// ErrMalformed is matched by the errors about streams that Pack did not write.
var ErrMalformed = errors.New("malformed archive")

// A File is a name and its bytes. The name is a slash-separated relative path
// that fs.ValidPath accepts, in printable ASCII without a backslash or colon.
type File struct {
	Name string
	Data []byte
}

// Pack returns the one encoding of files: a POSIX tar stream, sorted by name,
// every entry a regular file with mode 0644, owner 0 and time 0. It fails on
// names that are invalid, repeated, or both a file and a directory.
func Pack(files []File) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return Stream(files)
}

// Stream is Pack, but keeps files in their order: for a reader that needs them
// so.
func Stream(files []File) ([]byte, error) {
	if err := checkNames(files); err != nil {
		return nil, err
	}
	var size int
	for _, f := range files {
		size += len(f.Data) + 1024
	}
	buf := bytes.NewBuffer(make([]byte, 0, size+10240))
	w := tar.NewWriter(buf)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Data)), Mode: 0o644, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("archive %s: %w", f.Name, err)
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, fmt.Errorf("archive %s: %w", f.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// Limits bound what Unpack accepts.
type Limits struct {
	Files int   // how many
	Bytes int64 // of data, all files together
}

// Unpack reads a tar stream of regular files with valid, different names,
// within limits. Errors match ErrMalformed.
func Unpack(b []byte, limits Limits) ([]File, error) {
	var files []File
	var total int64
	r := tar.NewReader(bytes.NewReader(b))
	for {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		total += header.Size
		switch {
		case header.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%w: %q is not a regular file", ErrMalformed, header.Name)
		case len(files) == limits.Files:
			return nil, fmt.Errorf("%w: more than %d files", ErrMalformed, limits.Files)
		case header.Size < 0 || total > limits.Bytes:
			return nil, fmt.Errorf("%w: more than %d bytes of data", ErrMalformed, limits.Bytes)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrMalformed, header.Name, err)
		}
		files = append(files, File{header.Name, data})
	}
	if err := checkNames(files); err != nil {
		return nil, err
	}
	return files, nil
}

// checkNames reports the first bad name of files.
func checkNames(files []File) error {
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if !validName(f.Name) {
			return fmt.Errorf("%w: bad file name %q", ErrMalformed, f.Name)
		}
		if seen[f.Name] {
			return fmt.Errorf("%w: %q occurs twice", ErrMalformed, f.Name)
		}
		seen[f.Name] = true
	}
	for _, f := range files {
		for i := range f.Name {
			if f.Name[i] == '/' && seen[f.Name[:i]] {
				return fmt.Errorf("%w: %q is a file and a directory", ErrMalformed, f.Name[:i])
			}
		}
	}
	return nil
}

func validName(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '\\' || c == ':' {
			return false
		}
	}
	return name != "." && fs.ValidPath(name)
}

// Lay writes files below cacheDir, read-only, in a directory named by prefix
// and digest, and returns its path. The directory appears whole or not at all,
// whatever number of processes call at once; where it is already there, its
// content is compared, and a difference is an error: somebody edited it.
func Lay(cacheDir, prefix string, digest assay.Digest, files []File) (string, error) {
	dir := filepath.Join(cacheDir, prefix+"-"+digest.Hex())
	if _, err := os.Lstat(dir); err == nil {
		return dir, compare(dir, files)
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("lay out %s: %w", prefix, err)
	}
	tmp, err := os.MkdirTemp(cacheDir, "."+prefix+"-")
	if err != nil {
		return "", fmt.Errorf("lay out %s: %w", prefix, err)
	}
	if err := write(tmp, files); err != nil {
		return "", errors.Join(fmt.Errorf("lay out %s: %w", prefix, err), remove(tmp))
	}
	if err := os.Rename(tmp, dir); err != nil {
		if err := errors.Join(compare(dir, files), remove(tmp)); err == nil {
			return dir, nil // another process was faster
		}
		return "", fmt.Errorf("lay out %s: %w", prefix, err)
	}
	return dir, nil
}

// write writes files below dir and makes everything read-only.
func write(dir string, files []File) error {
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Data, 0o444); err != nil {
			return err
		}
	}
	return chmodDirs(dir, 0o555)
}

// remove removes what write wrote.
func remove(dir string) error {
	return errors.Join(chmodDirs(dir, 0o755), os.RemoveAll(dir))
}

func chmodDirs(dir string, mode fs.FileMode) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
			if mode&0o200 != 0 { // must be writable before its entries can go
				return os.Chmod(path, mode)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(dirs) {
		if err := os.Chmod(d, mode); err != nil {
			return err
		}
	}
	return nil
}

// compare reports whether dir holds files and nothing else.
func compare(dir string, files []File) error {
	want := make(map[string][]byte, len(files))
	for _, f := range files {
		want[f.Name] = f.Data
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, ok := want[name]
		delete(want, name)
		if !ok || !d.Type().IsRegular() {
			return fmt.Errorf("%s does not belong there", name)
		}
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil && !bytes.Equal(got, data) {
			err = fmt.Errorf("%s was changed", name)
		}
		return err
	})
	for name := range want {
		if err == nil {
			err = fmt.Errorf("%s is missing", name)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w; remove the directory, it is made again", dir, err)
	}
	return nil
}
