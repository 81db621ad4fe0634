package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/kernelext/table"
)

// A projection is a table and what it was made from.
type projection struct {
	table      []byte
	record     assay.FigureTable
	manifest   assay.Digest // of the run or import
	experiment assay.Digest // of the run
}

// Project returns columns of a trace in the encoding that figures read. Rows of
// warm-up are left out: they are not samples of the result.
func (w *Workspace) Project(ctx context.Context, of TableOf) ([]byte, error) {
	p, err := w.projected(ctx, of)
	return p.table, err
}

func (w *Workspace) projected(ctx context.Context, of TableOf) (projection, error) {
	if of.Import != "" {
		return w.projectedImport(ctx, of)
	}
	run, err := w.FindRun(ctx, of.Run)
	if err != nil {
		return projection{}, err
	}
	b, err := w.Table(ctx, run, of.Columns)
	if err != nil {
		return projection{}, err
	}
	manifest, err := w.runManifest(ctx, run.ID)
	return projection{
		table: b, manifest: manifest, experiment: run.Experiment,
		record: assay.FigureTable{Digest: assay.DigestOf(b), Run: run.ID, Trace: run.Trace, Columns: of.Columns},
	}, err
}

func (w *Workspace) projectedImport(ctx context.Context, of TableOf) (projection, error) {
	imp, err := w.findImport(ctx, of.Import)
	if err != nil {
		return projection{}, err
	}
	it, err := traceNamed(imp.Import, of.Of)
	if err != nil {
		return projection{}, err
	}
	t, err := w.ImportTrace(ctx, imp.Import, it.Name)
	if err != nil {
		return projection{}, err
	}
	b, err := project(t, of.Columns)
	if err != nil {
		return projection{}, fmt.Errorf("import %s: trace %s: %w", imp.Name, it.Name, err)
	}
	return projection{
		table: b, manifest: imp.Manifest,
		record: assay.FigureTable{Digest: assay.DigestOf(b), Import: imp.Name, Of: it.Name, Trace: it.Trace, Columns: of.Columns},
	}, nil
}

// blob names the run or import among the blobs of a figure that is about
// another one.
func (p projection) blob() string {
	if p.record.Import != "" {
		return "import." + p.manifest.Short() // a name may have characters that have no place here
	}
	return "run." + p.record.Run
}

// stale reports whether the lock has another run of the experiment, or another
// import of the name.
func (p projection) stale(l pins.Lock) bool {
	if p.record.Import != "" {
		locked, ok := l.Imports[p.record.Import]
		return ok && locked.Manifest != p.manifest
	}
	answer, ok := l.Experiments[p.experiment]
	return ok && answer.Run != p.record.Run
}

// Table is Project for a run.
func (w *Workspace) Table(ctx context.Context, run assay.Run, columns []string) ([]byte, error) {
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return project(t, columns)
}

// project makes a table of a trace. One whose rows are of several scopes has
// to have the column that says which; but the first bytes of processes, which
// are rows beside those of the processes, are simply left out without it.
func project(t *trace.Trace, columns []string) ([]byte, error) {
	if len(columns) == 0 {
		return nil, failure.Usagef("a table needs columns: name at least one")
	}
	scopes, warmups := special(t.Meta())
	values, err := t.Project(slices.Concat(columns, scopes, warmups))
	if err != nil {
		return nil, failure.Usagef("%w", err)
	}
	var beside func(row int) bool
	for _, v := range values[len(columns) : len(columns)+len(scopes)] {
		all := slices.Compact(slices.Sorted(slices.Values(v.Strings)))
		if slices.Contains(columns, v.Name) {
			continue
		}
		if t.Meta().Import == "" && slices.Equal(all, []string{string(assay.FirstByte), string(assay.Process)}) {
			beside = func(row int) bool { return v.Strings[row] == string(assay.FirstByte) }
			continue
		}
		if len(all) > 1 {
			return nil, failure.Usagef(`the rows are of the %ss %s, whose times span different things: name the column %[1]s too, and draw t.Where(%[1]q, %[3]q)`,
				v.Name, strings.Join(all, ", "), all[0])
		}
	}
	var keep []int
	for row := range int(t.Rows()) {
		warm := func(v trace.Values) bool { return v.Bools[row] }
		if !slices.ContainsFunc(values[len(columns)+len(scopes):], warm) && (beside == nil || !beside(row)) {
			keep = append(keep, row)
		}
	}
	var out []table.Column
	for _, v := range values[:len(columns)] {
		out = append(out, column(v, keep))
	}
	return table.Encode(out...)
}

// special returns the columns that say what the times span, and those that say
// that a row is of warm-up.
func special(meta trace.Meta) (scopes, warmups []string) {
	if meta.Import == "" {
		return []string{"phase"}, []string{"warmup"}
	}
	for _, c := range meta.Columns {
		switch {
		case c.Role == assay.RoleScope && c.Kind == trace.String:
			scopes = append(scopes, c.Name)
		case c.Role == assay.RoleWarmup && c.Kind == trace.Bool:
			warmups = append(warmups, c.Name)
		}
	}
	return scopes, warmups
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
