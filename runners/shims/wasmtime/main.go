//go:build shim

// Command wasmtime is the shim of wasmtime: docs/shim-protocol.md. It loads the
// C library of the Python package wasmtime, which lies beside it with the
// package's METADATA: so no C compiler is wanted. Its compilers are Cranelift and Winch.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/assay-notebooks/assay/runners/shims/frame"
)

const (
	cranelift   = "cranelift"
	winch       = "winch"
	precompiled = "precompiled"
)

func init() {
	runtime.LockOSThread() // the main thread, whose stack is the largest
}

func main() {
	dir, err := beside()
	version := "unknown"
	if err == nil {
		version, err = versionIn(dir)
	}
	load := func() (*library, error) {
		if err != nil {
			return nil, err
		}
		return open(dir)
	}
	frame.Main(frame.Engine{
		Name:    "wasmtime",
		Version: version,
		Modes:   []string{cranelift, winch, precompiled},
		Threads: func(mode string) int {
			if mode == precompiled {
				return 0
			}
			return runtime.GOMAXPROCS(0) // as many as rayon starts
		},
		Count: "fuel:wasmtime",
		Saves: precompiled,
	}, func(s *frame.Shim) error {
		lib, err := load()
		if err != nil {
			return err
		}
		return lib.run(s)
	}, func(ask frame.Ask) ([]byte, error) {
		lib, err := load()
		if err != nil {
			return nil, err
		}
		return lib.precompile(ask.Module)
	})
}

// beside returns the directory that this program lies in.
func beside() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	exe, err = filepath.EvalSymlinks(exe)
	return filepath.Dir(exe), err
}

// versionIn returns the library's version: that of its package, for it does
// not say its own.
func versionIn(dir string) (string, error) {
	file := filepath.Join(dir, "METADATA")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if version, ok := strings.CutPrefix(line, "Version: "); ok {
			return strings.TrimSpace(version), nil
		}
	}
	return "", fmt.Errorf("%s names no version", file)
}

// A library is the C library. Its functions are wasm.h's, wasi.h's and
// wasmtime.h's of version 49.
type library struct {
	handle    uintptr
	functions map[string]uintptr
}

func open(dir string) (*library, error) {
	handle, err := purego.Dlopen(filepath.Join(dir, "_libwasmtime.so"), purego.RTLD_NOW|purego.RTLD_LOCAL)
	return &library{handle, map[string]uintptr{}}, err
}

// function returns the address of a function.
func (l *library) function(name string) uintptr {
	f, ok := l.functions[name]
	if !ok {
		var err error
		if f, err = purego.Dlsym(l.handle, name); err != nil {
			panic(err) // it is another version's library
		}
		l.functions[name] = f
	}
	return f
}

// call calls a function. The memory that args point to is kept meanwhile.
//
//go:uintptrescapes
func (l *library) call(name string, args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(l.function(name), args...)
	return r
}

// try calls a function that returns a wasmtime_error_t.
//
//go:uintptrescapes
func (l *library) try(name string, args ...uintptr) error {
	return l.failure(l.call(name, args...))
}

// isTrue is a C bool: the rest of its register is anything.
func isTrue(r uintptr) bool { return r&0xff != 0 }

// bytes is a wasm_byte_vec_t.
type bytes struct {
	size uintptr
	data *byte
}

func (l *library) take(b *bytes) []byte {
	taken := append([]byte(nil), unsafe.Slice(b.data, b.size)...)
	l.call("wasm_byte_vec_delete", uintptr(unsafe.Pointer(b)))
	return taken
}

// failure takes a wasmtime_error_t.
func (l *library) failure(err uintptr) error {
	if err == 0 {
		return nil
	}
	var message bytes
	l.call("wasmtime_error_message", err, uintptr(unsafe.Pointer(&message)))
	l.call("wasmtime_error_delete", err)
	return errors.New(strings.Join(strings.Fields(string(l.take(&message))), " "))
}

