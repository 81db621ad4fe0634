package install

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

// keyring has the keys that Debian signs its releases with.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

const debianRemedy = "this is for Debian and what derives from it; elsewhere, install it as your system does, so that it is in PATH"

// debian fetches packages with apt, with all that they depend on, as if for an
// empty system, or alone, and extracts them.
//
// The packages that the lock names have to be the locked ones, to the byte.
// What else of the release they need moves with its point releases, which
// Debian alone signs and keeps: that is what it is now, and apt checks it
// against the signed release. The origin names those that are not the lock's,
// and the digests of what is loaded are in the record.
func (j job) debian(ctx context.Context, d runners.Debian) (record, error) {
	files, err := j.fetchDebian(ctx, d)
	if err != nil {
		return record{}, err
	}
	dpkg, err := need("dpkg-deb", debianRemedy)
	if err != nil {
		return record{}, err
	}
	for _, name := range d.Packages {
		if !slices.ContainsFunc(files, func(f string) bool { return debName(f) == name }) {
			return record{}, fmt.Errorf("%s has no package %s", d.Release, name)
		}
	}
	version := debVersion(files[slices.IndexFunc(files, func(f string) bool { return debName(f) == d.Packages[0] })])
	var moved []string
	for i, file := range files {
		want, locked := d.Files[filepath.Base(file)]
		if !locked && slices.Contains(d.Packages, debName(file)) {
			return record{}, fmt.Errorf("%s has %s now, which runtimes.lock does not: \"assay runtimes install %s@%s\" in a workspace notes it",
				d.Release, filepath.Base(file), j.p.Name, version)
		}
		if !locked {
			moved = append(moved, filepath.Base(file))
		} else if err := same(file, want); err != nil {
			return record{}, err
		}
		j.progress(Progress{Doing: "extracting " + debName(file), Done: int64(i), Total: int64(len(files))})
		if _, err := run(command(ctx, dpkg, "-x", file, j.out), nil); err != nil {
			return record{}, err
		}
	}
	r := record{Origin: fmt.Sprintf("Debian %s %s", d.Release, strings.Join(d.Packages, " "))}
	if len(moved) > 0 {
		r.Origin += ", with what runtimes.lock does not have: " + strings.Join(moved, " ")
	}
	if d.Alone {
		return r, j.alone(ctx)
	}
	return r, j.loader(ctx, &r)
}

// alone returns an error if the host lacks a library of a program that was
// installed without what it depends on.
func (j job) alone(ctx context.Context) error {
	programs, err := filepath.Glob(filepath.Join(j.out, "usr", "*bin", "*"))
	if err != nil {
		return err
	}
	for _, program := range programs {
		if _, err := Libraries(ctx, program); err != nil {
			return fmt.Errorf("%w\nit takes its libraries from this host: install the one that is named (Debian has libseccomp.so.2 in libseccomp2)", err)
		}
	}
	return nil
}

// fetchDebian returns the paths of the .deb files of d's packages and, unless
// they are alone, of all that they depend on.
func (j job) fetchDebian(ctx context.Context, d runners.Debian) ([]string, error) {
	get, err := need("apt-get", debianRemedy)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(keyring); err != nil {
		return nil, fmt.Errorf("%w: install the package debian-archive-keyring", err)
	}
	at := func(name string) string { return filepath.Join(j.work, name) }
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(at(dir), 0o755); err != nil {
			return nil, err
		}
	}
	if left, err := free(j.work); err == nil && left < aptRoom {
		return nil, fmt.Errorf("apt wants %d MB for its lists: %w", aptRoom/1_000_000, unix.ENOSPC)
	}
	system, err := systemAcquire(ctx)
	if err != nil {
		return nil, err
	}
	source := fmt.Sprintf("deb [signed-by=%s] http://deb.debian.org/debian %s main\n", keyring, d.Release)
	for name, text := range map[string]string{"sources.list": source, "status": "", "apt.conf": system + fmt.Sprintf(aptConf, j.work)} {
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	j.progress(Progress{Doing: "asking Debian " + d.Release})
	fetch := []string{"install", "--download-only"}
	if d.Alone {
		fetch = []string{"download"}
	}
	archives := at("cache/archives")
	for _, args := range [][]string{{"update"}, {"autoclean"}, append(fetch, d.Packages...)} { // without what an earlier attempt fetched and is no longer the release's
		cmd := command(ctx, get, append(args, "-q", "-y")...)
		cmd.Dir = archives // where "download" puts them
		cmd.Env = append(cmd.Env, "APT_CONFIG="+at("apt.conf"))
		if _, err := run(cmd, nil); err != nil {
			return nil, fmt.Errorf("%w\ncheck the network and apt's proxy", err)
		}
		j.progress(Progress{Doing: "downloading " + strings.Join(d.Packages, " ")})
	}
	return filepath.Glob(filepath.Join(archives, "*.deb"))
}

