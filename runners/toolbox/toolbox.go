// Package toolbox finds the programs that runtimes are on this host, builds
// those that are built from source, and says exactly what it found: path,
// version, digest. It neither plans nor runs a workload.
package toolbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/install"
)

// Options says where to look.
type Options struct {
	Cache    string            // directory for what is built or unpacked; not inside a workspace's tree
	Packages map[string]string // where the entry file of each installed npm package is, by the package's name
	Lock     install.Lock      // what can be installed; nil: what assay brings
}

// Locate finds the program that r is. One that is not there is a result, not
// an error: Absent says why and how to get it. The error is that we could not
// find out. The first call may build a program, which needs Go and the network.
func Locate(ctx context.Context, r runners.Runtime, o Options) (assay.RuntimeVersion, error) {
	found, err := Find(ctx, r.Name(), r.Tool(), o)
	if found.Absent != "" {
		found.Absent += OrDrop(r.Name())
	}
	return found, err
}

// OrDrop is what Locate advises where a runtime is one of an experiment's.
func OrDrop(runtime string) string { return fmt.Sprintf(", or drop %s from runtimes", runtime) }

// LocateAll is Locate for several. What is the same tool is looked for, and
// hashed, once.
func LocateAll(ctx context.Context, rs []runners.Runtime, o Options) ([]assay.RuntimeVersion, error) {
	all := make([]assay.RuntimeVersion, len(rs))
	for i, r := range rs {
		same := slices.IndexFunc(rs[:i], func(other runners.Runtime) bool { return reflect.DeepEqual(other.Tool(), r.Tool()) })
		if same >= 0 && all[same].Absent == "" {
			all[i] = all[same]
			all[i].Name, all[i].Loader = r.Name(), slices.Clone(all[same].Loader)
			all[i].Files, all[i].Libraries = slices.Clone(all[same].Files), slices.Clone(all[same].Libraries)
			continue
		}
		var err error
		if all[i], err = Locate(ctx, r, o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Find is Locate for a program that is no runtime by itself: a shim. The name
// becomes that of what is found.
func Find(ctx context.Context, name string, t runners.Tool, o Options) (assay.RuntimeVersion, error) {
	found, err := locate(ctx, t, o)
	if missing, ok := errors.AsType[absence](err); ok && ctx.Err() == nil {
		found, err = assay.RuntimeVersion{Absent: fmt.Sprintf("%s: %s", missing.what, missing.remedy)}, nil
	}
	found.Name = name
	if err != nil {
		return assay.RuntimeVersion{}, fmt.Errorf("locate %s: %w", name, errors.Join(ctx.Err(), err))
	}
	return found, nil
}

// An absence is the error that a program is not there.
type absence struct{ what, remedy string }

func (a absence) Error() string { return a.what }

func locate(ctx context.Context, t runners.Tool, o Options) (assay.RuntimeVersion, error) {
	if t.Bin == "" {
		return assay.RuntimeVersion{Origin: "the workload's own executable"}, nil
	}
	found, err := program(ctx, t, o)
	if err != nil {
		return assay.RuntimeVersion{}, err
	}
	if found.Version, err = probe(ctx, t, slices.Concat(found.Loader, []string{found.Path}), o.Cache); err != nil {
		return assay.RuntimeVersion{}, err
	}
	if found, err = WithLibraries(ctx, found); err != nil {
		return assay.RuntimeVersion{}, absence{err.Error(), t.Remedy}
	}
	ours, err := files(t, o)
	found.Files = append(ours, found.Files...)
	return found, err
}

// WithLibraries returns found with the libraries of this host that it loads:
// none, if it brings its own. The error says which one is not there.
func WithLibraries(ctx context.Context, found assay.RuntimeVersion) (assay.RuntimeVersion, error) {
	var err error
	if found.Libraries = nil; len(Apart(found).Loader) == 0 {
		found.Libraries, err = install.Libraries(ctx, found.Path)
	}
	return found, err
}

// program finds the file that t is: it is built, or it was installed, or, if it
// was not, it is in PATH.
func program(ctx context.Context, t runners.Tool, o Options) (assay.RuntimeVersion, error) {
	var found assay.RuntimeVersion
	if t.Build != nil {
		made, err := build(ctx, t, o.Cache)
		if err != nil {
			return assay.RuntimeVersion{}, err
		}
		found.Path, found.Origin = made.bin, origin(*t.Build, made.version)
	} else {
		in, err := installed(t, o)
		if err == nil {
			return OnThisHost(t, assay.RuntimeVersion{Path: in.Program, Digest: in.Digest, Loader: in.Loader, Files: in.Files, Origin: in.Origin}), nil
		}
		remedy := t.Remedy
		if !errors.Is(err, errNoPackage) {
			remedy = fmt.Sprintf("run \"assay runtimes install %s\"", t.Package)
			if !errors.Is(err, fs.ErrNotExist) {
				return assay.RuntimeVersion{}, absence{err.Error(), remedy} // what PATH has is not what was installed
			}
		}
		found.Path, err = lookPath(t.Bin, remedy)
		found.Origin = "PATH"
		if err != nil {
			return assay.RuntimeVersion{}, err
		}
	}
	var err error
	found.Digest, err = filedigest.Of(found.Path)
	return OnThisHost(t, found), err
}

// origin says what was built: a program of another's module, or one of ours,
// which has no version but that of its engine.
func origin(b runners.Build, goVersion string) string {
	if b.Files == nil {
		return fmt.Sprintf("go build %s@%s, with %s", b.Package, b.Version, goVersion)
	}
	return fmt.Sprintf("go build of assay's %s, with its engine %s and %s", b.Package, b.Version, goVersion)
}

// errNoPackage reports a program that is in no package of the lock.
var errNoPackage = errors.New("in no package")

// installed finds t where package install put it. The error is errNoPackage, or
// as that of install.Find.
func installed(t runners.Tool, o Options) (install.Installation, error) {
	lock := o.Lock
	if lock == nil {
		lock = install.Embedded()
	}
	p, ok := lock[t.Package]
	if !ok {
		return install.Installation{}, errNoPackage
	}
	return install.Find(p, install.Options{Cache: o.Cache})
}

// lookPath returns the program itself, not a link to it: what is digested
// must be what runs.
func lookPath(bin, remedy string) (string, error) {
	path, err := exec.LookPath(bin)
	if err != nil {
		return "", absence{bin + " not found", remedy}
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

var versionPattern = regexp.MustCompile(`\bv?((\d+)\.\d+[^\s,;)]*)`)

// probe asks a program, started by argv, for its version.
func probe(ctx context.Context, t runners.Tool, argv []string, cache string) (string, error) {
	path := argv[len(argv)-1]
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	argv = slices.Concat(argv, t.Probe)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"HOME=" + filepath.Join(cache, "home")} // wasmer makes a directory there even to say its version
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	m := versionPattern.FindSubmatch(bytes.ReplaceAll(out, []byte(path), nil)) // some begin with their path, which may hold a version
	if err != nil || m == nil {
		return "", absence{fmt.Sprintf("%s %s gives no version (%q)", path, strings.Join(t.Probe, " "), firstLine(out)), t.Remedy}
	}
	if major, err := strconv.Atoi(string(m[2])); err != nil || major < t.Least {
		return "", absence{fmt.Sprintf("%s is version %s", path, m[1]), t.Remedy}
	}
	if t.Series != "" && !strings.HasPrefix(string(m[1]), t.Series+".") {
		return "", absence{fmt.Sprintf("%s is version %s, and only the command line of %s is known", path, m[1], t.Series), t.Remedy}
	}
	return string(m[1]), nil
}

// files lists what else takes part: our script, then the package's entry, the
// files beside it that it may import, and what says of which kind they are.
func files(t runners.Tool, o Options) ([]assay.File, error) {
	var all []assay.File
	if t.Script != nil {
		path, err := unpack(t.Script, o.Cache)
		if err != nil {
			return nil, err
		}
		all = append(all, assay.File{Path: path, Digest: assay.DigestOf(t.Script.Data)})
	}
	if t.Module == "" {
		return all, nil
	}
	entry, ok := o.Packages[t.Module]
	if !ok {
		return nil, absence{t.Module + " not installed", t.Remedy}
	}
	entry, err := filepath.Abs(entry)
	if err != nil {
		return nil, err
	}
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(entry), "*"+filepath.Ext(entry)))
	if err != nil {
		return nil, err
	}
	for i, path := range slices.Concat([]string{entry}, beside, scope(entry)) {
		if i > 0 && path == entry {
			continue
		}
		d, err := filedigest.Of(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Module, err)
		}
		all = append(all, assay.File{Path: path, Digest: d})
	}
	return all, nil
}

// scope returns the package.json that Node reads to know whether the file at
// path is a module; none if there is none.
func scope(path string) []string {
	for dir := filepath.Dir(path); filepath.Base(dir) != "node_modules"; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "package.json")
		if _, err := os.Stat(file); err == nil {
			return []string{file}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return nil
}

// unpack writes s below the cache, named by its digest.
func unpack(s *runners.Script, cache string) (string, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", err
	}
	d := assay.DigestOf(s.Data)
	path := filepath.Join(cache, "scripts", d.Short(), s.Name)
	if b, err := os.ReadFile(path); err == nil && bytes.Equal(b, s.Data) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, renameio.WriteFile(path, s.Data, 0o444)
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return line
}
