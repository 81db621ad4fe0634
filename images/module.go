package images

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/plainfile"
)

// What a file can be instead of a module for wasip1.
var (
	ErrNotWasm   = errors.New("not Wasm")
	ErrComponent = errors.New("a Wasm component, not a module")
	ErrMalformed = errors.New("malformed Wasm")
)

// moduleLimit bounds a module file.
const moduleLimit = 1 << 30

// ModuleOptions say what a bare module file cannot.
type ModuleOptions struct {
	Name    string            `json:"name,omitempty"` // default: the file's name without .wasm
	Args    []string          `json:"args,omitempty"`
	Env     []string          `json:"env,omitempty"`
	Stdin   []byte            `json:"stdin,omitempty"`
	Expect  assay.Expectation `json:"expect,omitzero"`
	Licence string            `json:"licence,omitempty"`
	URL     string            `json:"url,omitempty"`
	Imports []string          `json:"imports,omitempty"` // import modules allowed besides WASI
}

// Module reads the workload that is one .wasm file: a command or, if it
// exports run and no _start, a reactor alone.
func Module(path string, o ModuleOptions) (*Built, error) {
	spec := Spec{Name: o.Name, Args: o.Args, Env: o.Env, Expect: Expect{Exit: o.Expect.Exit}}
	if spec.Name == "" {
		spec.Name = strings.TrimSuffix(filepath.Base(path), ".wasm")
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	module, err := plainfile.Read(path, moduleLimit)
	if err != nil {
		return nil, err
	}
	b := &Built{Name: spec.Name, Args: o.Args, Env: o.Env, Stdin: o.Stdin, Expect: o.Expect, Facts: map[string]string{}}
	if err := b.takeModule(module, o.Imports); err != nil {
		return nil, err
	}
	b.addFact("licence", o.Licence)
	b.addFact("url", o.URL)
	return b, nil
}

// The import modules a command may use without saying so: WASI preview 1, and
// the two functions by which a benchmark marks what it measures.
var knownImports = []string{"wasi_snapshot_preview1", marks}

// marks is the import module of the functions that mark a region.
const marks = "bench"

// A Shape is what a module has that runtimes treat in different ways.
type Shape struct {
	Start bool // it exports _start: a command
	Run   bool // it exports run, which a reactor is called by
	Marks bool // it imports what marks a region
}

// ReadShape reads the shape of a module. Errors are those of CheckModule.
func ReadShape(b []byte) (Shape, error) {
	m, err := parseModule(b)
	if err != nil {
		return Shape{}, err
	}
	return Shape{Start: m.exportsFunc("_start"), Run: m.exportsFunc("run"), Marks: slices.Contains(m.imports, marks)}, nil
}

// CheckModule reports why b is not a command that a runtime for wasip1 can
// start: every reason. It reads section headers, imports and exports; code is
// left to the runtimes to validate. Errors match ErrNotWasm, ErrComponent or
// ErrMalformed where one of these is the reason. Import modules besides WASI
// preview 1 have to be allowed by name.
func CheckModule(b []byte, allowed []string) error {
	m, err := parseModule(b)
	if err != nil {
		return err
	}
	return m.check(allowed)
}

// CheckReactor is CheckModule for a reactor, which exports the function run.
func CheckReactor(b []byte, allowed []string) error {
	m, err := parseModule(b)
	if err != nil {
		return err
	}
	return m.checkReactor(allowed)
}

// parseModule reads the outside of a module.
func parseModule(b []byte) (module, error) {
	const head = 8
	switch {
	case len(b) == 0:
		return module{}, fmt.Errorf("%w: empty file; build or fetch it again", ErrNotWasm)
	case !bytes.HasPrefix(b, []byte("\x00asm"[:min(4, len(b))])):
		what := "want the bytes 00 61 73 6d first, got % x; give the .wasm file that a compiler wrote"
		if text := bytes.TrimLeft(b, " \t\r\n"); bytes.HasPrefix(text, []byte("(")) || bytes.HasPrefix(text, []byte(";;")) {
			what = "text format, convert it with wat2wasm; it begins % x"
		}
		return module{}, fmt.Errorf("%w: "+what, ErrNotWasm, b[:min(4, len(b))])
	case len(b) < head:
		return module{}, fmt.Errorf("%w: ends after %d bytes; build or fetch it again", ErrMalformed, len(b))
	case binary.LittleEndian.Uint16(b[6:]) == 1:
		return module{}, fmt.Errorf("%w; build it for wasip1, for example with GOOS=wasip1 or --target wasm32-wasip1", ErrComponent)
	case binary.LittleEndian.Uint32(b[4:]) != 1:
		return module{}, fmt.Errorf("%w: version %d, want 1", ErrMalformed, binary.LittleEndian.Uint32(b[4:]))
	}
	m, err := readModule(b[head:])
	if err != nil {
		return module{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return m, nil
}

// The kinds of imports and exports.
const (
	kindFunc = iota
	kindTable
	kindMemory
	kindGlobal
	kindTag
)

// A module is the outside of a Wasm module.
type module struct {
	imports []string // import modules, each once, in order
	exports map[string]byte
}

func (m module) check(allowed []string) error {
	errs := m.checkShared(allowed)
	if !m.exportsFunc("_start") {
		if _, ok := m.exports["_initialize"]; ok {
			errs = append(errs, errors.New("a reactor (it exports _initialize, not _start) without an export run to call; add that, or build a command"))
		} else {
			errs = append(errs, errors.New("exports no _start function; build it as a wasip1 command, with a main, or as a reactor that exports run"))
		}
	}
	return errors.Join(errs...)
}

func (m module) checkReactor(allowed []string) error {
	errs := m.checkShared(allowed)
	if !m.exportsFunc("run") {
		errs = append(errs, errors.New("exports no run function, which a reactor is called by"))
	}
	if _, ok := m.exports["_start"]; ok {
		errs = append(errs, errors.New("a command (it exports _start), not a reactor"))
	}
	return errors.Join(errs...)
}

func (m module) exportsFunc(name string) bool {
	kind, ok := m.exports[name]
	return ok && kind == kindFunc
}

// checkShared reports what is wrong with commands and reactors alike.
func (m module) checkShared(allowed []string) []error {
	var errs []error
	for _, name := range m.imports {
		switch {
		case slices.Contains(knownImports, name) || slices.Contains(allowed, name):
		case name == "wasi_unstable":
			errs = append(errs, errors.New("built for wasi_unstable, from before wasip1; build it with a newer toolchain"))
		case name == "gojs" || name == "go":
			errs = append(errs, errors.New("built for the browser (GOOS=js); build it with GOOS=wasip1"))
		default:
			errs = append(errs, fmt.Errorf(
				"imports from %q, which wasip1 does not have; if your runtime has it, allow it with imports: [%s]", name, name))
		}
	}
	if kind, ok := m.exports["memory"]; slices.Contains(m.imports, knownImports[0]) && (!ok || kind != kindMemory) {
		errs = append(errs, errors.New(`exports no memory called "memory", which WASI needs`))
	}
	return errs
}

// The sections looked into.
const (
	sectionImport = 2
	sectionExport = 7
)

// readModule walks the sections in b, which begin after the version.
func readModule(b []byte) (module, error) {
	m := module{exports: map[string]byte{}}
	r := &wasmReader{b: b}
	for len(r.b) > 0 && r.err == nil {
		id := r.byte()
		body := r.take(r.u32())
		var err error
		switch s := (&wasmReader{b: body}); {
		case r.err != nil:
			return m, fmt.Errorf("section %d: %w", id, r.err)
		case id == sectionImport:
			err = m.readImports(s)
		case id == sectionExport:
			err = m.readExports(s)
		}
		if err != nil {
			return m, fmt.Errorf("section %d: %w", id, err)
		}
	}
	return m, r.err
}

func (m *module) readImports(r *wasmReader) error {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		name := r.name()
		r.name()
		switch kind := r.byte(); kind {
		case kindFunc:
			r.u32()
		case kindTable:
			r.valueType()
			r.limits()
		case kindMemory:
			r.limits()
		case kindGlobal:
			r.valueType()
			r.byte()
		case kindTag:
			r.byte()
			r.u32()
		default:
			r.fail(fmt.Errorf("import of kind %d", kind))
		}
		if r.err == nil && !slices.Contains(m.imports, name) {
			m.imports = append(m.imports, name)
		}
	}
	return r.end()
}

func (m *module) readExports(r *wasmReader) error {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		name, kind := r.name(), r.byte()
		r.u32()
		if _, ok := m.exports[name]; ok {
			r.fail(fmt.Errorf("export %q twice", name))
		}
		m.exports[name] = kind
	}
	return r.end()
}

var errShort = errors.New("ends in the middle: the file is truncated or damaged; build or fetch it again")

// A wasmReader reads the binary format. After its first error it returns
// zeroes.
type wasmReader struct {
	b   []byte
	err error
}

func (r *wasmReader) fail(err error) {
	if r.err == nil {
		r.err, r.b = err, nil
	}
}

// end returns the error, if any, once nothing should be left.
func (r *wasmReader) end() error {
	if len(r.b) > 0 {
		r.fail(fmt.Errorf("%d bytes too long", len(r.b)))
	}
	return r.err
}

func (r *wasmReader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)) {
		r.fail(errShort)
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *wasmReader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

// uleb reads an unsigned LEB128 number of at most bits bits.
func (r *wasmReader) uleb(bits int) uint64 {
	var v uint64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		if left := bits - shift; left < 7 && c>>left != 0 {
			r.fail(fmt.Errorf("number wider than %d bits", bits))
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return v
		}
	}
	r.fail(fmt.Errorf("number wider than %d bits", bits))
	return 0
}

func (r *wasmReader) u32() uint32 { return uint32(r.uleb(32)) }

func (r *wasmReader) name() string {
	b := r.take(r.u32())
	if !utf8.Valid(b) {
		r.fail(errors.New("name is not UTF-8"))
		return ""
	}
	return string(b)
}

// valueType skips a value type; a typed reference is longer than a byte.
func (r *wasmReader) valueType() {
	const refNull, ref = 0x63, 0x64
	if c := r.byte(); c == refNull || c == ref {
		r.skipNumber()
	}
}

func (r *wasmReader) skipNumber() {
	for range 10 {
		if r.byte()&0x80 == 0 {
			return
		}
	}
	r.fail(errors.New("number wider than 64 bits"))
}

// limits skips the limits of a table or memory.
func (r *wasmReader) limits() {
	const hasMax, pageSize = 1, 8
	flags := r.byte()
	r.uleb(64)
	if flags&hasMax != 0 {
		r.uleb(64)
	}
	if flags&pageSize != 0 {
		r.u32()
	}
}