// aptRoom is what apt has to find on a disk, in bytes: it waits for ever if it
// is full when it writes its lists, which are 60 MB.
const aptRoom = 100_000_000

// aptConf is apt's configuration: in place of the system's, whose hooks would
// run, and in a directory in place of its sources, state and cache.
const aptConf = `Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "%[1]s/state";
Dir::State::lists "%[1]s/state/lists";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s/cache";
Debug::NoLocking "true";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
Acquire::Languages "none";
`

// systemAcquire returns what of the system's configuration says how the network
// is reached: proxies and certificates.
func systemAcquire(ctx context.Context) (string, error) {
	config, err := need("apt-config", debianRemedy)
	if err != nil {
		return "", err
	}
	out, err := run(command(ctx, config, "dump"), nil)
	if err != nil {
		return "", err
	}
	var kept strings.Builder
	for line := range strings.Lines(out) {
		if reaches.MatchString(line) {
			kept.WriteString(line)
		}
	}
	return kept.String(), nil
}

// reaches is a line of apt-config dump, `Acquire::http::Proxy "http://host";`.
var reaches = regexp.MustCompile(`^(?i:Acquire::(https?|ForceIPv[46])\b)`)

// debName returns the package's name in that of a .deb file.
func debName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), "_")
	return name
}

// debVersion returns the upstream version in the name of a .deb file.
func debVersion(file string) string {
	_, v, _ := strings.Cut(filepath.Base(file), "_")
	v, _, _ = strings.Cut(v, "_")
	if plain, err := url.PathUnescape(v); err == nil {
		v = plain
	}
	if _, without, ok := strings.Cut(v, ":"); ok {
		v = without
	}
	return v
}

// loader notes how a program is started with the C library beside it, and which
// libraries it loads then.
func (j job) loader(ctx context.Context, r *record) error {
	var loaders []string
	for _, dir := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib", "lib"} { // before Debian 13 a link to /lib, of the host, is in lib64
		found, err := filepath.Glob(filepath.Join(j.out, dir, "ld-linux-*.so.*"))
		if err != nil {
			return err
		}
		loaders = append(loaders, found...)
	}
	if len(loaders) == 0 {
		return nil // a static program
	}
	ld, err := j.relative(loaders[0])
	if err != nil {
		return err
	}
	var libraries []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"} {
		dirs, err := filepath.Glob(filepath.Join(j.out, pattern))
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			rel, err := j.relative(dir)
			if err != nil {
				return err
			}
			if !slices.Contains(libraries, rel) {
				libraries = append(libraries, rel)
			}
		}
	}
	r.Loader = append([]string{ld}, libraries...)
	argv := append(loaderIn(j.out, r.Loader), "--list", filepath.Join(j.out, j.p.Program))
	loaded, err := librariesOf(ctx, argv)
	if err != nil {
		return err
	}
	for _, path := range loaded {
		rel, err := filepath.Rel(j.out, path) // the name that is looked for, which may be a link
		if _, outside := j.relative(path); err == nil {
			err = outside
		}
		if err != nil {
			return fmt.Errorf("%s would load a library of the system: %w", j.p.Program, err)
		}
		f := assay.File{Path: rel}
		if f.Digest, err = filedigest.Of(path); err != nil {
			return err
		}
		r.Files = append(r.Files, f)
	}
	return nil
}

// relative returns where a file is in what is being installed.
func (j job) relative(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	out, err := filepath.EvalSymlinks(j.out)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(out, path)
	if err == nil && !filepath.IsLocal(rel) {
		err = fmt.Errorf("%s is not in the package", path)
	}
	return rel, err
}

// loaderIn returns the arguments that start a program of dir: record.Loader is
// the loader, then the directories of libraries.
func loaderIn(dir string, loader []string) []string {
	if len(loader) == 0 {
		return nil
	}
	var libraries []string
	for _, l := range loader[1:] {
		libraries = append(libraries, filepath.Join(dir, l))
	}
	return []string{filepath.Join(dir, loader[0]), "--inhibit-cache", "--library-path", strings.Join(libraries, ":")}
}
