//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	moduleVariable = "ASSAY_BENCH_MODULE" // path of the module, for BenchmarkPlain
	wazeroCalls    = 40
	collectorOff   = "GOGC=off"
)

// measured are the phases that both tell.
var measured = []string{"compile", "instantiate", "call"}

// BenchmarkWazero times the phases that wazero's shim tells of, and in turn
// those that BenchmarkPlain sees: each in a fresh process, for a compiler that
// has run before is another. Go's collector is off in both: what compilation
// leaves is collected beside the next phases, now in one and now in the other.
func BenchmarkWazero(b *testing.B) {
	dir := b.TempDir()
	shim, module := filepath.Join(dir, "shim"), filepath.Join(dir, "guest.wasm")
	goBuild(b, nil, "-o", shim, "../../runners/shims/wazero")
	goBuild(b, []string{"GOOS=wasip1", "GOARCH=wasm"}, "-buildmode=c-shared", "-o", module, "./guest")
	all := samples{}
	turn := 0
	for b.Loop() {
		for _, plain := range [2]bool{turn%2 == 0, turn%2 != 0} {
			phases := shimPhases
			if plain {
				phases = plainPhases
			}
			for metric, v := range phases(b, shim, module) {
				all[metric] = append(all[metric], v...)
			}
		}
		turn++
	}
	for metric, v := range all {
		b.ReportMetric(stats.Median(v), metric)
	}
	b.ReportMetric(0, "ns/op")
}

func goBuild(b *testing.B, env []string, args ...string) {
	b.Helper()
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// shimPhases runs the shim and returns what it wrote to descriptor 3.
func shimPhases(b *testing.B, shim, module string) samples {
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	cmd := exec.CommandContext(b.Context(), shim, "--calls", strconv.Itoa(wazeroCalls), module)
	cmd.Env = append(os.Environ(), collectorOff)
	cmd.ExtraFiles = []*os.File{w}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		b.Fatal(err)
	}
	wall, cpu := map[string][]float64{}, map[string][]float64{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var line struct {
			Phase string
			NS    float64
			CPUNS float64 `json:"cpu_ns"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			b.Fatalf("shim: %v: %s", err, lines.Bytes())
		}
		wall[line.Phase] = append(wall[line.Phase], line.NS/1e6)
		cpu[line.Phase] = append(cpu[line.Phase], line.CPUNS/1e6)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatalf("shim: %v\n%s", err, stderr.Bytes())
	}
	if n := len(wall["call"]); n != wazeroCalls {
		b.Fatalf("shim: %d calls, want %d", n, wazeroCalls)
	}
	values := samples{}
	for _, phase := range measured {
		values[phase+"-ms"] = []float64{stats.Median(wall[phase])}
		values[phase+"-cpu-ms"] = []float64{stats.Median(cpu[phase])}
	}
	return values
}

// plainPhases runs BenchmarkPlain in a process of its own.
func plainPhases(b *testing.B, _, module string) samples {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkPlain$", "-test.benchtime", "1x")
	cmd.Env = append(os.Environ(), moduleVariable+"="+module, collectorOff)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	s, err := parseBench(out, "Plain")
	if err != nil {
		b.Fatal(err)
	}
	values := samples{}
	for _, phase := range measured {
		values["plain-"+phase+"-ms"] = s[" "+phase+"-ms"]
		values["plain-"+phase+"-cpu-ms"] = s[" "+phase+"-cpu-ms"]
	}
	return values
}

// BenchmarkPlain is wazero as any Go program would time it. It is run by
// BenchmarkWazero.
func BenchmarkPlain(b *testing.B) {
	path := os.Getenv(moduleVariable)
	if path == "" {
		b.Skip(moduleVariable + " names no module")
	}
	module, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	times := samples{}
	timed := func(phase string, do func() error) {
		cpu, begin := processorMS(b), time.Now()
		err := do()
		wall := time.Since(begin)
		times[phase+"-cpu-ms"] = append(times[phase+"-cpu-ms"], processorMS(b)-cpu)
		times[phase+"-ms"] = append(times[phase+"-ms"], float64(wall.Nanoseconds())/1e6)
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	config := wazero.NewModuleConfig().WithName("").WithArgs(filepath.Base(path)).WithStartFunctions("_initialize").
		WithFSConfig(wazero.NewFSConfig()).WithStdin(os.Stdin).WithStdout(os.Stdout).WithStderr(os.Stderr).WithRandSource(rand.Reader).
		WithSysNanosleep().WithSysNanotime().WithSysWalltime()
	for b.Loop() {
		var code wazero.CompiledModule
		var guest api.Module
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
		timed("compile", func() (err error) {
			code, err = r.CompileModule(ctx, module)
			return err
		})
		wasi_snapshot_preview1.MustInstantiate(ctx, r)
		timed("instantiate", func() (err error) {
			guest, err = r.InstantiateModule(ctx, code, config)
			return err
		})
		phase := "first-call"
		for range 1 + wazeroCalls {
			timed(phase, func() error {
				_, err := guest.ExportedFunction("run").Call(ctx)
				return err
			})
			phase = "call"
		}
		if err := r.Close(ctx); err != nil {
			b.Fatal(err)
		}
	}
	for metric, v := range times {
		b.ReportMetric(stats.Median(v), metric)
	}
}

// processorMS returns the processor time of this process in milliseconds.
func processorMS(b *testing.B) float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return float64(t.Nano()) / 1e6
}
