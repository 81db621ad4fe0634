package install

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/assay-notebooks/assay/internal/strictyaml"
	"github.com/assay-notebooks/assay/runners"
)

// LockFile is the name of a workspace's own lock, beside assay.lock: what it
// has at another version, or besides what assay brings. It is to be committed.
const LockFile = "runtimes.lock"

//go:embed runtimes.lock
var embedded []byte

// A Lock is the packages that can be installed, by name.
type Lock map[string]runners.Package

// Embedded returns the packages that assay brings.
func Embedded() Lock {
	l, err := ParseLock(embedded)
	if err != nil {
		panic(err) // it is a literal, and a test reads it
	}
	return l
}

// Live names the packages that every machine has that tests assay, the one that
// takes longest last. Others of the live runtimes are in PATH there.
var Live = []string{"wasmtime", "wasmtime-shim", "wasmedge", "runc", "crun", "zig", "wasm3", "wamr", "wasmi", "wasmer", "wasmer-shim"}

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~_-]*$`)
)

// ParseLock reads a runtimes.lock: a YAML list of packages. The error reports
// every problem of it.
func ParseLock(b []byte) (Lock, error) {
	var list []runners.Package
	if err := strictyaml.Decode(b, &list); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
		return nil, err
	}
	l := Lock{}
	var problems []error
	for i, p := range list {
		if _, twice := l[p.Name]; twice {
			problems = append(problems, fmt.Errorf("package %s is there twice", p.Name))
		}
		for _, problem := range check(p) {
			problems = append(problems, fmt.Errorf("package %d (%s): %w", i+1, p.Name, problem))
		}
		l[p.Name] = p
	}
	return l, errors.Join(problems...)
}

// Encode writes l as ParseLock reads it, sorted by name.
func (l Lock) Encode() ([]byte, error) {
	var list []runners.Package
	for _, name := range slices.Sorted(maps.Keys(l)) {
		list = append(list, l[name])
	}
	b, err := yaml.Marshal(list)
	return append([]byte("# What \"assay runtimes install\" installs here, by digest. Written by assay.\n"), b...), err
}

// Over returns the packages of l, and those of under that l has none of.
func (l Lock) Over(under Lock) Lock {
	all := maps.Clone(under)
	maps.Copy(all, l)
	return all
}

// check lists what is wrong with p. A lock may come with a stranger's
// workspace: its names become paths and arguments.
func check(p runners.Package) []error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(p.Name) {
		bad("name %q: want lower-case letters, digits, dots and dashes", p.Name)
	}
	if !versionPattern.MatchString(p.Version) {
		bad("version %q: want letters, digits and .+~_-", p.Version)
	}
	if !filepath.IsLocal(p.Program) {
		bad("program %q is not a path in the package", p.Program)
	}
	kinds := 0
	word := func(what, s string, pattern *regexp.Regexp) {
		if !pattern.MatchString(s) {
			bad("%s %q: want %v", what, s, pattern)
		}
	}
	wheel := func(what string, w runners.Wheel) {
		word(what+".project", w.Project, projectPattern)
		word(what+".version", w.Version, versionPattern)
		for platform, d := range w.Files {
			if d.IsZero() {
				bad("%s.files: no digest for %s", what, platform)
			}
		}
		for _, k := range w.Keep {
			if !filepath.IsLocal(k) {
				bad("%s.keep: %q is not a path in the wheel", what, k)
			}
		}
		if len(w.Files) == 0 || len(w.Keep) == 0 {
			bad("%s: want files and keep", what)
		}
	}
	if p.Wheel != nil {
		kinds++
		wheel("wheel", *p.Wheel)
	}
	if c := p.Crate; c != nil {
		kinds++
		for _, problem := range checkCrate(*c) {
			bad("%w", problem)
		}
	}
	if g := p.Go; g != nil {
		kinds++
		word("go.source", g.Source, namePattern)
		if g.Wheel != nil {
			wheel("go.wheel", *g.Wheel)
		}
	}
	if d := p.Debian; d != nil {
		kinds++
		word("debian.release", d.Release, namePattern)
		for _, name := range d.Packages {
			word("debian.packages", name, debPattern)
		}
		if len(d.Packages) == 0 || len(d.Files) == 0 {
			bad("debian: want packages and files")
		}
	}
	if a := p.Archive; a != nil {
		kinds++
		for platform := range a.URL {
			if a.Digest[platform].IsZero() {
				bad("archive: no digest for %s", platform)
			}
		}
		if len(a.URL) == 0 {
			bad("archive: want url")
		}
	}
	if l := p.Lucet; l != nil {
		kinds++
		word("lucet.rust", l.Rust, versionPattern)
		for _, problem := range append(checkCrate(l.Compiler), checkCrate(l.Runtime)...) {
			bad("lucet: %w", problem)
		}
	}
	if kinds != 1 {
		bad("want one of wheel, crate, go, debian, archive and lucet, not %d", kinds)
	}
	return problems
}

var (
	projectPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	debPattern     = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*$`)
)
