// Package disk keeps artifacts in a directory of a local file system.
//
//	FORMAT                "assay.store.v1"
//	blobs/sha256/<hex>    one file a blob: also the blobs of an OCI image layout
//	refs/<name>           one file a reference
//	.tmp/                 unfinished writes
//	.lock*                lock files, empty
//
// A value is written to a file of its own, synced, moved to its name, and its
// directory synced; until then nobody sees it. Files are never changed in
// place. Any number of processes of one machine can work in the directory at
// once; a network file system must support flock(2) and link(2).
//
// The package follows no symbolic links to values, and never removes a file it
// did not write. docs/store.md says what is promised and how it is tested.
package disk

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

const (
	formatFile = "FORMAT"
	format     = "assay.store.v1\n"
	tmpDir     = ".tmp"

	// syncs is how many files are synced at once: the file system makes them
	// durable together.
	syncs = 8
)

// A Backend is an artifacts.Backend, and a Stager, Locker and Cleaner, in a
// directory. It holds no file open between calls.
type Backend struct {
	dir   string
	files Files

	mu      sync.Mutex
	durable map[string]bool // directories known to outlive a power cut; they are never removed
}

var (
	_ artifacts.Backend = (*Backend)(nil)
	_ artifacts.Stager  = (*Backend)(nil)
	_ artifacts.Locker  = (*Backend)(nil)
	_ artifacts.Cleaner = (*Backend)(nil)
)

// Open returns the store in dir, which Create made. It writes nothing, so that
// a store on a read-only file system can be read.
func Open(dir string) (*Backend, error) { return OpenFiles(System{}, dir) }

// OpenFiles is Open with a file system of the caller's.
func OpenFiles(files Files, dir string) (*Backend, error) {
	b := &Backend{dir: dir, files: files, durable: map[string]bool{}}
	f, _, err := b.open(formatFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open store: %s is not a store: %w; create one there, or name the right directory", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	got, err := io.ReadAll(io.LimitReader(f, 80))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("open store: %w", b.explain(err))
	}
	if string(got) != format {
		return nil, fmt.Errorf("open store: %s is %q, this program knows %q; use the program that made it",
			b.path(formatFile), got, format)
	}
	return b, nil
}

// Create makes dir a store, if it is none yet, and opens it. Its parent must
// exist. Several processes can do so at once.
func Create(dir string) (*Backend, error) { return CreateFiles(System{}, dir) }

// CreateFiles is Create with a file system of the caller's.
func CreateFiles(files Files, dir string) (*Backend, error) {
	if b, err := OpenFiles(files, dir); !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	b := &Backend{dir: dir, files: files, durable: map[string]bool{}}
	if err := b.create(); err != nil {
		return nil, fmt.Errorf("create store: %w", b.explain(err))
	}
	return OpenFiles(files, dir)
}

// create makes the format file last: with it the store is complete.
func (b *Backend) create() error {
	for _, d := range []string{"", tmpDir, "blobs", "blobs/sha256", "refs"} {
		if err := b.files.Mkdir(b.path(d)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, name := range []string{gateFile, storeFile, writeFile} {
		lock, err := b.files.TryLock(b.path(name), false)
		if errors.Is(err, ErrLocked) {
			continue
		}
		if err != nil {
			return err
		}
		if err := lock.Close(); err != nil {
			return err
		}
	}
	tmp, err := b.stage(strings.NewReader(format))
	if err != nil {
		return err
	}
	err = b.files.Sync(tmp.name)
	if err == nil {
		err = b.files.Link(tmp.name, b.path(formatFile))
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // another process was as far
	}
	if err = errors.Join(err, tmp.Discard()); err != nil {
		return err
	}
	return errors.Join(b.files.Sync(b.dir), b.files.Sync(filepath.Dir(b.dir)))
}

// Dir returns the directory of the store.
func (b *Backend) Dir() string { return b.dir }

// path returns the file of a key.
func (b *Backend) path(key string) string { return filepath.Join(b.dir, filepath.FromSlash(key)) }

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
		err = b.place(ctx, tmp, key, cond)
	}
	if err = errors.Join(err, tmp.Discard()); err != nil {
		return "", b.explain(err)
	}
	if err := b.syncDirs(key); err != nil {
		return "", b.explain(err)
	}
	return v.version(), nil
}

