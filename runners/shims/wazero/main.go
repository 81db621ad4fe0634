// Command wazero is the shim of wazero, with its compiler and its interpreter:
// docs/shim-protocol.md. Its options are those of upstream's own program, so
// that phases and processes compare.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/assay-notebooks/assay/runners/shims/frame"
)

const interpreter = "interpreter"

func main() {
	frame.Main(frame.Engine{
		Name:    "wazero",
		Version: version(),
		Modes:   []string{"compiler", interpreter},
		Threads: func(mode string) int {
			if mode == interpreter {
				return 0
			}
			return 1
		},
	}, run, nil)
}

// version returns that of the wazero which this program is built with.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/tetratelabs/wazero" {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "unknown"
}

func run(s *frame.Shim) error {
	ctx := context.Background()
	engine := wazero.NewRuntimeConfigCompiler
	if s.Mode == interpreter {
		engine = wazero.NewRuntimeConfigInterpreter
	}
	var (
		r      wazero.Runtime
		config wazero.ModuleConfig
		code   wazero.CompiledModule
		guest  api.Module
	)
	if err := s.Time("engine-init", func() error {
		r = wazero.NewRuntimeWithConfig(ctx, engine())
		config = configure(s)
		return nil
	}); err != nil {
		return err
	}
	if err := s.Time("compile", func() (err error) {
		code, err = r.CompileModule(ctx, s.Module)
		return err
	}); err != nil {
		return err
	}
	exports := code.ExportedFunctions()
	marks := slices.ContainsFunc(code.ImportedFunctions(), func(f api.FunctionDefinition) bool {
		module, _, _ := f.Import()
		return module == "bench"
	})
	if err := s.Time("link", func() error {
		_, err := wasi_snapshot_preview1.Instantiate(ctx, r)
		if err == nil && marks {
			_, err = r.NewHostModuleBuilder("bench").
				NewFunctionBuilder().WithGoFunction(mark(s.BenchStart), nil, nil).Export("start").
				NewFunctionBuilder().WithGoFunction(mark(s.BenchEnd), nil, nil).Export("end").
				Instantiate(ctx)
		}
		return err
	}); err != nil {
		return err
	}
	_, reactor := exports["run"]
	if err := s.Time("instantiate", func() (err error) {
		if guest, err = r.InstantiateModule(ctx, code, config); err != nil {
			return started(err)
		}
		if init := guest.ExportedFunction("_initialize"); reactor && init != nil {
			_, err = init.Call(ctx)
			return ended(err)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := calls(ctx, s, guest, reactor); err != nil {
		return err
	}
	if err := s.Again(func() error {
		_, err := r.InstantiateModule(ctx, code, config)
		return started(err)
	}); err != nil {
		return err
	}
	return s.Time("teardown", func() error { return r.Close(ctx) })
}

func mark(do func()) api.GoFunc {
	return func(context.Context, []uint64) { do() }
}

func configure(s *frame.Shim) wazero.ModuleConfig {
	config := wazero.NewModuleConfig().
		WithName(""). // more than one instance
		WithStartFunctions().
		WithStdin(os.Stdin).WithStdout(os.Stdout).WithStderr(os.Stderr).
		WithRandSource(rand.Reader).
		WithSysNanosleep().WithSysNanotime().WithSysWalltime().
		WithArgs(s.Args...)
	for _, kv := range s.Env {
		name, value, _ := strings.Cut(kv, "=")
		config = config.WithEnv(name, value)
	}
	dirs := wazero.NewFSConfig()
	for _, d := range s.Dirs {
		if d.ReadOnly {
			dirs = dirs.WithReadOnlyDirMount(d.Host, d.Guest)
		} else {
			dirs = dirs.WithDirMount(d.Host, d.Guest)
		}
	}
	return config.WithFSConfig(dirs)
}

func calls(ctx context.Context, s *frame.Shim, guest api.Module, reactor bool) error {
	if !reactor {
		start := guest.ExportedFunction("_start")
		if start == nil {
			return errors.New("the module exports neither run nor _start")
		}
		return s.Start(func() error {
			_, err := start.Call(ctx)
			if exit, ok := errors.AsType[*sys.ExitError](err); ok && exit.ExitCode() == 0 {
				return nil
			}
			return ended(err)
		})
	}
	run := guest.ExportedFunction("run")
	if def := run.Definition(); len(def.ParamTypes()) != 0 || !slices.Equal(def.ResultTypes(), []api.ValueType{api.ValueTypeI32}) {
		return errors.New("the export run is not () -> i32")
	}
	stack := make([]uint64, 1)
	return s.Run(func() (uint32, error) {
		err := run.CallWithStack(ctx, stack)
		return uint32(stack[0]), ended(err)
	})
}

// ended says how a call ended.
func ended(err error) error {
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return frame.Exit(int(exit.ExitCode()))
	}
	return frame.Trap(strings.TrimPrefix(err.Error(), "wasm error: "))
}

// started says how an instantiation ended: it fails for want of an import, or
// by the start function of the module.
func started(err error) error {
	if err != nil && (strings.Contains(err.Error(), "wasm error: ") || strings.Contains(err.Error(), "stack overflow")) {
		return ended(err)
	}
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return frame.Exit(int(exit.ExitCode()))
	}
	return err
}
