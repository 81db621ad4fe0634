// Package sandbox runs a sealed figure: a Wasm module that reads tables and
// writes drawings, and must write the same bytes wherever and whenever it runs.
//
// The module sees its standard input and nothing else: no files, network,
// environment or arguments; a clock that stands still and random numbers that
// are the same each time. The sandbox does not check digests: it does not know
// what the module or the tables should be. docs/seal.md has the formats.
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay/internal/seal/archive"
)

// A Request says what to draw.
type Request struct {
	Formats []string `json:"formats"`  // "svg", "png", "pdf", "txt"
	WidthMM float64  `json:"width_mm"` // 0: the figure's default
}

// An Engine executes modules. All give the same bytes.
type Engine string

// The engines.
const (
	Wazero      Engine = "wazero"             // compiles to machine code
	Interpreter Engine = "wazero/interpreter" // the second opinion; some 50 times slower
	Node        Engine = "node"               // the referee: V8, which shares no code with wazero
)

// Engines lists the engines.
var Engines = []Engine{Wazero, Interpreter, Node}

// Options say how to run a module. They cannot change what it writes.
type Options struct {
	Engine Engine `json:"engine"`          // default Wazero
	Cache  string `json:"cache,omitempty"` // directory for compiled code and Node's WASI; only its owner may write there; "" with Wazero: compile each time
	Limits Limits `json:"limits"`

	// Worker is the command line of a program that calls Work when its last
	// argument is WorkerArg: then modules run there, at full speed, because a
	// process can be killed. Without it they run in this process, several times
	// slower, because they must look for the end of the context all the time.
	Worker []string `json:"worker,omitempty"`
}

// Limits bound one run. A zero field takes the default. Time is bounded by the
// context.
type Limits struct {
	Memory int64 `json:"memory_bytes,omitempty"` // of the module; default and most 4 GiB; Node always allows the most
	Output int64 `json:"output_bytes,omitempty"` // written to stdout; default 256 MiB
}

// The defaults of Limits.
const (
	DefaultMemory = 4 << 30
	DefaultOutput = 256 << 20
)

const (
	pageBytes   = 64 << 10
	stderrBytes = 64 << 10 // how much of stderr is kept
)

// ErrOutputLimit is matched when a module writes more than Limits.Output.
var ErrOutputLimit = errors.New("the figure writes more than the limit")

// ErrMemoryLimit is matched by the FigureError of a module that needs more memory
// than Limits.Memory.
var ErrMemoryLimit = errors.New("the figure needs more memory than the limit")

// A FigureError says that the module ran and gave up.
type FigureError struct {
	Exit   int    // status; 1: the figure function returned an error; 2: it panicked; -1: the module trapped
	Stderr string // its last 64 KiB
	Trap   error  // what the engine says, if the module trapped
	Memory int64  // the limit in bytes that it ran into; 0: it did not
	Source string // "file:line": where Line was in the source that was sealed; "" if the caller does not say
}

// Error returns what the figure function said, or where it panicked.
func (e *FigureError) Error() string {
	lead := "figure: "
	if e.Source != "" {
		lead = e.Source + ": "
	}
	text := strings.TrimSpace(e.Stderr)
	ended, known := e.ended()
	switch {
	case e.Memory > 0: // and not the state of every goroutine
		return strings.TrimPrefix(lead, "figure: ") + fmt.Sprintf("%v of %d bytes", ErrMemoryLimit, e.Memory)
	case known && ended.function == "":
		return lead + ended.message
	case known && e.Source != "":
		return lead + ended.message + ", in " + ended.function
	case known:
		return fmt.Sprintf("%s%s, in %s at main.go:%d of the sealed source", lead, ended.message, ended.function, ended.line)
	case e.Trap != nil:
		return fmt.Sprintf("%strapped: %v%s", lead, e.Trap, after("\n", text))
	case text == "":
		return fmt.Sprintf("%sexit status %d", lead, e.Exit)
	default:
		return lead + text
	}
}

// Line returns the line of the sealed main.go where the figure panicked or was
// stopped by Go; 0 if that is not known.
func (e *FigureError) Line() int {
	ended, _ := e.ended()
	return ended.line
}

// Unwrap returns ErrMemoryLimit if that is why, else Trap.
func (e *FigureError) Unwrap() error {
	if e.Memory > 0 {
		return ErrMemoryLimit
	}
	return e.Trap
}

