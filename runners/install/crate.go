package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay/runners"
)

const cargoRemedy = "install Rust (https://rustup.rs), which builds it"

func checkCrate(c runners.Crate) []error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch {
	case c.Source != "" && c.Name+c.Version != "":
		bad("crate: source and name exclude each other")
	case c.Source != "" && !namePattern.MatchString(c.Source):
		bad("crate.source %q is not a folder of shims", c.Source)
	case c.Source == "" && (!projectPattern.MatchString(c.Name) || !versionPattern.MatchString(c.Version) || c.Digest.IsZero()):
		bad("crate %q %q: want name, version and digest, or source", c.Name, c.Version)
	}
	if c.Shares != "" && !namePattern.MatchString(c.Shares) {
		bad("crate.shares %q: want lower-case letters, digits, dots and dashes", c.Shares)
	}
	return problems
}

// crate builds a program with cargo, with the Cargo.lock that comes with it,
// and with a cargo home of our own. What is compiled is kept until all is, so
// that the next attempt goes on where this one ended.
func (j job) crate(ctx context.Context, c runners.Crate) (record, error) {
	cargo, err := need("cargo", cargoRemedy)
	if err != nil {
		return record{}, err
	}
	if missing := lacking(c.Needs); len(missing) > 0 {
		return record{}, lacks(missing)
	}
	home, err := j.cargoHome()
	if err != nil {
		return record{}, err
	}
	source := filepath.Join(j.work, "source")
	r := record{Origin: "cargo build of assay's " + c.Source}
	if c.Source != "" {
		source, err = layOut(c.Source, source)
	} else {
		r.Origin = fmt.Sprintf("crates.io %s %s", c.Name, c.Version)
		source, err = j.fetchCrate(ctx, cargo, home, c)
	}
	if err != nil {
		return record{}, err
	}
	args := []string{"install", "--locked", "--no-track", "--path", source, "--root", j.out}
	if len(c.Features) > 0 {
		args = append(args, "--features", strings.Join(c.Features, ","))
	}
	compilers, err := j.compilers(ctx, home, c)
	if err != nil {
		return record{}, err
	}
	r.Origin += ", with " + compilers
	cmd := j.cargo(ctx, cargo, home, args...)
	cmd.Env = append(cmd.Env, "RUSTC_WRAPPER=", "RUSTC_WORKSPACE_WRAPPER=") // of a configuration
	if _, err := run(cmd, j.compiling); err != nil {
		return record{}, fmt.Errorf("%w\nif it is the network, check it, and the registry that cargo is configured for", err)
	}
	return r, nil
}

// cargo makes a command of cargo. Its progress is written as if to a terminal.
func (j job) cargo(ctx context.Context, cargo, home string, args ...string) *exec.Cmd {
	cmd := command(ctx, cargo, args...)
	cmd.Dir = j.work // not where a configuration or a rust-toolchain file of the user's is
	cmd.Env = slices.DeleteFunc(cmd.Env, bends.MatchString)
	cmd.Env = append(cmd.Env, "CARGO_HOME="+home, "CARGO_TARGET_DIR="+j.target(),
		"RUSTFLAGS=", "CARGO_TERM_COLOR=never", "CARGO_TERM_PROGRESS_WHEN=always", "CARGO_TERM_PROGRESS_WIDTH=100")
	return cmd
}

// target returns the directory of what is compiled.
func (j job) target() string {
	if j.p.Crate != nil && j.p.Crate.Shares != "" {
		return filepath.Join(filepath.Dir(j.work), ".shared-"+j.p.Crate.Shares)
	}
	return filepath.Join(j.work, "target")
}

// unshare removes what is compiled together, once every package that does so
// is installed.
func (j job) unshare() error {
	if j.p.Crate == nil || j.p.Crate.Shares == "" {
		return nil
	}
	for _, p := range Embedded() {
		if p.Name == j.p.Name || p.Crate == nil || p.Crate.Shares != j.p.Crate.Shares {
			continue
		}
		if _, err := Find(p, j.o); err != nil {
			return nil // it takes from there what it can
		}
	}
	return os.RemoveAll(j.target())
}

// bends is a variable of the environment that makes cargo, or what crates compile
// C with, build something else. CARGO_HTTP_PROXY, CARGO_REGISTRIES_…_TOKEN,
// LIBCLANG_PATH and the like do not.
var bends = regexp.MustCompile(`^(CARGO_(PROFILE|TARGET|BUILD|ENCODED|UNSTABLE|ALIAS|INCREMENTAL)|RUSTC|RUSTDOC|RUSTFLAGS` +
	`|CMAKE|BINDGEN_|CRATE_CC_|CPATH=|C(PLUS)?_INCLUDE_PATH=|LD=` +
	`|((HOST|TARGET)_)?(CC|CXX|CXXSTDLIB|AR|RANLIB|NM|(C|CXX|CPP|LD|AR|RANLIB)FLAGS)(_[^=]*)?=)`)

