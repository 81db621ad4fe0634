package images_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/failure"
)

// wasm is a module of the given sections, each id and body.
func wasm(sections ...any) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	for i := 0; i < len(sections); i += 2 {
		body := sections[i+1].(string)
		b = append(b, byte(sections[i].(int)), byte(len(body)))
		b = append(b, body...)
	}
	return b
}

// The sections of the smallest command.
const (
	types   = "\x01\x60\x00\x00"
	funcs   = "\x01\x00"
	memory  = "\x01\x00\x01"
	exports = "\x02\x06_start\x00\x00\x06memory\x02\x00"
	code    = "\x01\x02\x00\x0b"
)

func command() []byte { return wasm(1, types, 3, funcs, 5, memory, 7, exports, 10, code) }

// importing is a command that imports every kind of thing from a module.
func importing(from string) []byte {
	head := string(rune(len(from))) + from + "\x01x"
	imports := "\x05" + head + "\x00\x00" + // function
		head + "\x01\x70\x01\x01\x80\x01" + // table of funcref, 1 to 128
		head + "\x02\x00\x01" + // memory
		head + "\x03\x7f\x00" + // global of i32
		head + "\x04\x00\x00" // tag
	return wasm(1, types, 2, imports, 3, funcs, 5, memory, 7, exports, 10, code)
}

