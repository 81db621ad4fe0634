// Package kernelext is what a notebook cell or a plain Go program imports, by
// the name assay, to ask a question and draw the answer:
//
//	noop := assay.Workload("images/workloads/noop")
//	start := assay.Experiment("coldstart", assay.Cold{Invocations: 30}).
//		Workloads(noop).Runtimes("wazero", "native")
//	fmt.Println(start.Run())
//	assay.Draw(ColdStart, start.Run().Samples("runtime", "outcome", "wall_ns"))
//
// Calls return no error: an analysis has nothing better to do with one than to
// stop. The first that goes wrong ends the program with status 1 and one
// message, which names the line that called and the remedy.
//
// It uses the standard library only and does no work of its own: each call is
// one request to assay, started as a child process ($ASSAY_BIN, or "assay" on
// PATH) in the working directory, whose workspace it uses.
package kernelext

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/table"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Cold is the cold-start protocol: a fresh process for each invocation.
type Cold = assay.Cold

// A Pinned is a workload whose bytes are fixed.
type Pinned struct {
	assay.Workload
}

// String names the workload and its digest.
func (p Pinned) String() string { return fmt.Sprintf("%s %v", p.Name, p.Manifest) }

// Workload builds and pins the workload whose source is in dir.
func Workload(dir string) Pinned { return Pin(dir) }

// Pin pins a workload: a name in assay.lock, a manifest's digest, a folder
// with workload.yaml, or a Wasm file.
func Pin(ref string) Pinned {
	return Pinned{*ask(wire.Request{Pin: &wire.Pin{Ref: ref, Dir: workingDir()}}).Workload}
}

// A Question is an experiment as it is being written. Its methods add to it
// and return it.
type Question struct{ spec assay.Spec }

// Experiment begins a question under the cold-start protocol.
func Experiment(name string, protocol Cold) *Question {
	return &Question{assay.Spec{Name: name, Protocol: assay.Protocol{Cold: &protocol}}}
}

// Workloads adds workloads.
func (q *Question) Workloads(ws ...Pinned) *Question {
	for _, w := range ws {
		q.spec.Workloads = append(q.spec.Workloads, w.Manifest.String())
	}
	return q
}

// Runtimes adds runtimes, in the order tables and figures shall list them.
func (q *Question) Runtimes(names ...string) *Question {
	q.spec.Runtimes = append(q.spec.Runtimes, names...)
	return q
}

// Param adds a factor: in a workload's arguments and environment "${name}"
// stands for each value in turn.
func (q *Question) Param(name string, values ...string) *Question {
	q.spec.Params = append(q.spec.Params, assay.Param{Name: name, Values: values})
	return q
}

// Limits bounds each invocation.
func (q *Question) Limits(l assay.SpecLimits) *Question {
	q.spec.Limits = l
	return q
}

// Run returns the archived run of the experiment. If there is none it makes
// one, or goes on with the one that was begun.
func (q *Question) Run() Ran { return q.run(false) }

// Rerun takes new samples, whatever is archived.
func (q *Question) Rerun() Ran { return q.run(true) }

func (q *Question) run(again bool) Ran {
	return Ran{ask(wire.Request{Run: &wire.Run{Spec: q.spec, Dir: workingDir(), Rerun: again}}).Ran}
}

// A Ran is an archived run.
type Ran struct{ ran *wire.Ran }

// Run returns an archived run by its ID, or the run of the experiment of that
// name.
func Run(ref string) Ran { return Ran{ask(wire.Request{Find: &wire.Find{Ref: ref}}).Ran} }

// Record returns everything about the run that is not a sample.
func (r Ran) Record() assay.Run { return r.ran.Run }

// Summary returns medians and intervals, a row a trial.
func (r Ran) Summary() assay.Summary { return r.ran.Summary }

// String returns the summary as a table of text.
func (r Ran) String() string { return r.ran.Text }

// Samples names columns of the run's trace; docs/trace.md lists them.
func (r Ran) Samples(columns ...string) Samples {
	return Samples{wire.Table{Run: r.ran.Run.ID, Columns: columns}}
}

// Samples are columns of a run's trace: what a figure reads.
type Samples struct{ from wire.Table }

// Table reads the samples into this program.
func (s Samples) Table() *table.Table {
	t, err := table.Decode(ask(wire.Request{Table: &s.from}).Table)
	if err != nil {
		fail(fmt.Errorf("samples of %s: %w", s.from.Run, err))
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

// Draw seals f and draws it; see Drawing.Draw.
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
		fail(fmt.Errorf("draw: %s.%s (%s:%d) is a function literal or a method: a figure is a named top-level function, "+
			"so that its code can be archived; write func %s and pass that", pkg, name, filepath.Base(file), line, "Figure(f *figure.Figure, t figure.Table) error"))
	}
	req := wire.Draw{Name: d.Name, Dir: filepath.Dir(file), Func: name, Formats: d.Formats, WidthMM: d.WidthMM}
	if req.Name == "" {
		req.Name = strings.ToLower(name)
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

func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		fail(err)
	}
	return dir
}

// fail ends the program: err on one line, led by the line of the first caller
// outside this package.
func fail(err error) {
	at := ""
	for skip := 1; ; skip++ {
		pc, file, line, ok := runtime.Caller(skip)
		if !ok {
			break
		}
		if !strings.Contains(runtime.FuncForPC(pc).Name(), "/kernelext.") {
			at = fmt.Sprintf("%s:%d: ", filepath.Base(file), line)
			break
		}
	}
	fmt.Fprintf(os.Stderr, "%sassay: %v\n", at, err)
	os.Exit(1)
}
