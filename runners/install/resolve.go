package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

// ErrVersion reports a version that is not to be had; the error lists those
// that are.
var ErrVersion = errors.New("no such version")

// Resolve returns p at another version: the registry that it is from says what
// that is, and its digest is that of the bytes that came. A version of p itself,
// or of the wheel that it is in, is p.
func Resolve(ctx context.Context, p runners.Package, version string, o Options) (runners.Package, error) {
	if Is(p, version) {
		return p, nil
	}
	if !versionPattern.MatchString(version) {
		return p, fmt.Errorf("%s@%s: want letters, digits and .+~_-: %w", p.Name, version, ErrVersion)
	}
	cache, err := filepath.Abs(o.Cache)
	if err != nil {
		return p, err
	}
	work := filepath.Join(cache, "runtimes", ".resolve-"+p.Name)
	if err := os.MkdirAll(filepath.Dir(work), 0o755); err != nil {
		return p, err
	}
	j := job{p: p, o: o, work: work}
	unlock, err := j.lock(ctx, work+".lock")
	if err != nil {
		return p, err
	}
	defer unlock()
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o755)); err != nil { // of one that was killed
		return p, err
	}
	defer os.RemoveAll(work)
	p.Version = version
	switch {
	case p.Wheel != nil:
		p.Wheel, err = j.resolveWheel(ctx, *p.Wheel, version)
	case p.Crate != nil && p.Crate.Source == "":
		p.Crate, err = j.resolveCrate(ctx, *p.Crate, version)
	case p.Debian != nil:
		p.Debian, err = j.resolveDebian(ctx, *p.Debian, version)
	case p.Archive != nil:
		err = fmt.Errorf("it is an archive at a URL: write url and digest of %s into the workspace's %s: %w", version, LockFile, ErrVersion)
	default:
		err = fmt.Errorf("there is one way to build it, and that is of %s: %w", j.p.Version, ErrVersion)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return p, fmt.Errorf("resolve %s@%s: %w", p.Name, version, err)
	}
	return p, nil
}

// Is reports whether a version is p's, or that of the wheel that p is in.
func Is(p runners.Package, version string) bool {
	return version == p.Version || p.Wheel != nil && version == p.Wheel.Version
}

var pipVersions = regexp.MustCompile(`(?m)^Available versions: (.*)$`)

func (j job) resolveWheel(ctx context.Context, w runners.Wheel, version string) (*runners.Wheel, error) {
	file, err := j.fetchWheel(ctx, w.Project, version, assay.Digest{})
	if err != nil {
		cmd, pipErr := j.pip(ctx, "index", "versions", w.Project)
		if pipErr != nil {
			return nil, err
		}
		out, pipErr := run(cmd, nil)
		there := pipVersions.FindStringSubmatch(out)
		if pipErr != nil || there == nil || slices.Contains(strings.Split(there[1], ", "), version) {
			return nil, err
		}
		return nil, fmt.Errorf("%w of %s: there are %s", ErrVersion, w.Project, there[1])
	}
	d, err := filedigest.Of(file)
	w.Version, w.Files = version, map[string]assay.Digest{Platform: d}
	return &w, err
}

var indexVersion = regexp.MustCompile(`"vers":\s*"([^"]+)"`)

func (j job) resolveCrate(ctx context.Context, c runners.Crate, version string) (*runners.Crate, error) {
	cargo, err := need("cargo", cargoRemedy)
	if err != nil {
		return nil, err
	}
	home, err := j.cargoHome()
	if err != nil {
		return nil, err
	}
	file, err := j.downloadCrate(ctx, cargo, home, c.Name, version)
	if err != nil {
		there := indexed(home, c.Name)
		if len(there) == 0 || slices.Contains(there, version) {
			return nil, err
		}
		return nil, fmt.Errorf("%w of %s: there are %s", ErrVersion, c.Name, strings.Join(there, ", "))
	}
	c.Version = version
	c.Digest, err = filedigest.Of(file)
	return &c, err
}

// indexed lists the versions of a crate, newest first, that cargo read in the
// registry's index when it looked for one.
func indexed(home, name string) []string {
	files, _ := filepath.Glob(filepath.Join(home, "registry", "index", "*", ".cache", "*", "*", name))
	var there []string
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range indexVersion.FindAllSubmatch(b, -1) {
			there = append(there, string(m[1]))
		}
	}
	slices.Reverse(there)
	return there
}

func (j job) resolveDebian(ctx context.Context, d runners.Debian, version string) (*runners.Debian, error) {
	files, err := j.fetchDebian(ctx, d)
	if err != nil {
		return nil, err
	}
	d.Files = map[string]assay.Digest{}
	for _, file := range files {
		has := debVersion(file)
		if debName(file) == d.Packages[0] && !beginsVersion(has, version) {
			return nil, fmt.Errorf("%w of %s: Debian %s has %s", ErrVersion, d.Packages[0], d.Release, has)
		}
		if d.Files[filepath.Base(file)], err = filedigest.Of(file); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

// beginsVersion reports whether version is that of a Debian package, has, or its
// beginning: 1.8.1 of 1.8.1-1+deb12u1.
func beginsVersion(has, version string) bool {
	rest, ok := strings.CutPrefix(has, version)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], "+~-"))
}