// Run runs module over tables and returns its drawings by format, one for each
// that request names. It returns soon after ctx ends, with ctx's error. An
// error of the figure's own is a *FigureError.
func Run(ctx context.Context, module []byte, request Request, tables [][]byte, o Options) (map[string][]byte, error) {
	if o.Engine == "" {
		o.Engine = Wazero
	}
	if o.Limits.Memory == 0 {
		o.Limits.Memory = DefaultMemory
	}
	if o.Limits.Output == 0 {
		o.Limits.Output = DefaultOutput
	}
	input, err := pack(request, tables)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	stdout, stderr := &bounded{limit: o.Limits.Output, exceed: stop}, &tail{limit: stderrBytes}
	var exit int
	switch o.Engine {
	case Wazero, Interpreter:
		if len(o.Worker) > 0 {
			exit, err = runWorker(running, module, input, stdout, stderr, o)
		} else {
			exit, err = runWazero(running, module, bytes.NewReader(input), stdout, stderr, o)
		}
	case Node:
		exit, err = runNode(running, module, input, stdout, stderr, o)
	default:
		return nil, fmt.Errorf("engine %q: want one of %v", o.Engine, Engines)
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("figure: stopped: %w", context.Cause(ctx))
	case stdout.exceeded:
		return nil, fmt.Errorf("%w of %d bytes", ErrOutputLimit, o.Limits.Output)
	case err != nil:
		if trap, ok := errors.AsType[*trapError](err); ok {
			return nil, &FigureError{Exit: -1, Stderr: stderr.String(), Trap: trap}
		}
		return nil, fmt.Errorf("%s: %w%s", o.Engine, err, after(": ", strings.TrimSpace(stderr.String())))
	case exit != 0:
		failed := &FigureError{Exit: exit, Stderr: stderr.String()}
		if outOfMemory(failed.Stderr) {
			failed.Memory = o.Limits.Memory
			if o.Engine == Node {
				failed.Memory = DefaultMemory
			}
		}
		return nil, failed
	}
	return unpack(stdout.kept.Bytes(), request, o.Limits)
}

// after returns separator and text, or nothing if there is no text.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// A trapError is what an engine says about a trap.
type trapError struct{ message string }

func (e *trapError) Error() string { return e.message }

// pack returns what the module reads: request.json, tables/0, tables/1, …
func pack(request Request, tables [][]byte) ([]byte, error) {
	head, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	files := []archive.File{{Name: "request.json", Data: head}}
	for i, t := range tables {
		files = append(files, archive.File{Name: "tables/" + strconv.Itoa(i), Data: t})
	}
	return archive.Stream(files)
}

// unpack reads what the module wrote: figure.svg and so on.
func unpack(b []byte, request Request, limits Limits) (map[string][]byte, error) {
	files, err := archive.Unpack(b, archive.Limits{Files: len(request.Formats), Bytes: limits.Output})
	if err != nil {
		return nil, fmt.Errorf("figure: its output: %w; a figure must not print to stdout", err)
	}
	outputs := make(map[string][]byte, len(files))
	for _, f := range files {
		outputs[strings.TrimPrefix(f.Name, "figure.")] = f.Data
	}
	for _, format := range request.Formats {
		if _, ok := outputs[format]; !ok {
			return nil, fmt.Errorf("figure: its output has no figure.%s", format)
		}
	}
	return outputs, nil
}

// outOfMemory reports whether a Go program ended for want of memory.
func outOfMemory(stderr string) bool {
	for line := range strings.Lines(stderr) {
		cause, ok := strings.CutPrefix(strings.TrimSpace(line), "fatal error: ")
		if ok && (cause == "out of memory" || cause == "runtime: cannot allocate memory") {
			return true
		}
	}
	return false
}

// An end is how a figure ended that returned nothing: what was said, and where
// it was in its own source, if that is known.
type end struct {
	message  string
	function string
	line     int
}

var (
	recovered = regexp.MustCompile(`(?s)^(the figure function panicked: .*), in (\S+) at main\.go:(\d+)$`) // by package figure
	crashed   = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)                                        // by Go
	frame     = regexp.MustCompile(`(?m)^main\.(.*)\(.*\)\n\t(?:.*/)?sealed/main\.go:(\d+)`)
)

// ended takes out of stderr how the figure ended, if it panicked or Go stopped
// it; the place is the innermost frame in the figure's own source.
func (e *FigureError) ended() (end, bool) {
	text := strings.TrimSpace(e.Stderr)
	if m := recovered.FindStringSubmatch(text); m != nil {
		line, err := strconv.Atoi(m[3])
		return end{m[1], m[2], line}, err == nil
	}
	at := crashed.FindStringIndex(text)
	if at == nil {
		return end{}, false
	}
	ended := end{message: strings.TrimSuffix(text[at[0]:at[1]], "!")} // of "deadlock!"
	if m := frame.FindStringSubmatch(text[at[1]:]); m != nil {
		if line, err := strconv.Atoi(m[2]); err == nil {
			ended.function, ended.line = m[1], line
		}
	}
	return ended, true
}

// A bounded writer fails when more than limit bytes are written, and calls
// exceed.
type bounded struct {
	kept     bytes.Buffer // not embedded: its ReadFrom would pass the limit by
	limit    int64
	exceeded bool
	exceed   func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.kept.Len()+len(p)) > b.limit {
		b.exceeded = true
		b.exceed()
		return 0, ErrOutputLimit
	}
	return b.kept.Write(p)
}

// A tail keeps the last limit bytes.
type tail struct {
	kept  []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }
