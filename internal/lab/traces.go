package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/summary"
)

// A Trace is an archived trace, for a list: of a run or of an import.
type Trace struct {
	Run    string       `json:"run,omitempty"`
	Name   string       `json:"name,omitempty"` // of the run's experiment
	Import string       `json:"import,omitempty"`
	Of     string       `json:"of,omitempty"` // what the import calls it
	Digest assay.Digest `json:"digest"`
	Rows   int64        `json:"rows"`
	Bytes  int64        `json:"bytes"`
}

// Traces lists the traces of archived runs and then those of imports. Those that
// cannot be read are left out and are the error.
func (w *Workspace) Traces(ctx context.Context) ([]Trace, error) {
	runs, err := w.Runs(ctx, RunFilter{State: assay.Complete})
	problems := []error{err}
	var traces []Trace
	add := func(t Trace) {
		opened, err := w.openTrace(ctx, t.Digest)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", t.Ref(), err))
			return
		}
		size, err := w.Store.Stat(ctx, t.Digest)
		problems = append(problems, err)
		t.Rows, t.Bytes = opened.Rows(), size
		traces = append(traces, t)
	}
	for _, r := range runs {
		if !r.Trace.IsZero() {
			add(Trace{Run: r.ID, Name: r.Name, Digest: r.Trace})
		}
	}
	imports, err := w.Imports(ctx)
	problems = append(problems, err)
	for _, imp := range imports {
		for _, t := range imp.Traces {
			add(Trace{Import: imp.Name, Of: t.Name, Digest: t.Trace})
		}
	}
	return traces, errors.Join(problems...)
}

// Ref is what ExportTrace finds the trace by: a run's ID, or NAME/TRACE.
func (t Trace) Ref() string {
	if t.Import != "" {
		return t.Import + "/" + t.Of
	}
	return t.Run
}

func (w *Workspace) openTrace(ctx context.Context, d assay.Digest) (*trace.Trace, error) {
	b, err := w.Store.ReadAll(ctx, d, maxTrace)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", lacking(err))
	}
	t, err := trace.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("trace %v: %w", d, err)
	}
	return t, nil
}

// TraceFile returns a file with the trace of an archived run: a copy below
// .assay, for programs that read Parquet.
func (w *Workspace) TraceFile(ctx context.Context, run assay.Run) (string, error) {
	b, err := w.Store.ReadAll(ctx, run.Trace, maxTrace)
	if err != nil {
		return "", fmt.Errorf("run %s: trace: %w", run.ID, lacking(err))
	}
	path := w.path(tracesDir, assay.Filename(run.ID)+".parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", fmt.Errorf("run %s: trace: %w", run.ID, err)
	}
	if err := renameio.WriteFile(path, b, 0o444); err != nil {
		return "", fmt.Errorf("run %s: trace: %w", run.ID, err)
	}
	return path, nil
}

// lacking adds to an error that the archive has no such blob what can be done.
func lacking(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failure.Classed(failure.ErrIncomplete, fmt.Errorf(`the archive lacks it (%w): "assay pull" or "assay store check --repair" gets it from a store; `+
			`without one, restore the archive from a copy, or make it again: assay import, assay run --rerun, assay notebook run`, err))
	}
	return err
}

// A TraceFormat is what a trace is exported as.
type TraceFormat string

// The formats. Parquet is the archived bytes themselves.
const (
	CSV     TraceFormat = "csv"
	Parquet TraceFormat = "parquet"
	JSON    TraceFormat = "json"
)

// ExportTrace writes a trace. ref is a run's, as in FindRun, an import's as
// NAME/TRACE, or the digest of either.
func (w *Workspace) ExportTrace(ctx context.Context, ref string, format TraceFormat, out io.Writer) error {
	write := map[TraceFormat]func(io.Writer, *trace.Trace) error{CSV: trace.CSV, JSON: trace.JSON}
	if format != Parquet && write[format] == nil {
		return failure.Usagef("trace format %q: want csv, parquet or json", format)
	}
	found, err := w.findTrace(ctx, ref)
	if err != nil {
		return err
	}
	if format != Parquet {
		t, err := w.openTrace(ctx, found.digest)
		if err != nil {
			return fmt.Errorf("%s: %w", found.of, err)
		}
		return write[format](out, t)
	}
	rc, err := w.Store.Open(ctx, found.digest)
	if err != nil {
		return fmt.Errorf("%s: trace: %w", found.of, lacking(err))
	}
	defer rc.Close()
	if _, err := io.Copy(out, rc); err != nil {
		return fmt.Errorf("%s: trace: %w", found.of, err)
	}
	return nil
}

// Summary sums up an archived run.
func (w *Workspace) Summary(ctx context.Context, run assay.Run) (assay.Summary, error) {
	var plan assay.Plan
	manifest, err := w.runManifest(ctx, run.ID)
	if err != nil {
		return assay.Summary{}, err
	}
	a, err := oci.ReadArtifact(ctx, w.Store, manifest)
	if err != nil {
		return assay.Summary{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if err := w.readLayer(ctx, a, planType, &plan); err != nil {
		return assay.Summary{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return assay.Summary{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	if run.Ready == nil { // the records of old runs have none
		run.Ready = hosts.Unready(run.Host)
	}
	return summary.Of(run, plan, t.Samples())
}

// runManifest finds an archived run's OCI manifest by the run's ID.
func (w *Workspace) runManifest(ctx context.Context, id string) (assay.Digest, error) {
	d, err := w.Store.Ref(ctx, "runs/"+id)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	lock, err := w.Lock()
	if err != nil {
		return d, err
	}
	for _, e := range lock.Experiments {
		if e.Run == id {
			return e.Manifest, nil
		}
	}
	return d, failure.Usagef(`no run %q: "assay runs" lists them`, id)
}

// traceFrom opens the trace that ref names: a Parquet file, or as in findTrace.
func (w *Workspace) traceFrom(ctx context.Context, ref string) (*trace.Trace, error) {
	info, err := os.Stat(ref)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() { // "fs23" may be a folder, too
		found, err := w.findTrace(ctx, ref)
		if err != nil {
			return nil, err
		}
		return w.openTrace(ctx, found.digest)
	}
	b, err := plainfile.Read(ref, maxTrace)
	if err != nil {
		return nil, err
	}
	return trace.Open(bytes.NewReader(b), int64(len(b)))
}
