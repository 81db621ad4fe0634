package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/seal"
	"github.com/assay-notebooks/assay/internal/seal/sandbox"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

// What the layers of a figure's OCI artifact are.
const (
	figureType    = "application/vnd.assay.figure.v1+json"
	sealType      = "application/vnd.assay.seal.v1+json"
	moduleType    = "application/wasm"
	sourceType    = "application/vnd.assay.source.v1+tar"
	kernelextType = "application/vnd.assay.kernelext.v1+tar"
	tableType     = "application/vnd.assay.table.v1"
)

// Widths of figures in mm: two columns, and what no page has.
const (
	defaultWidth = 178
	maxWidth     = 2000
)

// figureTimeout bounds one run of a sealed module: somebody else's may not end.
const figureTimeout = 10 * time.Minute

// A Drawing asks for one figure.
type Drawing struct {
	Name    string
	Dir     string // of the Go package
	Func    string
	Tables  []TableOf
	Formats []string // default svg, png
	WidthMM float64  // default 178
}

// TableOf names columns of a run's trace, or of one of an import's.
type TableOf struct {
	Run     string // as in FindRun
	Import  string // as in FindImport, in place of a run
	Of      string // the name of the import's trace
	Columns []string
}

// DrawingOf makes a Drawing of an experiment's figure and a run of it.
func DrawingOf(f assay.FigureSpec, run string) Drawing {
	return Drawing{Name: f.Name, Dir: f.Source, Func: f.Func, Formats: f.Formats, WidthMM: f.Width, Tables: []TableOf{{Run: run, Columns: f.Columns}}}
}

// checkDrawing reports what is wrong with a request that can be seen before
// anything is measured.
func checkDrawing(req Drawing) error {
	if err := checkName(req.Name); err != nil {
		return failure.Usagef("%w", err)
	}
	if req.Func == "" {
		return failure.Usagef("func is missing: name the function that draws it")
	}
	if len(req.Tables) == 0 {
		return failure.Usagef(`samples are missing: give Draw some, as in Draw(F, assay.Run("NAME").Samples("COLUMN", ...))`)
	}
	for _, f := range req.Formats {
		if assay.OutputType(f) == "" {
			return failure.Usagef("format %q: want svg, png, pdf or txt", f)
		}
	}
	if !(req.WidthMM >= 0 && req.WidthMM <= maxWidth) { // nor NaN
		return failure.Usagef("width %g mm: want more than 0 and at most %d, such as 84 or 178: one column or two", req.WidthMM, maxWidth)
	}
	if st, err := os.Stat(req.Dir); err != nil || !st.IsDir() {
		return failure.Usagef("source %s is not a folder", req.Dir)
	}
	for _, t := range req.Tables {
		if len(t.Columns) == 0 {
			return failure.Usagef("columns is empty: name at least one of the trace (docs/trace.md)")
		}
	}
	return nil
}

// A Drawn is a figure in the archive, and where its outputs were written.
type Drawn struct {
	Figure   assay.Figure      `json:"figure"`
	Manifest assay.Digest      `json:"manifest"`
	Paths    map[string]string `json:"paths"`              // by format
	Replayed bool              `json:"replayed,omitempty"` // assay.lock had this figure, to the byte
	Stale    bool              `json:"stale,omitempty"`    // assay.lock has another run of one of its experiments, or another import of a name
}

// Formats lists the formats of the outputs in order.
func (d Drawn) Formats() []string { return slices.Sorted(maps.Keys(d.Figure.Outputs)) }

// Draw seals the figure's code, draws it from its tables, archives code,
// tables and outputs, and writes the outputs into the figures folder. What is
// written is what the sealed module gave. A workspace whose lock is kept gets
// neither: the figure is as it would be.
func (w *Workspace) Draw(ctx context.Context, req Drawing) (Drawn, error) {
	d, err := w.draw(ctx, req)
	if err != nil {
		return d, fmt.Errorf("%s: %w", labelled("figure", req.Name), err)
	}
	return d, nil
}

