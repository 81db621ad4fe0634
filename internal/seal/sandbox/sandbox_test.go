package sandbox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestMain makes the test program a worker, as assay is.
func TestMain(m *testing.M) {
	if os.Args[len(os.Args)-1] == WorkerArg {
		os.Exit(Work(os.Stdin, os.Stdout, os.Stderr))
	}
	if os.Args[len(os.Args)-1] == doomedArg {
		os.Exit(doomed(os.Args[1 : len(os.Args)-1]))
	}
	status := m.Run()
	if dir, err := cache(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// doomedArg makes the test program run doomed.
const doomedArg = "figure-doomed"

// doomed runs a module that never ends, until it is killed: args are the engine,
// the cache and the module's file, and the worker's command line.
func doomed(args []string) int {
	module, err := os.ReadFile(args[2])
	if err == nil {
		o := Options{Engine: Engine(args[0]), Cache: args[1], Worker: args[3:]}
		_, err = Run(context.Background(), module, Request{Formats: []string{"endless"}}, nil, o)
	}
	os.Stderr.WriteString("doomed: " + err.Error() + "\n")
	return 1
}

// cache is where compiled code and Node's WASI stay during the tests.
var cache = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "assay-sandbox-test-") })

// ways are all ways to run a module.
func ways(t *testing.T) map[string]Options {
	t.Helper()
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Options{
		"in process":  {Cache: dir},
		"worker":      {Cache: dir, Worker: []string{os.Args[0], WorkerArg}},
		"interpreter": {Engine: Interpreter, Worker: []string{os.Args[0], WorkerArg}},
	}
	if _, err := exec.LookPath("node"); err == nil {
		all["node"] = Options{Engine: Node, Cache: dir}
	} else if tooltest.Required("node") {
		t.Fatalf("ASSAY_REQUIRE names node: %v", err)
	} else {
		t.Log("node not found: the referee is skipped")
	}
	return all
}

var guest = sync.OnceValues(func() ([]byte, error) {
	dir, err := cache()
	if err != nil {
		return nil, err
	}
	source, err := os.ReadFile("testdata/guest/main.go")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "guest")
	err = errors.Join(os.Mkdir(program, 0o755),
		os.WriteFile(filepath.Join(program, "main.go"), source, 0o644),
		os.WriteFile(filepath.Join(program, "go.mod"), []byte("module sealed\n\ngo 1.26\n"), 0o644)) // as a figure's
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", "guest.wasm", ".")
	cmd.Dir = program
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	return os.ReadFile(filepath.Join(program, "guest.wasm"))
})

func run(t *testing.T, o Options, format string, tables ...string) (map[string][]byte, error) {
	t.Helper()
	module, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	var encoded [][]byte
	for _, table := range tables {
		encoded = append(encoded, []byte(table))
	}
	return Run(t.Context(), module, Request{Formats: []string{format}, WidthMM: 84}, encoded, o)
}

const wantWorld = `time 2020-01-01T00:00:00Z
slept 1h0m0s until 2020-01-01T01:00:00Z
`

// TestWorld holds all engines to one world.
func TestWorld(t *testing.T) {
	tables := strings.Split("a b c d e f g h i j k l", " ") // more than ten: not in the order of their names
	var first string
	for name, o := range ways(t) {
		outputs, err := run(t, o, "world", tables...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := string(outputs["world"])
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%s: the world is\n%s\nand elsewhere\n%s", name, got, first)
		}
		if !strings.HasPrefix(got, wantWorld) {
			t.Errorf("%s: the world is\n%s\nwant a beginning of\n%s", name, got, wantWorld)
		}
		for _, want := range []string{"args 0 env 0\n", ".: seen false\n", "/: seen false\n", "/etc/passwd: seen false\n", "written false\n",
			"tables/9 \"j\"\ntables/10 \"k\"\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the world is\n%s\nwant %q in it", name, got, want)
			}
		}
	}
}

func TestFigureErrors(t *testing.T) {
	for name, o := range ways(t) {
		for _, tt := range []struct {
			format, want string
			exit         int
		}{
			{"refuse", "figure: no column wall_ns", 1},
			{"exit", "figure: exit status 3", 3},
			{"panic", "figure: panic: runtime error: index out of range [0] with length 0, in draw at main.go:", 2},
		} {
			_, err := run(t, o, tt.format)
			figure, ok := errors.AsType[*FigureError](err)
			if !ok || figure.Exit != tt.exit || !strings.HasPrefix(figure.Error(), tt.want) {
				t.Errorf("%s: %s: error %q, want status %d and %q", name, tt.format, err, tt.exit, tt.want)
			}
		}
	}
}

