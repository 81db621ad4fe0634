package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// compilationWorkers share the compiling of one module. Two nearly halve the
// time; more gain little.
const compilationWorkers = 2

// runWazero returns the module's exit status. If ctx can end, the module is
// compiled with a check in every loop and function, so that it stops then:
// measured, up to four times slower.
func runWazero(ctx context.Context, module []byte, stdin io.Reader, stdout, stderr io.Writer, o Options) (exit int, err error) {
	limit := min(o.Limits.Memory, DefaultMemory) / pageBytes * pageBytes
	mem, err := reserve(limit)
	if err != nil {
		return 0, err
	}
	defer mem.release()
	config := wazero.NewRuntimeConfigCompiler()
	if o.Engine == Interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.
		WithCloseOnContextDone(ctx.Done() != nil).
		WithMemoryLimitPages(uint32(limit / pageBytes)).
		WithDebugInfoEnabled(false)
	if o.Engine == Wazero && o.Cache != "" {
		dir := filepath.Join(o.Cache, "wazero")
		if err := os.MkdirAll(dir, 0o700); err != nil { // it holds machine code
			return 0, err
		}
		_ = trim(dir, cacheBytes) // a cache that cannot be cleared may still have this module
		cache, err := wazero.NewCompilationCacheWithDir(dir)
		if err != nil {
			return 0, err
		}
		defer cache.Close(context.WithoutCancel(ctx))
		config = config.WithCompilationCache(cache)
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	defer runtime.Close(context.WithoutCancel(ctx))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return 0, err
	}
	compiled, err := runtime.CompileModule(experimental.WithCompilationWorkers(ctx, compilationWorkers), module)
	if err != nil {
		return 0, fmt.Errorf("compile the module: %w", err)
	}
	w := &world{}
	_, err = runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, mem), compiled, wazero.NewModuleConfig().
		WithName("").
		WithStdin(stdin).
		WithStdout(stdout).
		WithStderr(stderr).
		WithRandSource(w).
		WithWalltime(w.walltime, 1).
		WithNanotime(w.nanotime, 1).
		WithNanosleep(w.sleep).
		WithOsyield(func() {}))
	if exited, ok := errors.AsType[*sys.ExitError](err); ok {
		return int(exited.ExitCode()), nil
	}
	if err != nil {
		return 0, &trapError{err.Error()}
	}
	return 0, nil
}
