package hosts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/install"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

// InstallOptions say what of runtimes is installed, and how.
type InstallOptions struct {
	AllLive  bool                  // what every machine that tests assay has, besides the named
	Progress func(InstallProgress) `json:"-"`
	Locked   func(line string)     `json:"-"` // is told what is written into the workspace's runtimes.lock
	Done     func(Installed)       `json:"-"` // is told of each that is there
}

// An InstallProgress says how far an installation is.
type InstallProgress = install.Progress

// An Installed is a package on this machine.
type Installed struct {
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Path    string       `json:"path"`
	Digest  assay.Digest `json:"digest"`
	Origin  string       `json:"origin"`
}

// Installable returns what can be installed: what the workspace has in its
// runtimes.lock, and what assay brings.
func (p Programs) Installable() (install.Lock, error) {
	own, err := ownRuntimes(p.Root)
	return own.Over(install.Embedded()), err
}

const maxLock = 16 << 20 // bytes of a runtimes.lock

// ownRuntimes reads the runtimes.lock of a workspace.
func ownRuntimes(root string) (install.Lock, error) {
	if root == "" {
		return install.Lock{}, nil
	}
	path := filepath.Join(root, install.LockFile)
	b, err := plainfile.Read(path, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return install.Lock{}, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := install.ParseLock(b)
	if err != nil {
		return nil, failure.Usagef("%s: %w", path, err)
	}
	return l, nil
}

// Install installs what is named, NAME or NAME@VERSION each, where NAME
// is that of a package or of a runtime. A version that is not the locked one is
// resolved and then written into the runtimes.lock of the workspace: a usage
// error without one. One that fails does not keep the others from being
// installed; the error reports all that failed.
func (p Programs) Install(ctx context.Context, names []string, o InstallOptions) error {
	lock, err := p.Installable()
	if err != nil {
		return err
	}
	var wanted []string
	if o.AllLive {
		wanted = slices.Clone(install.Live)
	}
	versions := map[string]string{}
	for _, written := range names {
		name, version, at := strings.Cut(written, "@")
		if at && version == "" {
			return failure.Usagef("%q names no version: want NAME or NAME@VERSION", written)
		}
		if name, err = packageName(lock, name); err != nil {
			return err
		}
		if at {
			versions[name] = version
		}
		if !slices.Contains(wanted, name) {
			wanted = append(wanted, name)
		}
	}
	to := install.Options{Cache: p.Cache, Progress: o.Progress}
	var failed []error
	for _, name := range wanted {
		pkg, version := lock[name], versions[name]
		if version != "" {
			if pkg, err = resolved(ctx, p.Root, pkg, version, to); err != nil {
				failed = append(failed, err)
				continue
			}
		}
		in, err := install.Install(ctx, pkg, to)
		if err == nil && pkg.Version != lock[name].Version {
			err = noteVersion(ctx, p.Root, pkg, o.Locked)
		}
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if o.Done != nil {
			o.Done(Installed{pkg.Name, pkg.Version, in.Program, in.Digest, in.Origin})
		}
	}
	return errors.Join(failed...)
}

// resolved returns p at a version, which is to be noted in the workspace's
// runtimes.lock if p is not locked at that: a usage error without a workspace.
func resolved(ctx context.Context, root string, p runners.Package, version string, to install.Options) (runners.Package, error) {
	at := install.Embedded()[p.Name]
	var err error
	if install.Is(p, version) || !install.Is(at, version) {
		at, err = install.Resolve(ctx, p, version, to)
	}
	if errors.Is(err, install.ErrVersion) {
		return p, failure.Usagef("%w", err)
	}
	if err == nil && at.Version != p.Version && root == "" {
		return p, failure.Usagef(`%s@%s: assay brings %s; another version is noted in the %s of a workspace, and here is none: run "assay init"`,
			p.Name, version, p.Version, install.LockFile)
	}
	return at, err
}

// noteVersion writes p, which is installed, into the workspace's runtimes.lock.
// What assay brings is not written: what was there of it is removed.
func noteVersion(ctx context.Context, root string, p runners.Package, locked func(string)) error {
	release, err := mutex.Exclude(ctx, filepath.Join(root, settings.Folder, "lock.mutex"))
	if err != nil {
		return fmt.Errorf("update %s: %w", install.LockFile, err)
	}
	defer release()
	own, err := ownRuntimes(root)
	if err != nil {
		return err
	}
	if own[p.Name] = p; reflect.DeepEqual(p, install.Embedded()[p.Name]) {
		delete(own, p.Name)
	}
	b, err := own.Encode()
	if err != nil {
		return err
	}
	if locked != nil {
		locked(fmt.Sprintf("%s: %s %s%s", install.LockFile, p.Name, p.Version, lockedDigest(p)))
	}
	return durable.Write(filepath.Join(root, install.LockFile), b)
}

// lockedDigest writes the digest that a package has on this platform, if it is
// one.
func lockedDigest(p runners.Package) string {
	switch {
	case p.Crate != nil:
		return " " + p.Crate.Digest.String()
	case p.Wheel != nil:
		return " " + p.Wheel.Files[install.Platform].String()
	}
	return ""
}

// packageName returns the name of the package that a name means: its own, or
// that of a runtime that is in it.
func packageName(lock install.Lock, name string) (string, error) {
	if _, ok := lock[name]; ok {
		return name, nil
	}
	r, err := runtimes.Find(name)
	if err != nil {
		return "", failure.Usagef("no package or runtime %q: the packages are %s", name, strings.Join(slices.Sorted(maps.Keys(lock)), ", "))
	}
	t := r.Tool()
	if _, ok := lock[t.Package]; !ok {
		switch {
		case t.Bin == "":
			return "", failure.Usagef("%s is the workload's own executable: there is nothing to install", name)
		case t.Build != nil:
			return "", failure.Usagef("%s needs no installation: it is built when it is first used", name)
		}
		return "", failure.Usagef("%s cannot be installed by assay: %s", name, t.Remedy)
	}
	return t.Package, nil
}

// Uninstall removes a package from this machine.
func (p Programs) Uninstall(name string) error {
	lock, err := p.Installable()
	if err != nil {
		return err
	}
	if name, err = packageName(lock, name); err != nil {
		return err
	}
	return install.Uninstall(lock[name], install.Options{Cache: p.Cache})
}
