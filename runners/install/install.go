// Package install gets the programs that runtimes are, as runtimes.lock has
// them: out of wheels, built from crates, out of Debian's packages, out of
// archives. Everything lands below one cache directory, whole or not at all.
//
// It trusts a digest and nothing else that it is given, leaves the user's own
// toolchains and caches as they are, and does not run what it installed.
package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/shims"
)

// ErrDigest reports bytes that are not those of the lock.
var ErrDigest = errors.New("not the bytes that runtimes.lock names")

// Options says where to install.
type Options struct {
	Cache    string         // directory; not inside a workspace's tree
	Stall    time.Duration  // for how long nothing may come of an archive; 0: a minute
	Progress func(Progress) `json:"-"` // nil: nobody looks. Called by one goroutine at a time
}

// A Progress says how far an installation is.
type Progress struct {
	Package string
	Doing   string // "compiling wasmer-vm", "downloading"
	Done    int64
	Total   int64 // 0: not known
	Bytes   bool  // Done and Total are bytes
}

// An Installation is a package on this host.
type Installation struct {
	Package runners.Package
	Dir     string       // absolute
	Program string       // absolute
	Digest  assay.Digest // of the file at Program
	Loader  []string     // as in assay.RuntimeVersion
	Files   []assay.File // libraries of the package that the program loads
	Origin  string       // as in assay.RuntimeVersion
}

// record is what an installation's directory says of itself: paths are
// relative to it.
type record struct {
	Digest assay.Digest `json:"digest"`
	Loader []string     `json:"loader,omitempty"`
	Files  []assay.File `json:"files,omitempty"`
	Origin string       `json:"origin"`
}

const recordFile = "assay-installed.json"

// Platform is this host's, as a lock names it: "linux/amd64".
const Platform = runtime.GOOS + "/" + runtime.GOARCH

// Find returns what is installed of p. The error matches fs.ErrNotExist if it
// is not there, and ErrDigest if it was changed since.
func Find(p runners.Package, o Options) (Installation, error) {
	dir, err := dirOf(p, o)
	if err != nil {
		return Installation{}, err
	}
	in := Installation{Package: p, Dir: dir, Program: filepath.Join(dir, p.Program)}
	if _, err := os.Stat(dir); err != nil {
		return Installation{}, err
	}
	b, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		return Installation{}, gone(err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return Installation{}, fmt.Errorf("%s: %w", filepath.Join(dir, recordFile), errors.Join(err, ErrDigest))
	}
	in.Digest, in.Origin = r.Digest, r.Origin
	for _, f := range append(r.Files, assay.File{Path: p.Program, Digest: r.Digest}) {
		path := filepath.Join(dir, f.Path)
		got, err := filedigest.Of(path)
		if err != nil {
			return Installation{}, gone(err)
		}
		if got != f.Digest {
			return Installation{}, fmt.Errorf("%s: installed as %v, now %v: %w", path, f.Digest, got, ErrDigest)
		}
		if f.Path != p.Program {
			in.Files = append(in.Files, assay.File{Path: path, Digest: f.Digest})
		}
	}
	in.Loader = loaderIn(dir, r.Loader)
	return in, nil
}

// gone makes ErrDigest of an error that a file of an installation is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%v: %w", err, ErrDigest)
	}
	return err
}

// Install returns what is installed of p, installing it if it is not there or
// was changed. Of several that call at once, in any number of processes, one
// works and the others wait. One that ended early is continued by the next.
func Install(ctx context.Context, p runners.Package, o Options) (Installation, error) {
	in, err := install(ctx, p, o)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, syscall.ENOSPC) || err != nil && diskFull.MatchString(err.Error()) {
		err = fmt.Errorf("%w\n%s: free some space there, or put the cache elsewhere with ASSAY_CACHE", err, room(o.Cache))
	}
	if err != nil {
		return Installation{}, fmt.Errorf("install %s %s: %w", p.Name, p.Version, err)
	}
	return in, nil
}

// diskFull is what programs say of a full disk, apt before it begins.
var diskFull = regexp.MustCompile(`No space left on device|You don't have enough free space`)

// room says how much there is on the fullest disk that an installation uses:
// that of the cache, or that of temporary files.
func room(cache string) string {
	at, least := "", int64(0)
	for _, dir := range []string{cache, os.TempDir()} {
		if left, err := free(dir); err == nil && (at == "" || left < least) {
			at, least = dir, left
		}
	}
	return fmt.Sprintf("the disk of %s has %d MB left", at, least/1e6)
}

// free returns how many bytes can still be written to the disk of dir.
func free(dir string) (int64, error) {
	var disk unix.Statfs_t
	err := unix.Statfs(dir, &disk)
	return int64(disk.Bavail) * int64(disk.Bsize), err
}

func install(ctx context.Context, p runners.Package, o Options) (Installation, error) {
	if problems := check(p); len(problems) > 0 {
		return Installation{}, errors.Join(problems...)
	}
	if in, err := Find(p, o); err == nil {
		return in, nil
	}
	dir, err := dirOf(p, o)
	if err != nil {
		return Installation{}, err
	}
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return Installation{}, err
	}
	j := job{p, o, filepath.Join(parent, ".work-"+name), filepath.Join(parent, ".new-"+name)}
	unlock, err := j.lock(ctx, filepath.Join(parent, "."+name+".lock"))
	if err != nil {
		return Installation{}, err
	}
	defer unlock()
	if in, err := Find(p, o); err == nil {
		return in, nil // by the one that we waited for
	}
	if err := errors.Join(os.RemoveAll(j.out), os.MkdirAll(j.out, 0o755), os.MkdirAll(j.work, 0o755)); err != nil {
		return Installation{}, err
	}
	defer os.RemoveAll(j.out)
	var r record
	switch {
	case p.Wheel != nil:
		r, err = j.wheel(ctx, *p.Wheel)
	case p.Crate != nil:
		r, err = j.crate(ctx, *p.Crate)
	case p.Go != nil:
		r, err = j.goShim(ctx, *p.Go)
	case p.Debian != nil:
		r, err = j.debian(ctx, *p.Debian)
	case p.Archive != nil:
		r, err = j.archive(ctx, *p.Archive)
	case p.Lucet != nil:
		r, err = j.lucet(ctx, *p.Lucet)
	}
	if err != nil {
		return Installation{}, err
	}
	if err := j.finish(r, dir); err != nil {
		return Installation{}, err
	}
	return Find(p, o)
}

