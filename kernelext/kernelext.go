// Package kernelext is what a notebook cell or a plain Go program imports, by
// the name assay, to ask a question and draw the answer:
//
//	noop := assay.Workload("images/workloads/noop")
//	start := assay.Experiment("coldstart", assay.Cold{Invocations: 30}).
//		Workloads(noop).Runtimes("wazero", "native")
//	start.Run()
//	assay.Draw(ColdStart, start.Run().Samples("runtime", "outcome", "wall_ns"))
//
// In a cell, what such a call gives shows itself. In a program, print it.
//
// Calls return no error: an analysis has nothing better to do with one than to
// stop. The first that goes wrong ends the cell with one message, which names
// the line that called and the remedy. Everything may be run again: what is
// archived is not measured twice.
//
// It uses the standard library only and does no work of its own: each call is
// one request to the kernel of the cell or, in a plain program, to an assay
// that is started as a child process ($ASSAY_BIN, or "assay" on PATH). The
// workspace is that of the working directory, or $ASSAY_WORKSPACE.
package kernelext

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/table"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Cold is the cold-start protocol: a fresh process for each invocation.
type Cold = assay.Cold

// Steady is the protocol for work that goes on: each invocation is a fresh
// process, in which the workload is called many times and times each call.
type Steady = assay.Steady

// Phases is the protocol that takes a start and calls apart: each invocation is
// a fresh process of the runtime's shim, which times its engine's start,
// compilation, instantiation, first and later calls, and teardown.
type Phases = assay.Phases

// Memory is the protocol that reads each process's memory exactly, at its exit.
type Memory = assay.Memory

// Count is the protocol that takes what a runtime counts of its guest: fuel,
// instructions.
type Count = assay.Count

// A Protocol says how samples are taken.
type Protocol interface {
	Cold | Steady | Phases | Memory | Count
}

// A Pinned is a workload whose bytes are fixed: Workload and Pin make one.
type Pinned struct {
	assay.Workload
}

// String names the workload and its digest.
func (p Pinned) String() string { return fmt.Sprintf("%s %v", p.Name, p.Manifest) }

// Workload builds the workload whose source is in dir, pins it in assay.lock,
// and shows its digest. What was built from the same source is not built again.
func Workload(dir string) Pinned { return Pin(dir) }

// Pin pins a workload: a name in assay.lock, a manifest's digest, a folder with
// workload.yaml, a Wasm file, an OCI image layout (FOLDER:TAG), or a reference
// to a registry, "registry.example/crc32:v1"; one that begins with "http://" may
// be to a registry without TLS. A path is relative to the notebook.
// What a tag means is asked once: then assay.lock has it, until "assay pin" asks
// again.
func Pin(ref string) Pinned {
	return Pinned{*ask(wire.Request{Pin: &wire.Pin{Ref: ref, Dir: workingDir()}}).Workload}
}

// A Question is an experiment as it is being written. Its methods add to it
// and return it; Run asks it.
type Question struct {
	spec  assay.Spec
	hosts []string
	ready time.Duration
}

// Experiment begins a question: a name, and how samples are taken, which is
// assay.Cold{Invocations: 30}, assay.Steady{Invocations: 10, Calls: 50, Warmup: 5},
// assay.Phases{Invocations: 30, Calls: 20}, assay.Memory{Invocations: 10} or
// assay.Count{Invocations: 6}.
func Experiment[P Protocol](name string, protocol P) *Question {
	q := &Question{spec: assay.Spec{Name: name}}
	switch p := any(protocol).(type) {
	case Cold:
		q.spec.Protocol.Cold = &p
	case Steady:
		q.spec.Protocol.Steady = &p
	case Phases:
		q.spec.Protocol.Phases = &p
	case Memory:
		q.spec.Protocol.Memory = &p
	case Count:
		q.spec.Protocol.Count = &p
	}
	return q
}

// Workloads adds workloads.
func (q *Question) Workloads(ws ...Pinned) *Question {
	for _, w := range ws {
		q.spec.Workloads = append(q.spec.Workloads, w.Manifest.String())
	}
	return q
}