// place gives a staged file its key, under the condition.
func (b *Backend) place(ctx context.Context, tmp *staged, key string, cond artifacts.Condition) error {
	err := b.mkdirs(path.Dir(key))
	if err == nil {
		err = b.move(ctx, tmp, key, cond)
	}
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("put %s: an element of it is itself a key: %w; choose another name", key, err)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("put %s: there are, or were, keys below it: %w; choose another name", key, err)
	}
	return err
}

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
	err = b.files.Rename(tmp.name, b.path(key))
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

// mkdirs makes the directory of a key, from the top.
func (b *Backend) mkdirs(dir string) error {
	b.mu.Lock()
	known := b.durable[dir]
	b.mu.Unlock()
	if known {
		return nil
	}
	if parent := path.Dir(dir); parent != "." {
		if err := b.mkdirs(parent); err != nil {
			return err
		}
	}
	err := b.files.Mkdir(b.path(dir))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// syncDirs makes the entries of the keys durable: each directory once, and its
// parents up to the root once in the life of b, since whoever made one of them
// may not have synced it.
func (b *Backend) syncDirs(keys ...string) error {
	synced := map[string]bool{}
	for _, key := range keys {
		dir := path.Dir(key)
		if synced[dir] {
			continue
		}
		synced[dir] = true
		if err := b.files.Sync(b.path(dir)); err != nil {
			return err
		}
		if err := b.syncParents(dir); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) syncParents(dir string) error {
	b.mu.Lock()
	known := b.durable[dir]
	b.mu.Unlock()
	if known || dir == "." {
		return nil
	}
	parent := path.Dir(dir)
	if err := b.syncParents(parent); err != nil {
		return err
	}
	if err := b.files.Sync(b.path(parent)); err != nil {
		return err
	}
	b.mu.Lock()
	b.durable[dir] = true
	b.mu.Unlock()
	return nil
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
		return reader{b, f, f}, info, nil
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

// List implements artifacts.Backend.
func (b *Backend) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		if prefix != "" {
			if info, err := b.files.Lstat(b.path(prefix)); err == nil && info.Mode().IsRegular() {
				yield(entry(prefix, info), nil)
				return
			}
		}
		b.walk(ctx, prefix, func(key string, info fs.FileInfo, err error) bool {
			if err == nil && !info.Mode().IsRegular() {
				return true // a leftover
			}
			return yield(entry(key, info), err)
		})
	}
}

func entry(key string, info fs.FileInfo) artifacts.Entry {
	e := artifacts.Entry{Key: key}
	if info != nil {
		e.Size, e.ModTime = info.Size(), info.ModTime()
	}
	return e
}

// walk visits all files below prefix, but those the store keeps for itself. It
// reports whether it came to the end.
func (b *Backend) walk(ctx context.Context, prefix string, visit func(key string, info fs.FileInfo, err error) bool) bool {
	if ctx.Err() != nil {
		return visit(prefix, nil, context.Cause(ctx))
	}
	entries, err := b.files.ReadDir(b.path(prefix))
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if err != nil && !missing && !visit(prefix, nil, b.explain(err)) {
		return false
	}
	for _, e := range entries {
		key := path.Join(prefix, e.Name())
		if own(key) {
			continue
		}
		if e.IsDir() {
			if !b.walk(ctx, key, visit) {
				return false
			}
			continue
		}
		info, err := b.files.Lstat(b.path(key))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if !visit(key, info, b.explain(err)) {
			return false
		}
	}
	return true
}

func own(key string) bool {
	switch key {
	case formatFile, tmpDir, gateFile, storeFile, writeFile:
		return true
	}
	return false
}

// Delete implements artifacts.Backend. It leaves directories: removing one
// could race with a writer that has just made sure of it.
func (b *Backend) Delete(ctx context.Context, key string) error {
	if err := artifacts.CheckKey(key); err != nil {
		return err
	}
	lock, err := b.flock(ctx, writeFile, true)
	if err != nil {
		return err
	}
	_, err = b.Stat(ctx, key)
	if err == nil {
		err = b.explain(b.files.Remove(b.path(key)))
	}
	if err == nil {
		err = b.explain(b.files.Sync(b.path(path.Dir(key))))
	}
	return errors.Join(err, lock.Close())
}

// Stage implements artifacts.Stager.
func (b *Backend) Stage(_ context.Context, r io.Reader) (artifacts.Staged, error) {
	tmp, err := b.stage(r)
	if err != nil {
		return nil, b.explain(err)
	}
	return tmp, nil
}

// stage writes a temporary file.
func (b *Backend) stage(r io.Reader) (*staged, error) {
	tmp := &staged{b: b, name: b.path(path.Join(tmpDir, rand.Text()))}
	f, err := b.files.Create(tmp.name)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.Size() != n {
			err = fmt.Errorf("%s has %d bytes of %d written: %w", tmp.name, info.Size(), n, io.ErrShortWrite)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, tmp.Discard())
	}
	return tmp, nil
}