// trap takes a wasm_trap_t. Its message ends with the cause, after the stack.
func (l *library) trap(trap uintptr) error {
	var message bytes
	l.call("wasm_trap_message", trap, uintptr(unsafe.Pointer(&message)))
	l.call("wasm_trap_delete", trap)
	text := strings.Trim(string(l.take(&message)), "\x00\n")
	if i := strings.LastIndex(text, "wasm trap: "); i >= 0 {
		text = text[i+len("wasm trap: "):]
	}
	return frame.Trap(text)
}

// engine makes a wasm_engine_t.
func (l *library) engine(mode string, count bool) uintptr {
	config := l.call("wasm_config_new")
	strategy := uintptr(1)
	if mode == winch {
		strategy = 2
	}
	l.call("wasmtime_config_strategy_set", config, strategy)
	if count {
		l.call("wasmtime_config_consume_fuel_set", config, 1)
	}
	return l.call("wasm_engine_new_with_config", config)
}

// compile makes a wasmtime_module_t.
func (l *library) compile(engine uintptr, module []byte) (code uintptr, err error) {
	if len(module) == 0 {
		return 0, errors.New("the module is empty")
	}
	err = l.try("wasmtime_module_new", engine, uintptr(unsafe.Pointer(&module[0])), uintptr(len(module)), uintptr(unsafe.Pointer(&code)))
	return code, err
}

func (l *library) precompile(module []byte) ([]byte, error) {
	code, err := l.compile(l.engine(precompiled, false), module)
	if err != nil {
		return nil, err
	}
	var out bytes
	if err := l.try("wasmtime_module_serialize", code, uintptr(unsafe.Pointer(&out))); err != nil {
		return nil, err
	}
	return l.take(&out), nil
}

// cString returns s as C has it.
func cString(s string) *byte { return &append([]byte(s), 0)[0] }

// cStrings returns the first of an array of strings; there is one for an
// empty list too.
func cStrings(list []string) **byte {
	out := make([]*byte, len(list)+1)
	for i, s := range list {
		out[i] = cString(s)
	}
	return &out[0]
}

// wasi makes a wasi_config_t.
func (l *library) wasi(s *frame.Shim) (uintptr, error) {
	config := l.call("wasi_config_new")
	if !isTrue(l.call("wasi_config_set_argv", config, uintptr(len(s.Args)), uintptr(unsafe.Pointer(cStrings(s.Args))))) {
		return 0, errors.New("the arguments are not UTF-8")
	}
	var names, values []string
	for _, kv := range s.Env {
		name, value, _ := strings.Cut(kv, "=")
		names, values = append(names, name), append(values, value)
	}
	if !isTrue(l.call("wasi_config_set_env", config, uintptr(len(names)),
		uintptr(unsafe.Pointer(cStrings(names))), uintptr(unsafe.Pointer(cStrings(values))))) {
		return 0, errors.New("the variables are not UTF-8")
	}
	for _, stream := range []string{"stdin", "stdout", "stderr"} {
		l.call("wasi_config_inherit_"+stream, config)
	}
	for _, d := range s.Dirs {
		var writable uintptr
		if !d.ReadOnly {
			writable = 1
		}
		if !isTrue(l.call("wasi_config_preopen_dir", config, uintptr(unsafe.Pointer(cString(d.Host))), uintptr(unsafe.Pointer(cString(d.Guest))), writable)) {
			return 0, fmt.Errorf("directory %s cannot be opened", d.Host)
		}
	}
	return config, nil
}

// types is a wasm_valtype_vec_t.
type types struct {
	size uintptr
	data *uintptr // of wasm_valtype_t
}

const kindI32 = 0

