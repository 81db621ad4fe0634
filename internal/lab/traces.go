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
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/table"
)

// A Trace is an archived trace, for a list.
type Trace struct {
	Run    string       `json:"run"`
	Name   string       `json:"name"`
	Digest assay.Digest `json:"digest"`
	Rows   int64        `json:"rows"`
	Bytes  int64        `json:"bytes"`
}

// Traces lists the traces of archived runs. Those that cannot be read are left
// out and are the error.
func (w *Workspace) Traces(ctx context.Context) ([]Trace, error) {
	runs, err := w.Runs(ctx, RunFilter{State: assay.Complete})
	problems := []error{err}
	var traces []Trace
	for _, r := range runs {
		if r.Trace.IsZero() {
			continue
		}
		t, err := w.openTrace(ctx, r.Trace)
		if err != nil {
			problems = append(problems, fmt.Errorf("run %s: %w", r.ID, err))
			continue
		}
		size, err := w.Store.Stat(ctx, r.Trace)
		problems = append(problems, err)
		traces = append(traces, Trace{r.ID, r.Name, r.Trace, t.Rows(), size})
	}
	return traces, errors.Join(problems...)
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
		return Classed(ErrIncomplete, fmt.Errorf(`the archive lacks it (%w): "assay pull" or "assay store check --repair" gets it from a store; `+
			`without one, restore the archive from a copy, or make it again: assay run --rerun, assay notebook run`, err))
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

// ExportTrace writes a run's trace. ref is as in FindRun.
func (w *Workspace) ExportTrace(ctx context.Context, ref string, format TraceFormat, out io.Writer) error {
	write := map[TraceFormat]func(io.Writer, *trace.Trace) error{CSV: trace.CSV, JSON: trace.JSON}
	if format != Parquet && write[format] == nil {
		return Usagef("trace format %q: want csv, parquet or json", format)
	}
	run, err := w.FindRun(ctx, ref)
	if err != nil {
		return err
	}
	if format != Parquet {
		t, err := w.openTrace(ctx, run.Trace)
		if err != nil {
			return fmt.Errorf("run %s: %w", run.ID, err)
		}
		return write[format](out, t)
	}
	rc, err := w.Store.Open(ctx, run.Trace)
	if err != nil {
		return fmt.Errorf("run %s: trace: %w", run.ID, err)
	}
	defer rc.Close()
	if _, err := io.Copy(out, rc); err != nil {
		return fmt.Errorf("run %s: trace: %w", run.ID, err)
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
	return summarise(run, plan, t.Samples())
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
	return d, Usagef(`no run %q: "assay runs" lists them`, id)
}

// Table projects columns of a run's trace into the encoding that figures
// read. Warm-up rows are left out: they are not samples of the result.
func (w *Workspace) Table(ctx context.Context, run assay.Run, columns []string) ([]byte, error) {
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return project(t, columns)
}

func project(t *trace.Trace, columns []string) ([]byte, error) {
	if len(columns) == 0 {
		return nil, Usagef("a table needs columns: name at least one")
	}
	values, err := t.Project(append(slices.Clone(columns), "phase", "warmup"))
	if err != nil {
		return nil, Usagef("%w", err)
	}
	phase, warmup := values[len(values)-2], values[len(values)-1]
	if phases := slices.Compact(slices.Sorted(slices.Values(phase.Strings))); len(phases) > 1 && !slices.Contains(columns, "phase") {
		return nil, Usagef(`the samples are of the phases %s, whose times span different things: name the column phase too, and draw t.Where("phase", %q)`,
			strings.Join(phases, ", "), phases[0])
	}
	var keep []int
	for i, v := range warmup.Bools {
		if !v {
			keep = append(keep, i)
		}
	}
	var out []table.Column
	for _, v := range values[:len(values)-2] {
		out = append(out, column(v, keep))
	}
	return table.Encode(out...)
}

// column makes a table's column of the kept rows of a trace's. Truth values
// become 0 and 1.
func column(v trace.Values, keep []int) table.Column {
	var c table.Column
	switch v.Kind {
	case trace.Int:
		c = table.Ints(v.Name, v.Unit, v.Meaning, pick(v.Ints, keep))
	case trace.Float:
		c = table.Floats(v.Name, v.Unit, v.Meaning, pick(v.Floats, keep))
	case trace.Bool:
		ints := make([]int64, len(keep))
		for to, from := range keep {
			if v.Bools[from] {
				ints[to] = 1
			}
		}
		c = table.Ints(v.Name, v.Unit, v.Meaning, ints)
	default:
		c = table.Strings(v.Name, v.Unit, v.Meaning, pick(v.Strings, keep))
	}
	if v.Null != nil {
		c.Null = pick(v.Null, keep)
	}
	return c
}

func pick[T any](all []T, keep []int) []T {
	out := make([]T, len(keep))
	for to, from := range keep {
		out[to] = all[from]
	}
	return out
}

// traceFrom opens the trace that ref names: a Parquet file, or as in FindRun.
func (w *Workspace) traceFrom(ctx context.Context, ref string) (*trace.Trace, assay.Digest, error) {
	b, err := os.ReadFile(ref)
	if errors.Is(err, fs.ErrNotExist) {
		run, err := w.FindRun(ctx, ref)
		if err != nil {
			return nil, assay.Digest{}, err
		}
		t, err := w.openTrace(ctx, run.Trace)
		return t, run.Trace, err
	}
	if err != nil {
		return nil, assay.Digest{}, err
	}
	t, err := trace.Open(bytes.NewReader(b), int64(len(b)))
	return t, assay.DigestOf(b), err
}