// A job is one installation at work.
type job struct {
	p    runners.Package
	o    Options
	work string // kept until it succeeds
	out  string // becomes the installation
}

// finish writes the record and gives the installation its name.
func (j job) finish(r record, dir string) error {
	program := filepath.Join(j.out, j.p.Program)
	var err error
	if r.Digest, err = filedigest.Of(program); err != nil {
		return fmt.Errorf("the package has no such program: %w", err)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(j.out, recordFile), b, 0o644); err != nil {
		return err
	}
	if err := syncDisk(j.out); err != nil { // or a power cut could leave files of it empty that no digest is of
		return err
	}
	if err := os.RemoveAll(dir); err != nil { // it was changed
		return err
	}
	if err := os.Rename(j.out, dir); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(j.work), j.unshare())
}

func (j job) progress(p Progress) {
	if j.o.Progress != nil {
		p.Package = j.p.Name
		j.o.Progress(p)
	}
}

// tryLock takes the lock file at path. The error matches unix.EWOULDBLOCK if
// another has it.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// lock takes the lock file at path, waiting for whoever has it.
func (j job) lock(ctx context.Context, path string) (unlock func(), err error) {
	waits := time.NewTicker(200 * time.Millisecond) // the kernel's own wait cannot be ended
	defer waits.Stop()
	for said := false; ; said = true {
		unlock, err := tryLock(path)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return unlock, err
		}
		if !said {
			j.progress(Progress{Doing: "waiting for another that installs it"})
		}
		select {
		case <-waits.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Uninstall removes what is installed of p's name and version, of earlier
// entries of the lock and earlier sources of ours too, and what is left of an
// attempt or compiled for several; nothing, if something that this is of is
// being installed. The error matches fs.ErrNotExist if there is nothing.
func Uninstall(p runners.Package, o Options) error {
	dir, err := dirOf(p, o)
	if err != nil {
		return err
	}
	any := p.Name + "-" + p.Version + "-*"
	patterns := []string{any, ".work-" + any, ".new-" + any}
	at := []runners.Package{p} // what is not to be installed meanwhile
	if p.Crate != nil && p.Crate.Shares != "" {
		patterns = append(patterns, ".shared-"+p.Crate.Shares)
		for _, other := range Embedded() {
			if other.Crate != nil && other.Crate.Shares == p.Crate.Shares {
				at = append(at, other)
			}
		}
	}
	var there []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), pattern))
		if err != nil {
			return err
		}
		there = append(there, found...)
	}
	if len(there) == 0 {
		return fmt.Errorf("%s %s is not installed: %w", p.Name, p.Version, fs.ErrNotExist)
	}
	locks := map[string]string{}
	for _, p := range at {
		what := p.Name + " " + p.Version
		found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), fmt.Sprintf(".%s-%s-*.lock", p.Name, p.Version)))
		if err != nil {
			return err
		}
		for _, path := range found {
			locks[path] = what
		}
	}
	for path, what := range locks {
		unlock, err := tryLock(path)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%s is being installed: wait for that, or end it", what)
		} else if err != nil {
			return err
		}
		defer unlock()
	}
	for _, dir := range there {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// dirOf returns where p is installed: a directory for each thing that decides
// which bytes that will be.
func dirOf(p runners.Package, o Options) (string, error) {
	cache, err := filepath.Abs(o.Cache)
	if err != nil {
		return "", err
	}
	key, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	key = append(key, Platform...)
	if p.Lucet != nil {
		key = append(append(key, cpuid...), wabt...)
	}
	for _, source := range sources(p) {
		d, err := sourceDigest(source)
		if err != nil {
			return "", err
		}
		key = append(key, d.String()...)
	}
	name := fmt.Sprintf("%s-%s-%s", p.Name, p.Version, assay.DigestOf(key).Short())
	return filepath.Join(cache, "runtimes", name), nil
}

// sources lists what p is built from of package shims.
func sources(p runners.Package) []string {
	switch {
	case p.Crate != nil && p.Crate.Source != "":
		return []string{p.Crate.Source}
	case p.Go != nil:
		return []string{p.Go.Source}
	}
	return nil
}

// sourceDigest returns the digest of what a program of ours is built from.
func sourceDigest(name string) (assay.Digest, error) {
	files, err := shims.Source(name)
	if err != nil {
		return assay.Digest{}, err
	}
	var list []byte
	for _, path := range slices.Sorted(maps.Keys(files)) {
		list = fmt.Appendf(list, "%s %v\n", path, assay.DigestOf(files[path]))
	}
	return assay.DigestOf(list), nil
}

// same returns an error if the file at path is not the one of digest want.
func same(path string, want assay.Digest) error {
	got, err := filedigest.Of(path)
	if err == nil && got != want {
		err = fmt.Errorf("%s is %v, want %v: %w", filepath.Base(path), got, want, ErrDigest)
	}
	return err
}