func (w *Workspace) draw(ctx context.Context, req Drawing) (Drawn, error) {
	if err := checkDrawing(req); err != nil {
		return Drawn{}, err
	}
	fig := assay.Figure{Format: assay.FigureFormat, Name: req.Name, Width: req.WidthMM, Outputs: map[string]assay.Digest{}}
	if fig.Width == 0 {
		fig.Width = defaultWidth
	}
	formats := slices.Clone(req.Formats)
	if len(formats) == 0 {
		formats = []string{"svg", "png"}
	}
	a := oci.Artifact{Type: figureType, Annotations: map[string]string{oci.AnnotationPrefix + "figure": req.Name}}
	var tables [][]byte
	var made []projection
	for i, of := range req.Tables {
		p, err := w.projected(ctx, of)
		if err != nil {
			return Drawn{}, err
		}
		if err := w.addLayer(ctx, &a, fmt.Sprintf("tables/%d", i), tableType, p.table); err != nil {
			return Drawn{}, err
		}
		made = append(made, p)
		fig.Tables = append(fig.Tables, p.record)
		tables = append(tables, p.table)
		switch {
		case a.Subject == nil:
			subject, err := oci.Describe(ctx, w.Store, p.manifest)
			if err != nil {
				return Drawn{}, err
			}
			a.Subject = &subject
		case a.Subject.Digest != p.manifest: // a figure is about one run or import, and holds the others
			if a.Blobs == nil {
				a.Blobs = map[string]assay.Digest{}
			}
			a.Blobs[p.blob()] = p.manifest
		}
	}
	sealed, err := seal.Build(ctx, seal.Options{Dir: req.Dir, Func: req.Func, Cache: w.Config.Cache}, w.Store)
	if err != nil {
		return Drawn{}, err
	}
	outputs, err := w.runSealed(ctx, sealed.Module, sandbox.Request{Formats: formats, WidthMM: fig.Width}, tables, sandbox.Wazero)
	if failed, ok := errors.AsType[*sandbox.FigureError](err); ok {
		failed.Source = sealed.Origin(failed.Line())
	}
	if err != nil {
		return Drawn{}, err
	}
	sealJSON, err := canonical.JSON(sealed.Seal)
	if err != nil {
		return Drawn{}, err
	}
	fig.Seal, fig.Module = assay.DigestOf(sealJSON), sealed.Seal.Module
	for _, l := range []struct {
		title, mediaType string
		data             []byte
	}{
		{"seal.json", sealType, sealJSON}, {"figure.wasm", moduleType, sealed.Module},
		{"source.tar", sourceType, sealed.Source}, {"kernelext.tar", kernelextType, sealed.Kernelext},
	} {
		if err := w.addLayer(ctx, &a, l.title, l.mediaType, l.data); err != nil {
			return Drawn{}, err
		}
	}
	for _, f := range slices.Sorted(maps.Keys(outputs)) {
		fig.Outputs[f] = assay.DigestOf(outputs[f])
		if err := w.addLayer(ctx, &a, "figure."+f, assay.OutputType(f), outputs[f]); err != nil {
			return Drawn{}, err
		}
	}
	record, err := canonical.JSON(fig)
	if err != nil {
		return Drawn{}, err
	}
	if err := w.addLayer(ctx, &a, "figure.json", figureType, record); err != nil {
		return Drawn{}, err
	}
	manifest, err := oci.PutArtifact(ctx, w.Store, a)
	if err != nil {
		return Drawn{}, err
	}
	d := Drawn{Figure: fig, Manifest: manifest.Digest}
	answer := func(l *pins.Lock) {
		locked := pins.Figure{Manifest: d.Manifest, Module: fig.Module, Tables: fig.Tables, Outputs: fig.Outputs}
		d.Replayed = reflect.DeepEqual(l.Figures[fig.Name], locked)
		d.Stale = slices.ContainsFunc(made, func(p projection) bool { return p.stale(*l) })
		l.Figures[fig.Name] = locked
	}
	if w.Config.Lock == settings.KeepLock {
		lock, err := w.Lock()
		if err != nil {
			return d, err
		}
		answer(&lock)
		d.Paths = outputPaths(w.figuresDir(""), fig.Name, outputs)
		return d, nil
	}
	if err := w.setRef(ctx, "figures/"+assay.Filename(fig.Name), d.Manifest); err != nil {
		return d, err
	}
	if err := w.updateLock(ctx, answer); err != nil {
		return d, err
	}
	d.Paths, err = writeOutputs(w.figuresDir(""), fig.Name, outputs)
	return d, err
}

