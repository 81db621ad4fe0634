package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/seal"
	"github.com/assay-notebooks/assay/internal/seal/sandbox"
)

// ReplayOptions say how a figure is drawn again.
type ReplayOptions struct {
	Out     string // folder for the outputs; default the figures folder
	Engine  string // "wazero", "wazero/interpreter" or "node"; default wazero
	Referee string // a second engine; "": none
	Rebuild bool   // compile the archived source too and compare the module's digest
	Trace   string // draw from this trace instead: a Parquet file, or as in FindRun
}

// A Replay is what came of drawing a figure again.
type Replay struct {
	Figure  string         `json:"figure"`
	Tables  []ReplayTable  `json:"tables,omitempty"` // those that differ
	Outputs []ReplayOutput `json:"outputs"`
}

// A ReplayTable is a table that its trace no longer gives.
type ReplayTable struct {
	Index int          `json:"index"`
	Want  assay.Digest `json:"want"` // as in the lock
	Got   assay.Digest `json:"got"`
}

// String says it in one line.
func (t ReplayTable) String() string {
	return fmt.Sprintf("table %d DIFFERS: the trace that assay.lock names gives %v, want %v", t.Index, t.Got, t.Want)
}

// A ReplayOutput compares one output with the archived one.
type ReplayOutput struct {
	Format    string       `json:"format"`
	Engine    string       `json:"engine"`
	Want      assay.Digest `json:"want"` // as in the lock
	Got       assay.Digest `json:"got"`
	Identical bool         `json:"identical"`
	FirstDiff int64        `json:"first_difference"` // offset of the first byte that differs; -1 if identical or not known
	Path      string       `json:"path,omitempty"`
}

// String says it in one line.
func (o ReplayOutput) String() string {
	switch {
	case o.Identical:
		return fmt.Sprintf("identical %v (%s)", o.Got, o.Engine)
	case o.FirstDiff < 0:
		return fmt.Sprintf("DIFFERS: %v, want %v, which the archive lacks (%s)", o.Got, o.Want, o.Engine)
	default:
		return fmt.Sprintf("DIFFERS at byte %d: %v, want %v (%s)", o.FirstDiff, o.Got, o.Want, o.Engine)
	}
}

// Replay draws a figure again from what the lock and the archive have of it,
// compares its outputs, and writes those that are identical; to a folder that
// is named, the others too. The tables are projected anew from the
// traces. The error matches failure.ErrMismatch if an output differs, and
// artifacts.ErrCorrupt if the module or an input is not what its digest says.
func (w *Workspace) Replay(ctx context.Context, name string, opts ReplayOptions) (Replay, error) {
	r := Replay{Figure: name}
	if opts.Engine == "" {
		opts.Engine = "wazero"
	}
	for _, e := range []string{opts.Engine, opts.Referee} {
		if e != "" && !slices.Contains(sandbox.Engines, sandbox.Engine(e)) {
			return r, failure.Usagef("engine %q: want one of %v", e, sandbox.Engines)
		}
	}
	err := w.replay(ctx, name, opts, &r)
	if err != nil {
		return r, fmt.Errorf("replay %s: %w", name, err)
	}
	return r, nil
}

