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
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
)

const (
	formatFile = "FORMAT"
	format     = "assay.store.v1\n"
	tmpDir     = ".tmp"

	// syncs is how many files are synced at once: the file system makes them
	// durable together.
	syncs = 8

	// syncVolume is from how many files on the whole file system is synced in
	// place of each: that takes half the time and a tenth of the processor's, but
	// has to wait for what others write there.
	syncVolume = 32
)

// A Backend is an artifacts.Backend, and a Stager, Filer, Remover, Locker, Cleaner
// and Marker, in a directory. Once it has staged something it holds the directory
// open, and no other file between calls.
type Backend struct {
	dir       string
	files     Files
	unsettled time.Duration // as the constant says

	mu      sync.Mutex
	durable map[string]bool // directories known to outlive a power cut; they are never removed

	volume func() Volume // what the store is on, opened once; nil if it cannot be synced as one
	lossy  chan bool     // whether the volume's sync has failed; empty while that is found out
}

var (
	_ artifacts.Backend = (*Backend)(nil)
	_ artifacts.Stager  = (*Backend)(nil)
	_ artifacts.Filer   = (*Backend)(nil)
	_ artifacts.Remover = (*Backend)(nil)
	_ artifacts.Locker  = (*Backend)(nil)
	_ artifacts.Cleaner = (*Backend)(nil)
	_ artifacts.Marker  = (*Backend)(nil)
)

func newBackend(files Files, dir string) *Backend {
	b := &Backend{
		dir: dir, files: files, unsettled: unsettled, durable: map[string]bool{}, lossy: make(chan bool, 1),
		volume: sync.OnceValue(func() Volume {
			v, err := files.Volume(dir)
			if err != nil {
				return nil // each file is synced, then
			}
			return v
		}),
	}
	b.lossy <- false
	return b
}

// Open returns the store in dir, which Create made. It writes nothing, so that
// a store on a read-only file system can be read.
func Open(dir string) (*Backend, error) { return OpenFiles(System{}, dir) }

// OpenFiles is Open with a file system of the caller's.
func OpenFiles(files Files, dir string) (*Backend, error) {
	b := newBackend(files, dir)
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
	b := newBackend(files, dir)
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
