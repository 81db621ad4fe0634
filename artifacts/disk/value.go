package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts"
)

// Put implements artifacts.Backend.
func (b *Backend) Put(ctx context.Context, key string, r io.Reader, cond artifacts.Condition) (artifacts.Version, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return "", err
	}
	if cond.IfAbsent && cond.IfVersion != "" {
		return "", fmt.Errorf("put %s: at most one condition", key)
	}
	var v versioner
	tmp, err := b.stage(io.TeeReader(r, &v))
	if err != nil {
		return "", b.explain(err)
	}
	err = b.files.Sync(tmp.name)
	if err == nil {
		err = b.place(tmp, key, func(tmp *staged, key string) error { return b.move(ctx, tmp, key, cond) })
	}
	if err = errors.Join(err, tmp.Discard()); err != nil {
		return "", b.explain(err)
	}
	if err := b.syncDirs(key); err != nil {
		return "", b.explain(err)
	}
	return v.version(), nil
}

// place gives a staged file its key by move.
func (b *Backend) place(tmp *staged, key string, move func(*staged, string) error) error {
	err := b.mkdirs(path.Dir(key))
	if err == nil {
		err = move(tmp, key)
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("put %s: an element of it is itself a key: %w; choose another name", key, err)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("put %s: there are, or were, keys below it: %w; choose another name", key, err)
	}
	return err
}

// move gives a staged file its key under the condition.
func (b *Backend) move(ctx context.Context, tmp *staged, key string, cond artifacts.Condition) (err error) {
	if cond.IfAbsent {
		err := b.files.Link(tmp.name, b.path(key))
		if errors.Is(err, fs.ErrExist) {
			if info, statErr := b.files.Lstat(b.path(key)); statErr != nil || !info.IsDir() {
				return fmt.Errorf("put %s: exists already: %w", key, artifacts.ErrConflict)
			}
		}
		return err
	}
	lock, err := b.flock(ctx, writeFile, cond.IfVersion != "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if cond.IfVersion != "" {
		if err := b.checkVersion(key, cond.IfVersion); err != nil {
			return err
		}
	}
	return b.rename(tmp, key)
}

// rename gives a staged file its key. The caller holds the write lock.
func (b *Backend) rename(tmp *staged, key string) error {
	err := b.files.Rename(tmp.name, b.path(key))
	tmp.gone = err == nil
	return err
}

func (b *Backend) checkVersion(key string, want artifacts.Version) error {
	f, info, err := b.get(key)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put %s: is gone: %w", key, artifacts.ErrConflict)
	}
	if err != nil {
		return err
	}
	if info.Version != want {
		err = fmt.Errorf("put %s: %w", key, artifacts.ErrConflict)
	}
	return errors.Join(err, f.Close())
}

// Get implements artifacts.Backend.
func (b *Backend) Get(_ context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return nil, artifacts.Info{}, err
	}
	return b.get(key)
}

func (b *Backend) get(key string) (io.ReadCloser, artifacts.Info, error) {
	f, info, err := b.open(key)
	if err != nil {
		return nil, artifacts.Info{}, err
	}
	if info.Size > artifacts.MaxSwap {
		r := reader{b, f, f}
		if at, ok := f.(io.ReaderAt); ok {
			return pieces{r, at}, info, nil
		}
		return r, info, nil
	}
	var v versioner
	value, err := io.ReadAll(io.TeeReader(f, &v))
	if err != nil {
		return nil, artifacts.Info{}, errors.Join(b.explain(err), f.Close())
	}
	info.Version = v.version()
	return reader{b, bytes.NewReader(value), f}, info, nil
}

// open opens a regular file for reading.
func (b *Backend) open(key string) (File, artifacts.Info, error) {
	if _, err := b.Stat(context.Background(), key); err != nil {
		return nil, artifacts.Info{}, err
	}
	f, err := b.files.Open(b.path(key))
	if err != nil {
		return nil, artifacts.Info{}, b.explain(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, artifacts.Info{}, errors.Join(b.explain(err), f.Close())
	}
	return f, artifacts.Info{Size: info.Size(), ModTime: info.ModTime()}, nil
}

// File implements artifacts.Filer.
func (b *Backend) File(_ context.Context, key string) (*os.File, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return nil, err
	}
	f, _, err := b.open(key)
	if err != nil {
		return nil, err
	}
	if file, ok := f.(*os.File); ok {
		return file, nil
	}
	return nil, errors.Join(fmt.Errorf("%s: %w", key, errors.ErrUnsupported), f.Close())
}

// Stat implements artifacts.Backend.
func (b *Backend) Stat(_ context.Context, key string) (artifacts.Info, error) {
	info, err := b.files.Lstat(b.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // an element is itself a key
		return artifacts.Info{}, fs.ErrNotExist
	case err != nil:
		return artifacts.Info{}, b.explain(err)
	case info.IsDir():
		return artifacts.Info{}, fs.ErrNotExist
	case !info.Mode().IsRegular():
		return artifacts.Info{}, fmt.Errorf("%s is a %s, which could change what is read: replace it by the file it stands for",
			b.path(key), kind(info.Mode()))
	}
	return artifacts.Info{Size: info.Size(), ModTime: info.ModTime()}, nil
}

// kind names what a file is that is not a regular one.
func kind(mode fs.FileMode) string {
	if mode&fs.ModeSymlink != 0 {
		return "symbolic link"
	}
	return "special file"
}

// Delete implements artifacts.Backend. It leaves directories: removing one
// could race with a writer that has just made sure of it.
func (b *Backend) Delete(ctx context.Context, key string) error {
	return b.remove(ctx, []string{key}, true)
}

// Remove implements artifacts.Remover: each directory is synced once.
func (b *Backend) Remove(ctx context.Context, keys []string) error {
	return b.remove(ctx, keys, false)
}

func (b *Backend) remove(ctx context.Context, keys []string, must bool) (err error) {
	for _, key := range keys {
		if err := artifacts.CheckKey(key); err != nil {
			return err
		}
	}
	lock, err := b.flock(ctx, writeFile, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	changed := map[string]bool{}
	for _, key := range keys {
		_, err = b.Stat(ctx, key)
		if err == nil {
			changed[path.Dir(key)] = true
			err = b.explain(b.files.Remove(b.path(key)))
		}
		if errors.Is(err, fs.ErrNotExist) && !must {
			err = nil
		}
		if err != nil {
			break
		}
	}
	for dir := range changed {
		err = errors.Join(err, b.explain(b.files.Sync(b.path(dir))))
	}
	return err
}

// A reader reads a value and explains errors.
type reader struct {
	b *Backend
	io.Reader
	io.Closer
}

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = r.b.explain(err)
	}
	return n, err
}

// pieces is a reader for an artifacts.Uploader.
type pieces struct {
	reader
	io.ReaderAt
}

// A versioner gets a value written and says its version: on disk that is its
// content, since times and inode numbers repeat.
type versioner struct{ b bytes.Buffer }

func (v *versioner) Write(p []byte) (int, error) {
	if v.b.Len() <= artifacts.MaxSwap {
		v.b.Write(p)
	}
	return len(p), nil
}

func (v *versioner) version() artifacts.Version {
	if v.b.Len() > artifacts.MaxSwap {
		return ""
	}
	sum := sha256.Sum256(v.b.Bytes())
	return artifacts.Version(hex.EncodeToString(sum[:]))
}