// compilers returns what the compilers that cargo uses say of themselves, that of
// C if c has some: "rustc 1.90.0 (…) and cc (Debian 12.2.0-14) 12.2.0".
func (j job) compilers(ctx context.Context, home string, c runners.Crate) (string, error) {
	said, err := j.rustc(ctx, home)
	if err != nil || !slices.Contains(c.Needs, "cc") {
		return said, err
	}
	out, err := run(command(ctx, "cc", "--version"), nil)
	first, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return said + " and " + first, err
}

// rustc returns what Rust's compiler says of itself.
func (j job) rustc(ctx context.Context, home string) (string, error) {
	rustc, err := need("rustc", cargoRemedy)
	if err != nil {
		return "", err
	}
	out, err := run(j.cargo(ctx, rustc, home, "--version"), nil)
	return strings.TrimSpace(out), err
}

// cargoHome returns our directory of cargo's downloads, in which cargo finds
// the user's configuration: the registry, the proxy, the credentials.
func (j job) cargoHome() (string, error) {
	home := filepath.Join(filepath.Dir(filepath.Dir(j.work)), "cargo")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	users := os.Getenv("CARGO_HOME")
	if users == "" {
		dir, err := os.UserHomeDir()
		if err != nil {
			return home, nil
		}
		users = filepath.Join(dir, ".cargo")
	}
	for _, name := range []string{"config", "config.toml", "credentials", "credentials.toml"} {
		link, file := filepath.Join(home, name), filepath.Join(users, name)
		if _, err := os.Stat(file); err != nil {
			if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			continue
		}
		if leads, _ := os.Readlink(link); leads == file || link == file {
			continue // another cargo may be about to read it
		}
		if err := renameio.Symlink(file, link); err != nil {
			return "", err
		}
	}
	return home, nil
}

// fetchCrate downloads the sources of a crate, and returns the directory that
// they are in.
func (j job) fetchCrate(ctx context.Context, cargo, home string, c runners.Crate) (string, error) {
	j.progress(Progress{Doing: fmt.Sprintf("downloading %s %s from crates.io", c.Name, c.Version)})
	file, err := j.downloadCrate(ctx, cargo, home, c.Name, c.Version)
	if err != nil {
		return "", err
	}
	if err := same(file, c.Digest); err != nil {
		return "", errors.Join(err, os.Remove(file)) // else it would be taken the next time, too
	}
	dir := filepath.Join(j.work, "source")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return "", err
	}
	if err := unpack(file, dir, all); err != nil {
		return "", err
	}
	dir = filepath.Join(dir, c.Name+"-"+c.Version)
	for _, name := range []string{"rust-toolchain", "rust-toolchain.toml"} { // rustup would install it
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return dir, nil
}

// downloadCrate lets cargo download a crate, and returns the path of the .crate
// file, which cargo has checked against the registry's index.
func (j job) downloadCrate(ctx context.Context, cargo, home, name, version string) (string, error) {
	pattern := filepath.Join(home, "registry", "cache", "*", name+"-"+version+".crate")
	if found, _ := filepath.Glob(pattern); len(found) > 0 {
		return found[0], nil
	}
	// Of cargo's commands this one downloads a crate and nothing besides.
	if _, err := run(j.cargo(ctx, cargo, home, "info", name+"@"+version), nil); err != nil {
		return "", fmt.Errorf("%w\nif it is the network, check it, and the registry that cargo is configured for", err)
	}
	found, _ := filepath.Glob(pattern)
	if len(found) == 0 {
		return "", fmt.Errorf("cargo info left no %s", pattern)
	}
	return found[0], nil
}

// progressLine is how cargo shows how far it is:
// "Building [====>   ] 35/412: wasmer-vm, syn".
var progressLine = regexp.MustCompile(`^(Building|Compiling|Downloading|Fetch|Updating) \[[=> ]*\] (\d+)/(\d+)(?:: (.*))?`)

// compiling tells of a line of cargo's.
func (j job) compiling(line string) {
	m := progressLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	done, _ := strconv.ParseInt(m[2], 10, 64)
	total, _ := strconv.ParseInt(m[3], 10, 64)
	j.progress(Progress{Doing: strings.TrimSpace("compiling " + m[4]), Done: done, Total: total})
}

// lacking returns those of needs that the host has not: commands, and Debian's
// packages of libraries, which are looked for where clang-sys does.
func lacking(needs []string) []string {
	var missing []string
	for _, n := range needs {
		if strings.HasPrefix(n, "libclang") {
			here, _ := filepath.Glob("/usr/lib/llvm-*/lib/libclang*.so*")
			there, _ := filepath.Glob("/usr/lib/*/libclang*.so*")
			if os.Getenv("LIBCLANG_PATH") == "" && len(here)+len(there) == 0 {
				missing = append(missing, n)
			}
			continue
		}
		if _, err := exec.LookPath(n); err != nil {
			missing = append(missing, n)
		}
	}
	return missing
}

// lacks is the error that a build wants what is not there.
func lacks(missing []string) error {
	return fmt.Errorf("building it needs %s; on Debian: apt-get install %s", strings.Join(missing, ", "), strings.Join(missing, " "))
}
