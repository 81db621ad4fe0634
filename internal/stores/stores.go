// Package stores keeps what a workspace has archived in stores beside its
// archive: it notes what waits for the one in use, archives that in the
// background and never while something is measured, and reads from it what the
// archive lacks. What a reference means is not its affair.
package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/settings"
)

// A Set is the stores beside the archive of one workspace, and which of them is
// in use. Its fields are set before Choose is called.
type Set struct {
	Root    string                    // of the workspace, absolute
	Archive *artifacts.Store          // the one on disk, alone
	Defined map[string]settings.Store // by name

	Reads  func(*artifacts.Store)              // is told what to read from, whenever that changes
	Idle   func(context.Context) bool          // reports whether nothing is being measured
	Reopen func(context.Context) (*Set, error) // opens the workspace again, as it is now

	using   *Place           // the store in use, nil for none
	reading *artifacts.Store // the archive, and behind it the store in use
}

// Choose makes the store of that name, "" for none, the one in use, as the
// settings have it: Use has them say so.
func (set *Set) Choose(name string) {
	if name != "" {
		set.using = set.place(name, set.Defined[name])
		set.using.chosen = true
	}
	set.behind()
}

// Using returns the store in use, or nil.
func (set *Set) Using() *Place { return set.using }

// InUse returns the name of the store that this workspace archives to, or
// "".
func (set *Set) InUse() string {
	if set.using == nil {
		return ""
	}
	return set.using.Name
}

// path returns a path inside of .assay.
func (set *Set) path(elem ...string) string {
	return filepath.Join(append([]string{set.Root, settings.Folder}, elem...)...)
}

// AddOptions say what Add makes.
type AddOptions struct {
	Create     bool // make the bucket, if need be, and the store in it
	ObjectLock bool // of a bucket that is made: it can keep what is published from being deleted
}

// Add opens a store and then defines it in assay.yaml. The files that c
// names are from the working directory. The first store that is defined is the
// one in use, if none is.
func (set *Set) Add(ctx context.Context, name string, c settings.Store, opts AddOptions) error {
	if err := settings.CheckStoreName(name); err != nil {
		return failure.Usagef("store %w", err)
	}
	if err := c.Check(); err != nil {
		return failure.Usagef("store %s: %w", name, err)
	}
	for _, file := range []*string{&c.CA, &c.Credentials} {
		var err error
		if *file, err = settings.Portable(set.Root, *file); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	}
	if old, ok := set.Defined[name]; ok && old != c {
		return failure.Usagef(`store %s is defined already, as %v: "assay store rm %[1]s" first, or choose another name`, name, old)
	}
	p := set.place(name, c)
	p.chosen = true
	var backend *minio.Backend
	var err error
	if opts.Create {
		config, err := c.Minio(set.Root)
		if err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
		if backend, err = minio.Create(ctx, config, minio.CreateOptions{MakeBucket: true, ObjectLock: opts.ObjectLock}); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	} else if backend, err = p.Open(ctx, set.Root); err != nil {
		return err
	}
	if err := settings.Define(ctx, set.Root, name, &c); err != nil {
		return err
	}
	first := len(set.Defined) == 0
	if set.Defined == nil {
		set.Defined = map[string]settings.Store{}
	}
	set.Defined[name] = c
	if first && set.using == nil {
		if err := set.Use(ctx, name); err != nil {
			return err
		}
	}
	if set.using != nil && set.using.Key == p.Key {
		if err := set.recognize(ctx, set.using, backend, nil); err != nil {
			return fmt.Errorf("store %s: %w", name, err)
		}
	}
	return nil
}

// Use makes the workspace archive to a store, or to none if name is "".
// It says so on this machine only, in .assay. What the archive has waits for
// the store from now on.
func (set *Set) Use(ctx context.Context, name string) error {
	if os.Getenv(settings.StoreVariable) != "" && (set.using == nil || set.using.Name != name) {
		return failure.Usagef("%s is set to %q and says which store is in use: unset it", settings.StoreVariable, os.Getenv(settings.StoreVariable))
	}
	if name == "" {
		set.using = nil
		set.behind()
		if err := os.Remove(set.path(settings.InUseFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	p, err := set.Named(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(set.path(storesDir), 0o777); err != nil {
		return err
	}
	set.using = p
	set.behind()
	if err := set.lookOnce(ctx); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return durable.Write(set.path(settings.InUseFile), []byte(name+" "+p.Key+"\n"))
}

// Remove takes a store's definition from assay.yaml, and what this
// workspace noted about it. The store itself stays as it is.
func (set *Set) Remove(ctx context.Context, name string) error {
	c, ok := set.Defined[name]
	if !ok {
		return failure.Usagef("no store %q: %s defines %s", name, settings.File, failure.Listed(slices.Sorted(maps.Keys(set.Defined))))
	}
	if set.using != nil && set.using.Name == name {
		if err := set.Use(ctx, ""); err != nil {
			return err
		}
	}
	if err := settings.Define(ctx, set.Root, name, nil); err != nil {
		return err
	}
	delete(set.Defined, name)
	p := set.place(name, c)
	for _, other := range set.Defined {
		if other.Key() == p.Key {
			return nil // it has another name, too
		}
	}
	current := set.path(storesDir, currentFile)
	if b, err := os.ReadFile(current); err == nil && string(b) == p.Key {
		if err := os.Remove(current); err != nil {
			return err
		}
	}
	return os.RemoveAll(p.dir)
}
