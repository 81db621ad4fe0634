package install

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

//go:embed cpuid.rs
var cpuid []byte

//go:embed wabt.rs
var wabt []byte

// standIns is what replaces files of vendored crates, which have a version at
// the end of their names.
var standIns = []struct {
	crate string
	files map[string][]byte
}{
	{"raw-cpuid", map[string][]byte{"src/lib.rs": cpuid}},
	{"wabt", map[string][]byte{"src/lib.rs": wabt}},
	{"wabt-sys", map[string][]byte{"src/lib.rs": nil, "build.rs": []byte("fn main() {}\n")}},
}

// offline is a configuration of cargo: what was vendored is all that there is.
const offline = `[source.crates-io]
replace-with = "vendored-sources"
[source.vendored-sources]
directory = %q
`

// lucet builds lucet's compiler and its runtime with the Rust of their time,
// whose cargo does not understand today's registry: today's cargo fetches, that
// one builds without a network.
func (j job) lucet(ctx context.Context, l runners.Lucet) (record, error) {
	cargo, err := need("cargo", cargoRemedy)
	if err != nil {
		return record{}, err
	}
	rustup, err := need("rustup", "install Rust by rustup (https://rustup.rs), which has older versions of it")
	if err != nil {
		return record{}, err
	}
	home, err := j.cargoHome()
	if err != nil {
		return record{}, err
	}
	old := "RUSTUP_HOME=" + filepath.Join(filepath.Dir(home), "rustup")
	toolchain := command(ctx, rustup, "toolchain", "install", l.Rust, "--profile", "minimal", "--no-self-update")
	toolchain.Env = append(toolchain.Env, old, "CARGO_HOME="+home)
	j.progress(Progress{Doing: "downloading Rust " + l.Rust})
	if _, err := run(toolchain, nil); err != nil {
		return record{}, err
	}
	vendored := filepath.Join(j.work, "vendor") // of both: what they share is compiled once
	for _, c := range []runners.Crate{l.Compiler, l.Runtime} {
		if missing := lacking(c.Needs); len(missing) > 0 {
			return record{}, lacks(missing)
		}
		source, err := j.fetchCrate(ctx, cargo, home, c)
		if err != nil {
			return record{}, err
		}
		vendor := j.cargo(ctx, cargo, home, "vendor", "--locked", "--versioned-dirs", "--no-delete", vendored)
		vendor.Dir = source
		j.progress(Progress{Doing: "downloading what " + c.Name + " is made of"})
		if _, err := run(vendor, nil); err != nil {
			return record{}, err
		}
		if err := errors.Join(replace(vendored), os.MkdirAll(filepath.Join(source, ".cargo"), 0o755),
			os.WriteFile(filepath.Join(source, ".cargo", "config"), fmt.Appendf(nil, offline, vendored), 0o644)); err != nil {
			return record{}, err
		}
		build := j.cargo(ctx, rustup, filepath.Join(j.work, "cargo"), "run", l.Rust, "cargo", "install", "--locked", "--offline", "--path", ".", "--root", j.out)
		build.Dir = source
		// What lucet-wasi loads looks for its functions in it.
		build.Env = append(build.Env, old, "RUSTFLAGS=-C link-args=-rdynamic")
		if _, err := run(build, oldCargo(j, vendored)); err != nil {
			return record{}, err
		}
		if err := bindings(source, filepath.Join(j.out, "bin")); err != nil {
			return record{}, err
		}
	}
	r := record{Origin: fmt.Sprintf("crates.io %s and %s %s, with Rust %s", l.Compiler.Name, l.Runtime.Name, l.Runtime.Version, l.Rust)}
	for _, path := range []string{"bin/lucetc", "bin/bindings.json"} { // the mode precompiled is of these
		d, err := filedigest.Of(filepath.Join(j.out, path))
		if err != nil {
			return record{}, err
		}
		r.Files = append(r.Files, assay.File{Path: path, Digest: d})
	}
	return r, nil
}

// oldCargo tells of the lines of a cargo that shows no bar without a terminal:
// "Compiling syn v0.11.11". Of all that is vendored, what other systems need is
// never compiled.
func oldCargo(j job, vendored string) func(line string) {
	all, _ := filepath.Glob(filepath.Join(vendored, "*"))
	done := int64(0)
	return func(line string) {
		if rest, ok := strings.CutPrefix(line, "Compiling "); ok {
			name, _, _ := strings.Cut(rest, " ")
			j.progress(Progress{Doing: "compiling " + name, Done: done, Total: int64(len(all))})
			done++
		}
	}
}

// replace puts the stand-ins in their places among the vendored crates.
func replace(vendored string) error {
	var problems []error
	for _, s := range standIns {
		found, err := filepath.Glob(filepath.Join(vendored, s.crate+"-[0-9]*"))
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s is no part of it", s.crate)
		}
		problems = append(problems, err)
		for _, dir := range found {
			problems = append(problems, forget(dir))
			for name, content := range s.files {
				problems = append(problems, os.WriteFile(filepath.Join(dir, name), content, 0o644))
			}
		}
	}
	return errors.Join(problems...)
}

// forget forgets the digests of a vendored crate's files, but not that of the
// crate: cargo compares that with the Cargo.lock.
func forget(dir string) error {
	file := filepath.Join(dir, ".cargo-checksum.json")
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var sums struct {
		Files   map[string]string `json:"files"`
		Package string            `json:"package"`
	}
	if err := json.Unmarshal(b, &sums); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	sums.Files = map[string]string{}
	if b, err = json.Marshal(sums); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// bindings writes, beside the programs, what lucetc has to be told of the
// functions of wasi_snapshot_preview1: they are those of wasi_unstable, which is
// all that its own file names. A crate without that file is none of the concern.
func bindings(source, dir string) error {
	b, err := os.ReadFile(filepath.Join(source, "bindings.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var names map[string]map[string]string
	if err := json.Unmarshal(b, &names); err != nil {
		return fmt.Errorf("bindings.json: %w", err)
	}
	names["wasi_snapshot_preview1"] = names["wasi_unstable"]
	if b, err = json.MarshalIndent(names, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bindings.json"), b, 0o644)
}