// answers reports whether a function is () -> i32.
func (g *guest) answers(f *value) bool {
	signature := g.call("wasmtime_func_type", g.context, uintptr(unsafe.Pointer(&f.of)))
	defer g.call("wasm_functype_delete", signature)
	params := g.call("wasm_functype_params", signature)
	results := g.call("wasm_functype_results", signature)
	in, out := *(**types)(unsafe.Pointer(&params)), *(**types)(unsafe.Pointer(&results))
	return in.size == 0 && out.size == 1 && g.call("wasm_valtype_kind", *out.data)&0xff == kindI32
}

// define defines a function of a host module, with i32 parameters and no result.
func (l *library) define(linker uintptr, module, name string, params int, callback uintptr) error {
	var in, out types
	l.call("wasm_valtype_vec_new_uninitialized", uintptr(unsafe.Pointer(&in)), uintptr(params))
	for i := range unsafe.Slice(in.data, params) {
		unsafe.Slice(in.data, params)[i] = l.call("wasm_valtype_new", kindI32)
	}
	l.call("wasm_valtype_vec_new_empty", uintptr(unsafe.Pointer(&out)))
	signature := l.call("wasm_functype_new", uintptr(unsafe.Pointer(&in)), uintptr(unsafe.Pointer(&out)))
	defer l.call("wasm_functype_delete", signature)
	return l.try("wasmtime_linker_define_func", linker,
		uintptr(unsafe.Pointer(cString(module))), uintptr(len(module)), uintptr(unsafe.Pointer(cString(name))), uintptr(len(name)),
		signature, callback, 0, 0)
}

// value is a wasmtime_val_t or a wasmtime_extern_t.
type value struct {
	kind uint8
	of   [3]uint64
}

// A guest is an instance in its store.
type guest struct {
	*library
	context  uintptr
	instance [2]uint64 // wasmtime_instance_t
	exited   *int      // what it called proc_exit with
}

func (l *library) run(s *frame.Shim) error {
	if s.Count && s.Mode == precompiled {
		return frame.Unsupported("a count in mode %q: the code is compiled without", s.Mode)
	}
	g := &guest{library: l}
	var engine, store, code, linker, pre uintptr
	if err := s.Time("engine-init", func() error {
		engine = l.engine(s.Mode, s.Count)
		store = l.call("wasmtime_store_new", engine, 0, 0)
		g.context = l.call("wasmtime_store_context", store)
		if s.Count {
			if err := l.try("wasmtime_context_set_fuel", g.context, fuel); err != nil {
				return err
			}
		}
		config, err := l.wasi(s)
		if err != nil {
			return err
		}
		return l.try("wasmtime_context_set_wasi", g.context, config)
	}); err != nil {
		return err
	}
	made := func() (err error) {
		code, err = l.compile(engine, s.Module)
		return err
	}
	phase := "compile"
	if s.Mode == precompiled {
		phase = "load-precompiled"
		path := cString(s.Path)
		made = func() error {
			return l.try("wasmtime_module_deserialize_file", engine, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&code)))
		}
	}
	if err := s.Time(phase, made); err != nil {
		return err
	}
	callbacks := g.callbacks(s)
	if err := s.Time("link", func() error {
		linker = l.call("wasmtime_linker_new", engine)
		l.call("wasmtime_linker_allow_shadowing", linker, 1)
		if err := l.try("wasmtime_linker_define_wasi", linker); err != nil {
			return err
		}
		for _, c := range callbacks {
			if err := l.define(linker, c.module, c.name, c.params, c.function); err != nil {
				return err
			}
		}
		return l.try("wasmtime_linker_instantiate_pre", linker, code, uintptr(unsafe.Pointer(&pre)))
	}); err != nil {
		return err
	}
	var run value
	var reactor bool
	if err := s.Time("instantiate", func() error {
		if err := g.instantiate(pre, &g.instance); err != nil {
			return err
		}
		run, reactor = g.export("run")
		if init, ok := g.export("_initialize"); reactor && ok {
			return g.call0(&init, nil)
		}
		return nil
	}); err != nil {
		return err
	}
	left, err := g.fuel(s.Count)
	if err != nil {
		return err
	}
	if err := g.calls(s, &run, reactor); err != nil {
		return err
	}
	if s.Count {
		after, err := g.fuel(true)
		if err != nil {
			return err
		}
		s.Counted(left - after)
	}
	if err := s.Again(func() error {
		var second [2]uint64
		return g.instantiate(pre, &second)
	}); err != nil {
		return err
	}
	return s.Time("teardown", func() error {
		l.call("wasmtime_instance_pre_delete", pre)
		l.call("wasmtime_linker_delete", linker)
		l.call("wasmtime_store_delete", store)
		l.call("wasmtime_module_delete", code)
		l.call("wasm_engine_delete", engine)
		return nil
	})
}