// Runtimes adds runtimes, in the order tables and figures shall list them. The
// function of that name lists what there is.
func (q *Question) Runtimes(names ...string) *Question {
	q.spec.Runtimes = append(q.spec.Runtimes, names...)
	return q
}

// Hosts adds hosts to measure on; without it that is the local one. The
// function of that name lists what there is. Hosts are no part of the question:
// the same one can be asked on many.
func (q *Question) Hosts(names ...string) *Question {
	q.hosts = append(q.hosts, names...)
	return q
}

// Param adds a factor: in a workload's arguments and environment "${name}"
// stands for each value in turn.
func (q *Question) Param(name string, values ...string) *Question {
	q.spec.Params = append(q.spec.Params, assay.Param{Name: name, Values: values})
	return q
}

// CPUs binds what is measured to processors: "1", "0-1,3".
func (q *Question) CPUs(list string) *Question {
	q.spec.Protocol.CPUs = list
	return q
}

// Padding makes the environment of each invocation longer, by up to so many
// bytes, drawn by the seed: its size moves the stack, and so times.
func (q *Question) Padding(bytes int) *Question {
	q.spec.Protocol.Padding = bytes
	return q
}

// Control measures the first runtime twice, as an A/A pair: what its two halves
// differ by is noise.
func (q *Question) Control() *Question {
	q.spec.Protocol.Control = true
	return q
}

// Ready waits so long at most, before something is measured, until the host has
// little other work. If it still has some, nothing is measured and the cell
// ends. It is no part of the question.
func (q *Question) Ready(patience time.Duration) *Question {
	q.ready = patience
	return q
}

// Limits bounds each invocation.
func (q *Question) Limits(l assay.SpecLimits) *Question {
	q.spec.Limits = l
	return q
}

// Run returns the archived run of the experiment. If there is none it makes
// one, or goes on with the one that was begun, and shows how far it is. In the
// end it shows the run's table: n, median, 95% interval.
//
// An interrupt stops it and keeps what was measured; the cell run again goes
// on. A run does not need the cell: it outlives a closed page and a restarted
// kernel, and the cell run again watches it.
func (q *Question) Run() Ran { return q.run(false) }

// Rerun takes new samples, whatever is archived: a new run, which becomes the
// answer to the experiment. The archived one is kept.
func (q *Question) Rerun() Ran { return q.run(true) }

func (q *Question) run(again bool) Ran {
	return Ran{ask(wire.Request{Run: &wire.Run{Spec: q.spec, Dir: workingDir(), Hosts: q.hosts, Rerun: again, Ready: q.ready}}).Ran}
}

// A Ran is an archived run.
type Ran struct{ ran *wire.Ran }

// Run returns an archived run by its ID, or the latest run of the experiment of
// that name. It measures nothing and shows nothing.
func Run(ref string) Ran { return Ran{ask(wire.Request{Find: &wire.Find{Ref: ref}}).Ran} }

// found returns what is known of the run; the zero Ran ends the program.
func (r Ran) found() *wire.Ran {
	if r.ran == nil {
		fail(errors.New("this is no run: assay.Run(NAME) or an experiment's Run() gives one"))
	}
	return r.ran
}

// Record returns everything about the run that is not a sample.
func (r Ran) Record() assay.Run { return r.found().Run }

// Summary returns medians and intervals, a row a trial.
func (r Ran) Summary() assay.Summary { return r.found().Summary }

// String returns the summary as a table of text.
func (r Ran) String() string { return r.found().Text }

// A Trace is the raw trace of a run: every sample, as Parquet.
type Trace struct {
	Digest assay.Digest // of the bytes: the trace's name
	Path   string       // of a file with them: a copy, which may be gone tomorrow
}

// String names the digest and the file.
func (t Trace) String() string { return fmt.Sprintf("%v %s", t.Digest, t.Path) }

// Trace returns the run's raw trace, as a file that DuckDB and pandas read.
// docs/trace.md lists its columns.
func (r Ran) Trace() Trace {
	return Trace(*ask(wire.Request{Trace: &wire.Trace{Run: r.found().Run.ID}}).Trace)
}

