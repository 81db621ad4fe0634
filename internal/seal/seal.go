// Package seal turns a figure function into a thing that can be archived, read
// and rebuilt: a Wasm module, the source it was made from, and the facts that
// give the same bytes again on another machine.
//
// It refuses code that depends on more than its tables. It does not store
// anything and does not compare digests: that is its caller's business. Its
// subpackages extract the code, lay out the source it is built with, and run
// the module. docs/seal.md has the rules and formats.
package seal

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
	"github.com/assay-notebooks/assay/internal/seal/archive"
	"github.com/assay-notebooks/assay/internal/seal/extract"
	"github.com/assay-notebooks/assay/internal/seal/source"
)

// Options say what to seal.
type Options struct {
	Dir   string `json:"dir"`   // of the Go package
	Func  string `json:"func"`  // its function: "ColdStart", or as package runtime names it: "main.ColdStart"
	Cache string `json:"cache"` // directory where the source is laid out
}

// A Sealed is a figure function, sealed. The seal names the other three.
type Sealed struct {
	Seal      assay.Seal
	Module    []byte // Wasm
	Source    []byte // archive: main.go, go.mod, go.sum
	Kernelext []byte // archive of the packages it was built with

	program *extract.Program
	main    []byte
}

// Origin returns where a line of the sealed main.go comes from: "file:line" in
// the program that was sealed. Of a line that is not known, such as 0, it
// returns where the figure function is declared.
func (s *Sealed) Origin(line int) string { return s.program.Origin(s.Seal.Func, s.main, line) }

// Modules is where the module may be that an earlier Build has returned. A
// reader of it that does not fail has given the bytes of the digest.
type Modules interface {
	ReadAll(ctx context.Context, d assay.Digest, limit int64) ([]byte, error)
}

// maxModule bounds the module that is read of Modules.
const maxModule = 256 << 20

// Build seals a function. If its code cannot be sealed, the error is an
// *extract.RefusedError with every reason; without Go it matches ErrNoGo.
//
// The same source is not compiled again with the same Go, if modules, which may
// be nil, has what came of it.
func Build(ctx context.Context, o Options, modules Modules) (*Sealed, error) {
	packed, err := source.Archive()
	if err != nil {
		return nil, err
	}
	program, err := extract.Parse(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", o.Func, err)
	}
	w, err := newWorkshop(ctx, o.Cache, packed)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", o.Func, err)
	}
	defer w.close()
	imports := program.Imports()
	if !slices.Contains(imports, extract.Figure) { // its types are needed to say what is wrong
		imports = append(imports, extract.Figure)
	}
	types, err := w.types(ctx, imports)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", o.Func, err)
	}
	main, err := program.Extract(o.Func, types)
	if err != nil {
		return nil, err
	}
	module, err := w.module(ctx, main, modules)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", o.Func, err)
	}
	archived, err := archive.Pack(append(w.modFiles(), archive.File{Name: mainFile, Data: main}))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", o.Func, err)
	}
	return &Sealed{
		Seal: assay.Seal{
			Format:    assay.SealFormat,
			Func:      program.FuncName(o.Func),
			Module:    assay.DigestOf(module),
			Source:    assay.DigestOf(archived),
			Kernelext: assay.DigestOf(packed),
			Go:        w.toolchain.version,
			Flags:     slices.Clone(flags),
		},
		Module:    module,
		Source:    archived,
		Kernelext: packed,
		program:   program,
		main:      main,
	}, nil
}

// ErrGoVersion is matched when a seal was made with another Go than the one on
// PATH, which would not give the same bytes.
var ErrGoVersion = errors.New("sealed with another version of Go")

// ErrSeal is matched when a seal or its archives were not made by Build.
var ErrSeal = errors.New("not a seal of this assay")

// Rebuild compiles what Build archived and returns the module, which should
// have the digest s.Module. Its input may come from a stranger: of it, only Go
// source reaches the compiler. Of the options only Cache is used.
func Rebuild(ctx context.Context, s assay.Seal, archived, packed []byte, o Options) (module []byte, err error) {
	if s.Format != assay.SealFormat || !slices.Equal(s.Flags, flags) {
		return nil, fmt.Errorf("rebuild %s: %w: format %q, flags %q", s.Func, ErrSeal, s.Format, s.Flags)
	}
	files, err := archive.Unpack(archived, archive.Limits{Files: 3, Bytes: source.Limits.Bytes})
	if err != nil {
		return nil, fmt.Errorf("rebuild %s: its source: %w", s.Func, err)
	}
	w, err := newWorkshop(ctx, o.Cache, packed)
	if err != nil {
		return nil, fmt.Errorf("rebuild %s: %w", s.Func, err)
	}
	defer w.close()
	if w.toolchain.version != s.Go {
		return nil, fmt.Errorf("rebuild %s: %w: %s, and this is %s; put that version on PATH: https://go.dev/dl",
			s.Func, ErrGoVersion, s.Go, w.toolchain.version)
	}
	var main []byte
	want := map[string][]byte{}
	for _, f := range w.modFiles() {
		want[f.Name] = f.Data
	}
	for _, f := range files {
		if f.Name == mainFile {
			main = f.Data
		} else if string(want[f.Name]) != string(f.Data) {
			return nil, fmt.Errorf("rebuild %s: %w: its %s does not follow from its kernelext", s.Func, ErrSeal, f.Name)
		}
	}
	if main == nil || len(files) != 3 {
		return nil, fmt.Errorf("rebuild %s: %w: its source is not %s, go.mod and go.sum", s.Func, ErrSeal, mainFile)
	}
	module, err = w.build(ctx, main)
	if err != nil {
		return nil, fmt.Errorf("rebuild %s: %w", s.Func, err)
	}
	return module, nil
}