func (w *Workspace) replay(ctx context.Context, name string, opts ReplayOptions, r *Replay) error {
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	drawn, err := w.lockedFigure(ctx, lock, name)
	if err != nil {
		return err
	}
	locked := lock.Figures[name]
	if locked.Module != drawn.Figure.Module {
		return fmt.Errorf("module: assay.lock has %v, the archived figure was drawn by %v: %w", locked.Module, drawn.Figure.Module, artifacts.ErrCorrupt)
	}
	if len(locked.Outputs) == 0 || !maps.Equal(locked.Outputs, drawn.Figure.Outputs) {
		return fmt.Errorf("outputs: assay.lock has %v, the archived figure has %v: %w", locked.Outputs, drawn.Figure.Outputs, artifacts.ErrCorrupt)
	}
	module, err := w.Store.ReadAll(ctx, locked.Module, maxRecord)
	if err != nil {
		return fmt.Errorf("module: %w", lacking(err))
	}
	tables, err := w.replayTables(ctx, locked, opts.Trace, r)
	if err != nil {
		return err
	}
	if opts.Rebuild {
		if err := w.rebuild(ctx, drawn); err != nil {
			return err
		}
	}
	req := sandbox.Request{Formats: slices.Sorted(maps.Keys(locked.Outputs)), WidthMM: drawn.Figure.Width}
	differs := false
	var unwritten error
	for i, engine := range []string{opts.Engine, opts.Referee} {
		if engine == "" {
			continue
		}
		outputs, err := w.runSealed(ctx, module, req, tables, sandbox.Engine(engine))
		if err != nil {
			return err
		}
		write := map[string][]byte{}
		var compared []ReplayOutput
		for _, f := range req.Formats {
			o, err := w.compare(ctx, locked.Outputs[f], outputs[f])
			if err != nil {
				return err
			}
			o.Format, o.Engine = f, engine
			differs = differs || !o.Identical
			compared = append(compared, o)
			if i == 0 && (o.Identical || opts.Out != "") {
				write[f] = outputs[f]
			}
		}
		paths, err := writeOutputs(w.figuresDir(opts.Out), name, write)
		for _, o := range compared {
			o.Path = paths[o.Format]
			r.Outputs = append(r.Outputs, o)
		}
		if err != nil {
			unwritten = fmt.Errorf("%w; it was compared all the same: name a folder that can be written with --out", err)
		}
	}
	if differs || len(r.Tables) > 0 {
		return errors.Join(failure.ErrMismatch, unwritten)
	}
	return unwritten
}

// replayTables projects a figure's tables again from its traces, or from the
// trace that is named instead.
func (w *Workspace) replayTables(ctx context.Context, locked pins.Figure, instead string, r *Replay) ([][]byte, error) {
	var tables [][]byte
	for i, t := range locked.Tables {
		tr, err := w.openTrace(ctx, t.Trace)
		if instead != "" {
			tr, err = w.traceFrom(ctx, instead)
		}
		if err != nil {
			return nil, fmt.Errorf("table %d: %w", i, err)
		}
		b, err := project(tr, t.Columns)
		if err != nil {
			return nil, fmt.Errorf("table %d: %w", i, err)
		}
		if d := assay.DigestOf(b); instead == "" && d != t.Digest {
			r.Tables = append(r.Tables, ReplayTable{i, t.Digest, d})
		}
		tables = append(tables, b)
	}
	return tables, nil
}

// compare compares an output with the archived bytes of that digest.
func (w *Workspace) compare(ctx context.Context, want assay.Digest, got []byte) (ReplayOutput, error) {
	o := ReplayOutput{Want: want, Got: assay.DigestOf(got), FirstDiff: -1}
	if o.Identical = o.Got == want; o.Identical {
		return o, nil
	}
	b, err := w.Store.ReadAll(ctx, want, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("archived output: %w", err)
	}
	o.FirstDiff = int64(min(len(b), len(got)))
	for i := range min(len(b), len(got)) {
		if b[i] != got[i] {
			o.FirstDiff = int64(i)
			break
		}
	}
	return o, nil
}

// rebuild compiles the archived source of a figure and compares the module.
func (w *Workspace) rebuild(ctx context.Context, d Drawn) error {
	a, err := oci.ReadArtifact(ctx, w.Store, d.Manifest)
	if err != nil {
		return err
	}
	var s assay.Seal
	if err := w.readLayer(ctx, a, sealType, &s); err != nil {
		return err
	}
	source, err := w.Store.ReadAll(ctx, s.Source, maxRecord)
	if err != nil {
		return fmt.Errorf("source: %w", lacking(err))
	}
	ext, err := w.Store.ReadAll(ctx, s.Kernelext, maxRecord)
	if err != nil {
		return fmt.Errorf("kernelext: %w", lacking(err))
	}
	module, err := seal.Rebuild(ctx, s, source, ext, seal.Options{Cache: w.Config.Cache})
	if err != nil {
		return err
	}
	if got := assay.DigestOf(module); got != s.Module {
		return fmt.Errorf("rebuild: the archived source compiles to %v, the module is %v: %w", got, s.Module, failure.ErrMismatch)
	}
	return nil
}