// TestEndings has what figures wrote that did not return, and where in their
// source that was.
func TestEndings(t *testing.T) {
	const trace = "\n\ngoroutine 1 [running]:\nruntime.gopark(...)\n\truntime/proc.go:9 +0x1\n" +
		"main.(*bars).draw(0x1, {0x2, 0x3})\n\tsealed/main.go:7 +0x2\nmain.Pan(...)\n\tsealed/main.go:12\nmain.main()\n\tsealed/main.go:4 +0x3\n"
	for _, c := range []struct {
		stderr, want, placed string
		line                 int
	}{
		{"no column ms\n", "figure: no column ms", "cell.go:40: no column ms", 0},
		{"", "figure: exit status 2", "cell.go:40: exit status 2", 0},
		{"the figure function panicked: a\nb, in Pan at main.go:5\n", "figure: the figure function panicked: a\nb, in Pan at main.go:5 of the sealed source", "cell.go:40: the figure function panicked: a\nb, in Pan", 5},
		{"the figure function panicked: a\n", "figure: the figure function panicked: a", "cell.go:40: the figure function panicked: a", 0},
		{"so far\npanic: oh" + trace, "figure: panic: oh, in (*bars).draw at main.go:7 of the sealed source", "cell.go:40: panic: oh, in (*bars).draw", 7},
		{"fatal error: all goroutines are asleep - deadlock!" + trace, "figure: fatal error: all goroutines are asleep - deadlock, in (*bars).draw at main.go:7 of the sealed source", "cell.go:40: fatal error: all goroutines are asleep - deadlock, in (*bars).draw", 7},
		{"fatal error: stack overflow\n", "figure: fatal error: stack overflow", "cell.go:40: fatal error: stack overflow", 0},
	} {
		e := FigureError{Exit: 2, Stderr: c.stderr}
		if got := e.Error(); got != c.want || e.Line() != c.line {
			t.Errorf("%q: %q, line %d; want %q, line %d", c.stderr, got, e.Line(), c.want, c.line)
		}
		e.Source = "cell.go:40"
		if got := e.Error(); got != c.placed {
			t.Errorf("%q, placed: %q, want %q", c.stderr, got, c.placed)
		}
	}
}

func TestBadOutput(t *testing.T) {
	o := ways(t)["worker"]
	for format, want := range map[string]string{
		"print":   "must not print to stdout",
		"nothing": "has no figure.nothing",
	} {
		if _, err := run(t, o, format); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", format, err, want)
		}
	}
}

func TestOutputLimit(t *testing.T) {
	for name, o := range ways(t) {
		o.Limits.Output = 10 << 20
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		module, err := guest()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(ctx, module, Request{Formats: []string{"flood"}}, nil, o); !errors.Is(err, ErrOutputLimit) {
			t.Errorf("%s: error %v, want %v", name, err, ErrOutputLimit)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	for name, o := range ways(t) {
		if o.Engine == Node {
			continue // has no limit but the 4 GiB of Wasm
		}
		o.Limits.Memory = 256 << 20
		_, err := run(t, o, "hog")
		const want = "the figure needs more memory than the limit of 268435456 bytes"
		if figure, ok := errors.AsType[*FigureError](err); !ok || figure.Error() != want || !errors.Is(err, ErrMemoryLimit) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

func TestEndless(t *testing.T) {
	module, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range ways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err := Run(ctx, module, Request{Formats: []string{"endless"}}, nil, o)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
}

// unreachable is (module (func (export "_start") unreachable) (memory (export "memory") 1)).
const unreachable = "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
	"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x05\x01\x03\x00\x00\x0b"

func TestBadModules(t *testing.T) {
	for name, o := range ways(t) {
		_, err := Run(t.Context(), []byte(unreachable), Request{Formats: []string{"svg"}}, nil, o)
		if figure, ok := errors.AsType[*FigureError](err); !ok || figure.Exit != -1 || !strings.Contains(figure.Error(), "unreachable") {
			t.Errorf("%s: trap: error %v, want a trap that says unreachable", name, err)
		}
		if _, err := Run(t.Context(), []byte("MZ, not Wasm"), Request{Formats: []string{"svg"}}, nil, o); err == nil {
			t.Errorf("%s: not Wasm: no error", name)
		} else if _, ok := errors.AsType[*FigureError](err); ok && o.Engine != Node {
			t.Errorf("%s: not Wasm: error %v, want one that is not the figure's", name, err)
		}
	}
}

func TestUnknownEngine(t *testing.T) {
	if _, err := run(t, Options{Engine: "wasm3"}, "world"); err == nil || !strings.Contains(err.Error(), "wasm3") {
		t.Errorf("error %v, want one that names wasm3", err)
	}
}
