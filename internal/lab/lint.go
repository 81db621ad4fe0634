package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/lint"
)

// LintOptions say what Lint looks for.
type LintOptions struct {
	Rules  []string // only these; none: all
	Ignore []string // not these
	Noise  float64  // share by which two equal treatments differ on the host; 0: not known
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
// compared with each other, too. It measures nothing.
func (w *Workspace) Lint(ctx context.Context, refs []string, opts LintOptions) ([]assay.Finding, error) {
	var subjects []lint.Subject
	for _, ref := range refs {
		s, err := w.lintSubject(ctx, ref)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, s)
	}
	found, err := lint.Lint(subjects, lint.Options(opts))
	if err != nil {
		return nil, Usagef("%w", err)
	}
	return found, nil
}

func (w *Workspace) lintSubject(ctx context.Context, ref string) (lint.Subject, error) {
	name, of, one := strings.Cut(strings.TrimPrefix(ref, "imports/"), "/")
	if one {
		imp, err := w.findImport(ctx, name)
		if err != nil {
			return lint.Subject{}, err
		}
		return w.lintImport(ctx, ref, imp.Import, of)
	}
	run, imp, err := w.evidence(ctx, ref)
	switch {
	case err != nil:
		return lint.Subject{}, err
	case imp != nil:
		return w.lintImport(ctx, ref, imp.Import, "")
	}
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return lint.Subject{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	columns, err := everyColumn(t)
	if err != nil {
		return lint.Subject{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return lint.Subject{Name: ref, Traces: lint.RunTraces(columns, modeOf, func(string) string { return "compiled code off, page cache warm" })}, nil
}

// lintImport opens the traces of an import, or the one that is named.
func (w *Workspace) lintImport(ctx context.Context, ref string, imp assay.Import, only string) (lint.Subject, error) {
	s := lint.Subject{Name: ref}
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
func modeOf(runtime string) string {
	switch name, variant, _ := strings.Cut(runtime, "/"); {
	case variant == "interpreter" || name == "wasm3":
		return "interpreter"
	case name == "native", name == "wazero", name == "wasmtime", name == "wasmer", name == "WAVM":
		return "compiled ahead"
	case name == "v8":
		return "jit"
	}
	return ""
}

// WriteFindings writes findings for people: what was found, where, and what it
// does to conclusions.
func WriteFindings(out io.Writer, found []assay.Finding) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "nothing found")
		return err
	}
	var problems []error
	for _, f := range found {
		_, err := fmt.Fprintf(out, "%s %s: %s\n", strings.ToUpper(string(f.Severity)), f.Rule, f.Says)
		problems = append(problems, err)
		w := tabwriter.NewWriter(out, 0, 8, 1, ' ', 0)
		line := func(name, value string) {
			if value != "" {
				fmt.Fprintf(w, "  %s\t%s\n", name, value)
			}
		}
		line("in", joinNonEmpty(", ", strings.TrimSuffix(f.Subject+" ("+f.Trace+")", " ()"), wordsOf(f.Where)))
		line("rows", rowsOf(f))
		line("effect", f.Effect)
		line("remedy", f.Remedy)
		problems = append(problems, w.Flush())
	}
	_, err := fmt.Fprintln(out, CountFindings(found))
	return errors.Join(append(problems, err)...)
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

func joinNonEmpty(sep string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

func wordsOf(where []assay.Fact) string {
	var out []string
	for _, f := range where {
		out = append(out, f.Name+" "+f.Value)
	}
	return strings.Join(out, ", ")
}

// rowsOf says how many rows show a finding, and where the first stands.
func rowsOf(f assay.Finding) string {
	if f.Rows == 0 {
		return ""
	}
	s := fmt.Sprintf("%d of %d", f.Rows, f.Of)
	if len(f.Examples) == 0 {
		return s
	}
	e := f.Examples[0]
	if e.Source == "" {
		return s + fmt.Sprintf(", the first: row %d", e.Row)
	}
	return s + fmt.Sprintf(", the first: %s:%d", e.Source, e.Line)
}