// Samples names columns of the run's trace; docs/trace.md lists them.
func (r Ran) Samples(columns ...string) Samples {
	return Samples{wire.Table{Run: r.found().Run.ID, Columns: columns}}
}

// Evidence is what a claim is judged by: a Ran or an Imported.
type Evidence interface {
	// ref is what assay finds it by.
	ref() string
}

func (r Ran) ref() string { return r.found().Run.ID }

// Samples are columns of a trace, a run's or an import's: what a figure reads.
type Samples struct{ from wire.Table }

// Table reads the samples into this program.
func (s Samples) Table() *table.Table {
	t, err := table.Decode(ask(wire.Request{Table: &s.from}).Table)
	if err != nil {
		fail(fmt.Errorf("samples of %s: %w", cmp.Or(s.from.Run, s.from.Import), err))
	}
	return t
}

// A Drawing says how a figure is named and written. The zero value gives SVG
// and PNG, 178 mm wide, under the function's name.
type Drawing struct {
	Name    string
	Formats []string // "svg", "png", "pdf", "txt"
	WidthMM float64  // 84 (one column) or 178 (two)
}

// A Drawn is a sealed figure and the files it was written to.
type Drawn = wire.Drawn

// Draw seals f, draws it from samples, and shows it with its badge: sealed, if
// these are new bytes; replayed, if assay.lock had this figure, byte for byte;
// stale, if there are newer samples than these. See Drawing.Draw.
func Draw(f any, samples ...Samples) Drawn { return Drawing{}.Draw(f, samples...) }

// Draw seals the named top-level function f, a
// func(*figure.Figure, figure.Table...) error, and draws the figure with it
// from samples. Only f and what it reaches are sealed: see docs/seal.md for
// what it may use.
func (d Drawing) Draw(f any, samples ...Samples) Drawn {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Func || v.IsNil() {
		fail(fmt.Errorf("draw: %T is not a function: give a named top-level function", f))
	}
	pc := runtime.FuncForPC(v.Pointer())
	file, line := pc.FileLine(pc.Entry())
	pkg, name, _ := strings.Cut(pc.Name()[strings.LastIndex(pc.Name(), "/")+1:], ".")
	if strings.ContainsAny(name, ".-(") {
		if method, ok := strings.CutSuffix(name, "-fm"); ok { // a method value, whose code is the compiler's
			name = method
			file, line = methodPlace(method)
		}
		at := ""
		if file != "" {
			at = fmt.Sprintf("%s:%d: ", file, line)
		}
		fail(fmt.Errorf("draw: %s%s.%s is a function literal or a method: a figure is a named top-level function, "+
			"so that its code can be archived; write func %s and pass that", at, pkg, name, "Figure(f *figure.Figure, t figure.Table) error"))
	}
	req := wire.Draw{Name: d.Name, Dir: filepath.Dir(file), Func: name, Formats: d.Formats, WidthMM: d.WidthMM}
	if req.Name == "" {
		req.Name = strings.ToLower(name)
	}
	if len(samples) == 0 {
		fail(fmt.Errorf(`draw: %s has no samples to draw: give it some, as in Draw(%[1]s, assay.Run("NAME").Samples("COLUMN", ...))`, name))
	}
	for _, s := range samples {
		req.Tables = append(req.Tables, s.from)
	}
	return *ask(wire.Request{Draw: &req}).Drawn
}

// Runtimes lists the runtimes assay knows and what this host has of them.
func Runtimes() []assay.RuntimeVersion {
	return ask(wire.Request{Runtimes: &wire.Runtimes{}}).Runtimes
}

// Hosts lists the hosts that experiments can run on.
func Hosts() []assay.Host { return ask(wire.Request{Hosts: &wire.Hosts{}}).Hosts }

// A Live is a run that is not archived yet, and how far it is.
type Live = wire.Live

// Status lists the runs that are not archived yet: those being measured, and
// those that were interrupted.
func Status() []Live { return ask(wire.Request{Status: &wire.Status{}}).Status }

func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		fail(err)
	}
	return dir
}
