package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
	"github.com/assay-notebooks/assay/runners/executors"
)

// A Workspace is a directory with a .assay folder: an archive, the runs in
// progress and, beside it, assay.lock. Any number of processes may have the
// same workspace open.
type Workspace struct {
	Root    string // absolute
	Config  settings.Config
	Archive *artifacts.Store // the one on disk, alone
	Store   *artifacts.Store // the archive, which reads from the store in use what it lacks
	Local   executors.Local
	Stores  *stores.Set // beside the archive

	// Reading, if set, is told how many runs are read where the list of them is
	// made anew, never by two goroutines at once.
	Reading func(done, total int)
}

const (
	storeDir  = "store"
	runsDir   = "runs"
	tracesDir = "traces"
	builtDir  = "built"
)

// Init makes root a workspace. Doing it again changes nothing.
func Init(ctx context.Context, root string) (*Workspace, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(root, settings.Folder, runsDir), 0o777); err != nil {
		return nil, fmt.Errorf("init %s: %w", root, disk.Explain(root, err))
	}
	if _, err := disk.Create(filepath.Join(root, settings.Folder, storeDir)); err != nil {
		return nil, fmt.Errorf("init %s: %w", root, disk.Explain(root, err))
	}
	ignore := filepath.Join(root, settings.Folder, ".gitignore")
	if err := os.WriteFile(ignore, []byte("*\n"), 0o666); err != nil {
		return nil, fmt.Errorf("init %s: %w", root, disk.Explain(root, err))
	}
	return Open(ctx, root)
}

// ErrOutside reports a folder that no workspace is around.
var ErrOutside = errors.New("not in a workspace")

// Find returns the root of the workspace that dir is in. Where there is none the
// error matches ErrOutside.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if isClone(d) {
			return "", noArchive(d)
		}
		if st, err := os.Stat(filepath.Join(d, settings.Folder)); err == nil && st.IsDir() {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", failure.Usagef(`%s is %w: run "assay init" in the folder that shall be one`, dir, ErrOutside)
		}
	}
}

// isClone reports whether root has what is committed of a workspace, and no
// archive yet.
func isClone(root string) bool {
	_, err := os.Stat(filepath.Join(root, pins.File))
	_, archiveErr := os.Stat(filepath.Join(root, settings.Folder))
	return err == nil && errors.Is(archiveErr, fs.ErrNotExist)
}

func noArchive(root string) error {
	return failure.Usagef(`%s has %s and no archive yet: run "assay pull" there, which gets what that names from a store; without a store, "assay init"`,
		root, pins.File)
}

// Open opens the workspace at root.
func Open(ctx context.Context, root string) (*Workspace, error) { return open(root, false) }

// OpenToChoose is Open for who is about to say which store is in use: one that
// has moved is not.
func OpenToChoose(ctx context.Context, root string) (*Workspace, error) { return open(root, true) }

func open(root string, choose bool) (*Workspace, error) {
	if isClone(root) {
		return nil, noArchive(root)
	}
	if _, err := os.Stat(filepath.Join(root, settings.Folder)); errors.Is(err, fs.ErrNotExist) {
		return nil, failure.Usagef(`%s is not a workspace: run "assay init %s"`, root, root)
	}
	config, _, err := settings.Load(root)
	if err != nil && !(choose && errors.Is(err, settings.ErrMoved)) {
		return nil, err
	}
	backend, err := disk.Open(filepath.Join(root, settings.Folder, storeDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf(`workspace %s: %w; "assay init" there finishes one whose making was cut off`, root, err)
	}
	if err != nil {
		return nil, fmt.Errorf("workspace %s: %w", root, err)
	}
	w := &Workspace{Root: root, Config: config, Archive: artifacts.New(backend)}
	w.Stores = &stores.Set{
		Root: root, Archive: w.Archive, Defined: config.Stores,
		Reads: func(from *artifacts.Store) { w.Store = from },
		Idle:  w.idle, Reopen: func(ctx context.Context) (*stores.Set, error) { return storesOf(ctx, root) },
	}
	w.Stores.Choose(config.Store)
	w.Local = executors.Local{Cache: filepath.Join(config.Cache, "host")}
	return w, nil
}

// storesOf opens the workspace at root for its stores.
func storesOf(ctx context.Context, root string) (*stores.Set, error) {
	w, err := Open(ctx, root)
	if err != nil {
		return nil, err
	}
	return w.Stores, nil
}

// setRef makes a reference in the archive, which the store in use gets, too.
func (w *Workspace) setRef(ctx context.Context, name string, d assay.Digest) error {
	return w.Stores.SetRef(ctx, name, d)
}

// Lock reads assay.lock; there being none is an empty one.
func (w *Workspace) Lock() (pins.Lock, error) { return pins.Read(w.Root) }

// updateLock is pins.Amend for a change that cannot fail.
func (w *Workspace) updateLock(ctx context.Context, change func(*pins.Lock)) error {
	return pins.Amend(ctx, w.Root, func(l *pins.Lock) error {
		change(l)
		return nil
	})
}

// path returns a path inside .assay.
func (w *Workspace) path(elem ...string) string {
	return filepath.Join(append([]string{w.Root, settings.Folder}, elem...)...)
}

// RegistryDir returns the folder in which the workspace at root keeps the
// registry that it serves. It is no part of the archive.
func RegistryDir(root string) string { return filepath.Join(root, settings.Folder, "registry") }