func TestCheckModule(t *testing.T) {
	ready := map[string][]byte{
		"command":       command(),
		"custom":        wasm(0, "\x04name", 7, exports),
		"bench-imports": importing("bench"),
		"typed-refs":    wasm(2, "\x01\x05bench\x01x\x03\x63\x70\x00", 7, exports),
	}
	for name, b := range ready {
		if err := images.CheckModule(b, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := images.CheckModule(importing("env"), []string{"env"}); err != nil {
		t.Errorf("allowed import: %v", err)
	}
	for name, tt := range map[string]struct {
		module []byte
		is     error
		want   string
	}{
		"empty":             {nil, images.ErrNotWasm, "empty file; build or fetch it again"},
		"one-byte":          {[]byte{0}, images.ErrMalformed, "ends after 1 bytes"},
		"text-comment":      {[]byte("\n ;; a module\n(module)"), images.ErrNotWasm, "wat2wasm"},
		"elf":               {[]byte("\x7fELF\x02\x01\x01"), images.ErrNotWasm, "7f 45 4c 46"},
		"text":              {[]byte("(module)"), images.ErrNotWasm, "wat2wasm"},
		"magic-only":        {[]byte("\x00asm"), images.ErrMalformed, "ends after 4 bytes"},
		"component":         {[]byte("\x00asm\x0d\x00\x01\x00"), images.ErrComponent, "GOOS=wasip1"},
		"version-2":         {[]byte("\x00asm\x02\x00\x00\x00"), images.ErrMalformed, "version 2, want 1"},
		"truncated-section": {command()[:len(command())-2], images.ErrMalformed, "section 10: ends in the middle"},
		"section-too-long":  {wasm(7, exports+"\x00"), images.ErrMalformed, "1 bytes too long"},
		"export-twice":      {wasm(7, "\x02\x01a\x00\x00\x01a\x00\x00"), images.ErrMalformed, `export "a" twice`},
		"name-not-utf8":     {wasm(7, "\x01\x01\xff\x00\x00"), images.ErrMalformed, "not UTF-8"},
		"count-without-end": {wasm(7, "\xff\xff\xff\xff\x0f"), images.ErrMalformed, "ends in the middle"},
		"number-too-wide":   {wasm(7, "\xff\xff\xff\xff\x7f"), images.ErrMalformed, "wider than 32 bits"},
		"import-of-kind-9":  {wasm(2, "\x01\x01a\x01b\x09"), images.ErrMalformed, "import of kind 9"},
		"nothing":           {wasm(), nil, "exports no _start"},
		"reactor":           {wasm(7, "\x01\x0b_initialize\x00\x00"), nil, "without an export run to call"},
		"start-is-memory":   {wasm(7, "\x01\x06_start\x02\x00"), nil, "exports no _start"},
		"missing-import":    {importing("env"), nil, `imports from "env"`},
		"wasi-unstable":     {importing("wasi_unstable"), nil, "newer toolchain"},
		"go-for-browser":    {importing("gojs"), nil, "GOOS=wasip1"},
		"wasi-without-memory": {
			wasm(2, "\x01\x16wasi_snapshot_preview1\x01x\x00\x00", 7, "\x01\x06_start\x00\x00"),
			nil, `no memory called "memory"`,
		},
		"two-things-are-wrong": {wasm(2, "\x01\x03env\x01x\x00\x00"), nil, "exports no _start"},
	} {
		err := images.CheckModule(tt.module, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: error %v, want %v with %q", name, err, tt.is, tt.want)
		}
	}
}

func TestModule(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hello.wasm")
	if err := os.WriteFile(path, command(), 0o666); err != nil {
		t.Fatal(err)
	}
	o := images.ModuleOptions{Args: []string{"-v"}, Expect: assay.Expectation{Exit: 3}, Licence: "MIT"}
	got, err := images.Module(path, o)
	want := &images.Built{
		Name: "hello", Args: o.Args, Expect: o.Expect, Module: command(), Facts: map[string]string{"licence": "MIT"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := images.Module(path, images.ModuleOptions{Name: "a b"}); err == nil {
		t.Error(`name "a b": no error`)
	}
	if err := os.WriteFile(path, []byte("hello"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := images.Module(path, o); !errors.Is(err, images.ErrNotWasm) {
		t.Errorf("error %v, want ErrNotWasm", err)
	}
	if err := os.WriteFile(path, reactor(), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, err := images.Module(path, o); err != nil || !bytes.Equal(b.Variants[assay.Reactor], reactor()) {
		t.Errorf("of a reactor: %+v, %v, want it as the variant", b, err)
	}
	// A file that could be read for ever is not opened.
	for _, path := range []string{os.DevNull, filepath.Dir(path)} {
		if _, err := images.Module(path, o); !errors.Is(err, failure.ErrUsage) {
			t.Errorf("%s: error %v, want that it is no plain file", path, err)
		}
	}
}

func TestReadShape(t *testing.T) {
	for name, c := range map[string]struct {
		module []byte
		want   images.Shape
	}{
		"command": {command(), images.Shape{Start: true}},
		"marks":   {importing("bench"), images.Shape{Start: true, Marks: true}},
		"both":    {wasm(7, "\x03\x06memory\x02\x00\x06_start\x00\x00\x03run\x00\x00"), images.Shape{Start: true, Run: true}},
		"no func": {wasm(7, "\x01\x03run\x02\x00"), images.Shape{}},
	} {
		if got, err := images.ReadShape(c.module); got != c.want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	if _, err := images.ReadShape([]byte("no module")); !errors.Is(err, images.ErrNotWasm) {
		t.Errorf("of no module: %v, want %v", err, images.ErrNotWasm)
	}
}

func FuzzCheckModule(f *testing.F) {
	f.Add(command())
	f.Add(importing("env"))
	f.Add(wasm(2, "\x01\x05bench\x01x\x03\x63\x70\x00", 7, exports))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		err := images.CheckModule(b, nil)
		if err == nil && !bytes.Contains(b, []byte("_start")) {
			t.Error("accepted without _start")
		}
		if !bytes.Equal(b, before) {
			t.Error("changed its input")
		}
	})
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte("name: a\nargs: [x]\nenv: [A=b]\nexpect: {stdout: \"\", exit: 3}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := images.ParseSpec(b); err == nil && images.CheckName(s.Name) != nil {
			t.Errorf("accepted name %q", s.Name)
		}
	})
}

// FuzzRebuild gives archives that name ready modules: no compiler runs.
func FuzzRebuild(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, images.SpecFile), []byte("name: a\nmodule: a.wasm\n"), 0o666); err != nil {
		f.Fatal(err)
	}
	for _, module := range [][]byte{command(), reactor()} {
		if err := os.WriteFile(filepath.Join(dir, "a.wasm"), module, 0o666); err != nil {
			f.Fatal(err)
		}
		b, err := images.Build(f.Context(), dir, images.Options{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Source)
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		b, err := images.Rebuild(t.Context(), archive, images.Options{Go: "no-such-go"})
		if err != nil {
			return
		}
		check := images.CheckModule
		if bytes.Equal(b.Module, b.Variants[assay.Reactor]) {
			check = images.CheckReactor
		}
		if err := check(b.Module, nil); err != nil {
			t.Errorf("accepted a module that is none: %v", err)
		}
	})
}
