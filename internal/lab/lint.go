package lab

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/claims"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/lint"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

// LintOptions say what Lint looks for.
type LintOptions struct {
	Rules  []string // only these; none: all
	Ignore []string // not these
	Noise  float64  // share by which two equal treatments differ where it was measured; 0: what the host's certificate says
}

// A LintRule is one kind of defect.
type LintRule struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// LintRules lists the rules.
func LintRules() []LintRule {
	var out []LintRule
	for _, r := range lint.Rules() {
		out = append(out, LintRule{r.Name, r.Title})
	}
	return out
}

// Lint looks for defects in what refs name: runs, imports (NAME or
// imports/NAME), and single traces of imports (NAME/TRACE). Several are
// compared with each other, too; what is named twice counts once. It measures
// nothing.
func (w *Workspace) Lint(ctx context.Context, refs []string, opts LintOptions) ([]assay.Finding, error) {
	if opts.Noise != 0 && !(opts.Noise > 0 && opts.Noise < 1) {
		return nil, failure.Usagef("noise %v: want a share above 0 and below 1, such as 0.03 for 3%%", opts.Noise)
	}
	var subjects []lint.Subject
	at := map[string]int{} // in subjects, by what each is
	for _, ref := range refs {
		s, is, err := w.lintSubject(ctx, ref)
		if err != nil {
			return nil, err
		}
		i, named := at[is]
		if !named {
			at[is], subjects = len(subjects), append(subjects, s)
			continue
		}
		for _, t := range s.Traces {
			if !slices.ContainsFunc(subjects[i].Traces, func(o lint.Trace) bool { return o.Name == t.Name }) {
				subjects[i].Traces = append(subjects[i].Traces, t)
			}
		}
	}
	if opts.Noise > 0 {
		for _, s := range subjects {
			for i := range s.Traces {
				s.Traces[i].Noise = opts.Noise
			}
		}
	}
	found, err := lint.Lint(subjects, lint.Options{Rules: opts.Rules, Ignore: opts.Ignore})
	if err != nil {
		return nil, failure.Usagef("%w", err)
	}
	return found, nil
}

// lintSubject opens what ref names; is tells whether two refs name one thing.
func (w *Workspace) lintSubject(ctx context.Context, ref string) (s lint.Subject, is string, err error) {
	if name, of, one := strings.Cut(strings.TrimPrefix(ref, "imports/"), "/"); one {
		imp, err := w.findImport(ctx, name)
		if err != nil {
			return s, "", err
		}
		s, err = w.lintImport(ctx, imp.Import, of)
		return s, "import " + s.Name, err
	}
	run, imp, err := w.evidence(ctx, ref)
	switch {
	case err != nil:
		return s, "", err
	case imp != nil:
		s, err = w.lintImport(ctx, imp.Import, "")
		return s, "import " + s.Name, err
	}
	s, err = w.lintRun(ctx, ref, *run)
	return s, "run " + run.ID, err
}