// Outputs reads what a figure gave, by format.
func (w *Workspace) Outputs(ctx context.Context, f assay.Figure) (map[string][]byte, error) {
	outputs := map[string][]byte{}
	for format, d := range f.Outputs {
		b, err := w.Store.ReadAll(ctx, d, maxRecord)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %s: %w", f.Name, format, lacking(err))
		}
		outputs[format] = b
	}
	return outputs, nil
}

// figuresDir is where figures are written: out, or the configured folder.
func (w *Workspace) figuresDir(out string) string {
	if out != "" {
		return out
	}
	if filepath.IsAbs(w.Config.Figures) {
		return w.Config.Figures
	}
	return filepath.Join(w.Root, w.Config.Figures)
}

// writeOutputs writes a figure's outputs and returns their paths by format.
func writeOutputs(dir, name string, outputs map[string][]byte) (map[string]string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("write figure: %w", err)
	}
	paths := outputPaths(dir, name, outputs)
	for f, b := range outputs {
		if err := renameio.WriteFile(paths[f], b, 0o666); err != nil {
			return nil, fmt.Errorf("write figure: %w", err)
		}
	}
	return paths, nil
}

// outputPaths returns where a figure's outputs are written, by format.
func outputPaths(dir, name string, outputs map[string][]byte) map[string]string {
	paths := map[string]string{}
	for f := range outputs {
		paths[f] = filepath.Join(dir, assay.Filename(name)+"."+f)
	}
	return paths
}

// runSealed runs a sealed module in a worker process of this program, so that
// one that does not end can be killed.
func (w *Workspace) runSealed(ctx context.Context, module []byte, req sandbox.Request, tables [][]byte, engine sandbox.Engine) (map[string][]byte, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, figureTimeout, fmt.Errorf("the figure was not drawn after %v", figureTimeout))
	defer cancel()
	outputs, err := sandbox.Run(ctx, module, req, tables, sandbox.Options{
		Engine: engine, Cache: w.Config.Cache, Worker: []string{exe, sandbox.WorkerArg},
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, context.Cause(ctx)
	}
	return outputs, err
}

// Work does what a worker process is for and returns its exit status, if args,
// the program's arguments, say that it is one. A program that draws, replays or
// archives in a store must call it first.
func Work(args []string, stdin io.Reader, stdout, stderr io.Writer) (status int, isWorker bool) {
	stores.Worker.Store(true)
	switch {
	case len(args) == 1 && args[0] == sandbox.WorkerArg:
		return sandbox.Work(stdin, stdout, stderr), true
	case len(args) == 3 && args[0] == stores.SyncArg:
		if err := stores.Background(context.Background(), func(ctx context.Context) (*stores.Set, error) { return storesOf(ctx, args[1]) }, args[2]); err != nil {
			fmt.Fprintln(stderr, err)
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// FigureNames lists the figures in the lock.
func (w *Workspace) FigureNames() ([]string, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(lock.Figures)), nil
}

// Figures lists the figures in the lock. Those that cannot be read are left out
// and are the error.
func (w *Workspace) Figures(ctx context.Context) ([]Drawn, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	var all []Drawn
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(lock.Figures)) {
		d, err := w.lockedFigure(ctx, lock, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, d)
	}
	return all, errors.Join(problems...)
}

// lockedFigure reads the record of a figure in the lock, with the paths that
// exist.
func (w *Workspace) lockedFigure(ctx context.Context, lock pins.Lock, name string) (Drawn, error) {
	locked, ok := lock.Figures[name]
	if !ok {
		return Drawn{}, failure.Usagef(`no figure %q: assay.lock has %s`, name, failure.Listed(slices.Sorted(maps.Keys(lock.Figures))))
	}
	d := Drawn{Manifest: locked.Manifest}
	a, err := oci.ReadArtifact(ctx, w.Store, locked.Manifest)
	if err != nil {
		return d, fmt.Errorf("figure %s: %w", name, lacking(err))
	}
	if err := w.readLayer(ctx, a, figureType, &d.Figure); err != nil {
		return d, fmt.Errorf("figure %s: %w", name, err)
	}
	d.Paths = map[string]string{}
	for _, f := range d.Formats() {
		path := filepath.Join(w.figuresDir(""), assay.Filename(name)+"."+f)
		if _, err := os.Stat(path); err == nil {
			d.Paths[f] = path
		}
	}
	return d, nil
}