// Commit implements artifacts.Stager. All files are synced together, then moved,
// then each directory is synced once.
func (b *Backend) Commit(ctx context.Context, placements []artifacts.Placement) error {
	return b.explain(b.commit(ctx, placements))
}

func (b *Backend) commit(ctx context.Context, placements []artifacts.Placement) error {
	var unsynced, kept, keys []string
	for _, p := range placements {
		if err := artifacts.CheckKey(p.Key); err != nil {
			return err
		}
		keys = append(keys, p.Key)
		if !p.Keep {
			unsynced = append(unsynced, p.Staged.(*staged).name)
		}
	}
	if err := b.syncAll(ctx, unsynced); err != nil {
		return err
	}
	for _, p := range placements {
		tmp := p.Staged.(*staged)
		if p.Keep {
			err := b.files.Touch(b.path(p.Key), time.Now())
			if err == nil {
				kept = append(kept, b.path(p.Key))
				continue
			}
			// Only its owner may touch a file, but others may replace it.
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
			if err := b.files.Sync(tmp.name); err != nil {
				return err
			}
		}
		if err := b.place(ctx, tmp, p.Key, artifacts.Condition{}); err != nil {
			return err
		}
	}
	if err := b.syncAll(ctx, kept); err != nil {
		return err
	}
	return b.syncDirs(keys...)
}

func (b *Backend) syncAll(ctx context.Context, names []string) error {
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(syncs)
	for _, name := range names {
		if group.Err() != nil {
			break
		}
		g.Go(func() error { return b.files.Sync(name) })
	}
	return errors.Join(g.Wait(), context.Cause(ctx))
}

// Leftovers implements artifacts.Cleaner: temporary files, symbolic links and
// special files.
func (b *Backend) Leftovers(ctx context.Context) iter.Seq2[artifacts.Leftover, error] {
	return func(yield func(artifacts.Leftover, error) bool) {
		more := b.walk(ctx, tmpDir, func(key string, info fs.FileInfo, err error) bool {
			l := artifacts.Leftover{Name: key, What: "temporary file", Temporary: true}
			if info != nil {
				l.Size, l.ModTime = info.Size(), info.ModTime()
			}
			return yield(l, err)
		})
		if !more {
			return
		}
		b.walk(ctx, "", func(key string, info fs.FileInfo, err error) bool {
			if err != nil || info.Mode().IsRegular() {
				return true // List yields it
			}
			return yield(artifacts.Leftover{Name: key, What: kind(info.Mode()), ModTime: info.ModTime()}, nil)
		})
	}
}

// Clean implements artifacts.Cleaner.
func (b *Backend) Clean(_ context.Context, l artifacts.Leftover) error {
	if !l.Temporary || path.Dir(l.Name) != tmpDir {
		return fmt.Errorf("clean %s: not a temporary file of the store", l.Name)
	}
	if err := b.files.Remove(b.path(l.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b.explain(err)
	}
	return nil
}

// staged is a temporary file.
type staged struct {
	b    *Backend
	name string
	gone bool // moved to its key, or removed
}

// Discard implements artifacts.Staged.
func (s *staged) Discard() error {
	if s.gone {
		return nil
	}
	s.gone = true
	if err := s.b.files.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.b.explain(err)
	}
	return nil
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