const mainFile = "main.go"

// A workshop is a temporary directory where one module is built.
type workshop struct {
	toolchain *toolchain
	dir       string
	mod, sum  []byte
	kernelext assay.Digest // of the source that it imports
	known     recollection
}

// newWorkshop prepares a workshop with the packages archived in packed.
func newWorkshop(ctx context.Context, cache string, packed []byte) (*workshop, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	t, err := findToolchain(ctx, cache)
	if err != nil {
		return nil, err
	}
	layout, err := source.DirOf(cache, packed)
	if err != nil {
		return nil, err
	}
	w := &workshop{toolchain: t, kernelext: assay.DigestOf(packed), known: recollectionIn(cache)}
	layoutMod, err := os.ReadFile(filepath.Join(layout, "go.mod"))
	if err != nil {
		return nil, err
	}
	directive := ""
	if w.mod, directive, err = sealedMod(string(layoutMod)); err != nil {
		return nil, err
	}
	if err := t.require(directive); err != nil {
		return nil, err
	}
	if w.sum, err = os.ReadFile(filepath.Join(layout, "go.sum")); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "assay-seal-"); err != nil {
		return nil, err
	}
	err = os.Symlink(layout, filepath.Join(w.dir, "assay"))
	for _, f := range w.modFiles() {
		err = errors.Join(err, os.WriteFile(filepath.Join(w.dir, f.Name), f.Data, 0o600))
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() { os.RemoveAll(w.dir) }

// modFiles returns go.mod and go.sum.
func (w *workshop) modFiles() []archive.File {
	return []archive.File{{Name: "go.mod", Data: w.mod}, {Name: "go.sum", Data: w.sum}}
}

// module returns what the program main compiles to: out of modules, if it was
// compiled before.
func (w *workshop) module(ctx context.Context, main []byte, modules Modules) ([]byte, error) {
	made := recipe{"module", w.toolchain.version, w.toolchain.goroot, flags, w.kernelext, assay.DigestOf(main)}
	var known assay.Digest
	if modules != nil && w.known.recall(made, &known) {
		if module, err := modules.ReadAll(ctx, known, maxModule); err == nil {
			return module, nil
		}
	}
	module, err := w.build(ctx, main)
	if err == nil {
		w.known.keep(made, assay.DigestOf(module))
	}
	return module, err
}

// build compiles the program main.
func (w *workshop) build(ctx context.Context, main []byte) ([]byte, error) {
	if err := os.WriteFile(filepath.Join(w.dir, mainFile), main, 0o600); err != nil {
		return nil, err
	}
	const output = "figure.wasm"
	args := slices.Concat([]string{"build"}, flags, []string{"-o", output, "."})
	if _, err := w.toolchain.run(ctx, w.dir, args...); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(w.dir, output))
}

// A requirement is a line in the require block of a go.mod.
var requirement = regexp.MustCompile(`^\t[A-Za-z0-9._~/-]+ v[0-9A-Za-z.+-]+\n$`)

// sealedMod turns the go.mod of the kernelext source into that of a sealed
// program, and returns its go directive. It accepts the lines that a seal
// needs and no others: a replace directive could name any directory.
func sealedMod(mod string) (sealed []byte, directive string, err error) {
	rest, ok := strings.CutPrefix(mod, "module "+extract.Module+"\n\ngo ")
	directive, rest, ok2 := strings.Cut(rest, "\n\nrequire (\n")
	requires, ok3 := strings.CutSuffix(rest, ")\n")
	if !ok || !ok2 || !ok3 || strings.ContainsAny(directive, "\n\t ") {
		return nil, "", fmt.Errorf("kernelext source: %w: its go.mod is not one that assay writes", ErrSeal)
	}
	for line := range strings.Lines(requires) {
		if !requirement.MatchString(line) {
			return nil, "", fmt.Errorf("kernelext source: %w: go.mod has the line %q", ErrSeal, line)
		}
	}
	return fmt.Appendf(nil, "module sealed\n\ngo %s\n\nrequire (\n\t%s v0.0.0\n%s)\n\nreplace %[2]s => ./assay\n",
		directive, extract.Module, requires), directive, nil
}