func (w *Workspace) lintRun(ctx context.Context, ref string, run assay.Run) (lint.Subject, error) {
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return lint.Subject{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	columns, err := everyColumn(t)
	if err != nil {
		return lint.Subject{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	s := lint.Subject{Name: ref, Traces: lint.RunTraces(columns, modeOf, cacheOf)}
	certificates, err := w.hostNoise(ctx, run.Host)
	if err != nil {
		return s, err
	}
	for _, c := range certificates {
		addNoise(s.Traces, c.Noise)
	}
	for _, of := range s.Traces { // what the run itself says of its noise is nearer
		own, err := claims.Control(t, assay.Phase(of.Name))
		if err != nil {
			return s, fmt.Errorf("run %s: %w", run.ID, err)
		}
		for _, n := range own {
			addNoise(s.Traces, n)
		}
	}
	return s, nil
}

// addNoise gives the traces of a run the noise of the phase that a certificate
// is of, and others none.
func addNoise(traces []lint.Trace, certificate assay.Noise) {
	for _, f := range certificate.Floors {
		for i := range traces {
			if f.Metric == "wall_ns" && traces[i].Name == string(certificate.Phase) {
				traces[i].Noise = f.Floor
			}
		}
	}
}

// cacheOf says what a runtime has cached in a run of which the rows do not say
// it: all such runs switched off what caches compiled code.
func cacheOf(string) string { return "compiled code off, page cache warm" }

// lintImport opens the traces of an import, or the one that is named.
func (w *Workspace) lintImport(ctx context.Context, imp assay.Import, only string) (lint.Subject, error) {
	s := lint.Subject{Name: imp.Name}
	for _, it := range imp.Traces {
		if only != "" && it.Name != only {
			continue
		}
		t, err := w.ImportTrace(ctx, imp, it.Name)
		if err != nil {
			return s, err
		}
		columns, err := everyColumn(t)
		if err != nil {
			return s, fmt.Errorf("import %s: trace %s: %w", imp.Name, it.Name, err)
		}
		lt := lint.Trace{Name: it.Name}
		for i := range columns {
			lt.Columns = append(lt.Columns, &columns[i])
		}
		s.Traces = append(s.Traces, lt)
	}
	if len(s.Traces) == 0 {
		_, err := traceNamed(imp, only)
		return s, err
	}
	return s, nil
}

// everyColumn reads a trace whole.
func everyColumn(t *trace.Trace) ([]trace.Values, error) {
	var names []string
	for _, c := range t.Meta().Columns {
		names = append(names, c.Name)
	}
	return t.Project(names)
}

// modeOf says how a runtime executes code, "" for one that is not known.
func modeOf(name string) string {
	r, err := runtimes.Find(name)
	if err != nil {
		return ""
	}
	return string(r.Traits().Mode)
}

// WriteFindings writes findings for people: what was found, where, and what it
// does to conclusions, said once where several do the same. What files hold
// cannot begin a line there, nor move the cursor.
func WriteFindings(out io.Writer, found []assay.Finding) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "nothing found")
		return err
	}
	var b strings.Builder
	for i, f := range found {
		if i == 0 || found[i-1].Rule != f.Rule || found[i-1].Severity != f.Severity {
			fmt.Fprintf(&b, "%s %s\n", strings.ToUpper(string(f.Severity)), f.Rule)
		}
		fmt.Fprintf(&b, "  %s\n    in %s\n", graph.Printable(f.Says), graph.Printable(FindingPlace(f)))
		if rows := FindingRows(f); rows != "" {
			fmt.Fprintf(&b, "    rows %s\n", graph.Printable(rows))
		}
		if i == len(found)-1 || found[i+1].Rule != f.Rule || found[i+1].Severity != f.Severity || found[i+1].Effect != f.Effect || found[i+1].Remedy != f.Remedy {
			fmt.Fprintf(&b, "  effect: %s\n  remedy: %s\n\n", f.Effect, f.Remedy)
		}
	}
	_, err := fmt.Fprintf(out, "%s%s\n", b.String(), CountFindings(found))
	return err
}

// CountFindings says how many findings there are of each severity.
func CountFindings(found []assay.Finding) string {
	var said []string
	for _, s := range []assay.Severity{assay.SeverityError, assay.SeverityWarning, assay.SeverityNote} {
		n := 0
		for _, f := range found {
			if f.Severity == s {
				n++
			}
		}
		if n == 1 {
			said = append(said, fmt.Sprintf("1 %s", s))
		} else {
			said = append(said, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(said, ", ")
}

// FindingPlace says where a finding is: "sweep (results), system a, machine b".
func FindingPlace(f assay.Finding) string {
	place := f.Subject
	if f.Trace != "" {
		place += " (" + f.Trace + ")"
	}
	for _, fact := range f.Where {
		place += ", " + fact.Name + " " + fact.Value
	}
	return place
}

// FindingRows says how many rows show a finding, and where the first stands.
func FindingRows(f assay.Finding) string {
	if f.Rows == 0 {
		return ""
	}
	s := fmt.Sprintf("%d of %d", f.Rows, f.Of)
	switch {
	case len(f.Examples) == 0:
		return s
	case f.Examples[0].Source == "":
		return s + fmt.Sprintf(", such as row %d", f.Examples[0].Row)
	}
	return s + fmt.Sprintf(", such as %s:%d", f.Examples[0].Source, f.Examples[0].Line)
}