// fuel is more than any guest burns.
const fuel = 1 << 62

func (g *guest) fuel(counts bool) (left uint64, err error) {
	if counts {
		err = g.try("wasmtime_context_get_fuel", g.context, uintptr(unsafe.Pointer(&left)))
	}
	return left, err
}

// A callback is a function of ours that guests import.
type callback struct {
	module, name string
	params       int
	function     uintptr
}

// callbacks returns what is defined beside WASI, and in place of its
// proc_exit, which knows no status above 125.
func (g *guest) callbacks(s *frame.Shim) []callback {
	mark := func(do func()) uintptr {
		return purego.NewCallback(func(_, _, _, _, _, _ uintptr) uintptr {
			do()
			return 0
		})
	}
	exit := purego.NewCallback(func(_, _ uintptr, args *value, _, _, _ uintptr) uintptr {
		status := int(uint32(args.of[0]))
		g.exited = &status
		return g.call("wasmtime_trap_new", uintptr(unsafe.Pointer(cString("exit"))), 4)
	})
	return []callback{
		{"wasi_snapshot_preview1", "proc_exit", 1, exit},
		{"bench", "start", 0, mark(s.BenchStart)},
		{"bench", "end", 0, mark(s.BenchEnd)},
	}
}

func (g *guest) instantiate(pre uintptr, instance *[2]uint64) error {
	var trap uintptr
	err := g.try("wasmtime_instance_pre_instantiate", pre, g.context, uintptr(unsafe.Pointer(instance)), uintptr(unsafe.Pointer(&trap)))
	return g.ended(err, trap)
}

// export returns an export that is a function.
func (g *guest) export(name string) (f value, ok bool) {
	ok = isTrue(g.call("wasmtime_instance_export_get", g.context, uintptr(unsafe.Pointer(&g.instance)),
		uintptr(unsafe.Pointer(cString(name))), uintptr(len(name)), uintptr(unsafe.Pointer(&f))))
	return f, ok && f.kind == 0
}

// call0 calls a function without parameters.
func (g *guest) call0(f, result *value) error {
	var trap, results uintptr
	if result != nil {
		results = 1
	}
	err := g.try("wasmtime_func_call", g.context, uintptr(unsafe.Pointer(&f.of)), 0, 0,
		uintptr(unsafe.Pointer(result)), results, uintptr(unsafe.Pointer(&trap)))
	return g.ended(err, trap)
}

// ended says how what the guest did has ended.
func (g *guest) ended(err error, trap uintptr) error {
	switch {
	case err == nil && trap == 0:
		return nil
	case g.exited != nil:
		return frame.Exit(*g.exited)
	case trap != 0:
		return g.trap(trap)
	}
	return err
}

func (g *guest) calls(s *frame.Shim, run *value, reactor bool) error {
	if !reactor {
		start, ok := g.export("_start")
		if !ok {
			return errors.New("the module exports neither run nor _start")
		}
		return s.Start(func() error {
			err := g.call0(&start, nil)
			if g.exited != nil && *g.exited == 0 {
				return nil
			}
			return err
		})
	}
	if !g.answers(run) {
		return errors.New("the export run is not () -> i32")
	}
	var result value
	return s.Run(func() (uint32, error) {
		err := g.call0(run, &result)
		return uint32(result.of[0]), err
	})
}
