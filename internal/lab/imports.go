package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
)

var (
	errNoImport = errors.New("no import")     // nothing is called so
	errOther    = errors.New("not an import") // a digest is of something else
)

// FindImport finds an import by its name, which may have "imports/" before it,
// or by the digest of its manifest. What assay.lock says of a name goes first.
func (w *Workspace) FindImport(ctx context.Context, ref string) (assay.Import, error) {
	imp, err := w.findImport(ctx, ref)
	return imp.Import, err
}

func (w *Workspace) findImport(ctx context.Context, ref string) (Imported, error) {
	if d, err := assay.ParseDigest(ref); err == nil {
		return w.archivedImport(ctx, d)
	}
	name := strings.TrimPrefix(ref, "imports/")
	lock, err := w.Lock()
	if err != nil {
		return Imported{}, err
	}
	if locked, ok := lock.Imports[name]; ok {
		imp, err := w.archivedImport(ctx, locked.Manifest)
		if err != nil {
			err = fmt.Errorf("import %s, as %s: %w", name, graph.Printable(locked.Importer), err)
		}
		return imp, err
	}
	d, err := w.Archive.Ref(ctx, "imports/"+assay.Filename(name))
	if errors.Is(err, fs.ErrNotExist) || name == "" {
		return Imported{}, failure.Classed(errNoImport, failure.Usagef(`no import %q: "assay import ls" lists them, "assay import FORMAT PATH --name NAME" makes one`, name))
	}
	if err != nil {
		return Imported{}, err
	}
	return w.archivedImport(ctx, d)
}

// archivedImport reads an import's record. Whoever wrote it may be a stranger.
func (w *Workspace) archivedImport(ctx context.Context, manifest assay.Digest) (Imported, error) {
	imp := Imported{Manifest: manifest}
	a, err := oci.ReadArtifact(ctx, w.Store, manifest)
	if errors.Is(err, oci.ErrInvalid) {
		return imp, failure.Classed(errOther, err)
	}
	if err != nil {
		return imp, lacking(err)
	}
	if a.Type != importType {
		return imp, failure.Classed(errOther, failure.Usagef("%v is no import, but of type %s", manifest, a.Type))
	}
	if err := w.readLayer(ctx, a, importType, &imp.Import); err != nil {
		return imp, lacking(err)
	}
	if err := checkImport(imp.Import, a); err != nil {
		return imp, fmt.Errorf("import %v: %w", manifest, err)
	}
	return imp, nil
}

// checkImport reports what is wrong with the record of an import.
func checkImport(imp assay.Import, a oci.Artifact) error {
	if imp.Format != assay.ImportFormat {
		return fmt.Errorf("format %q, this assay reads %q", imp.Format, assay.ImportFormat)
	}
	if err := checkName(imp.Name); err != nil {
		return fmt.Errorf("%w: %w", err, oci.ErrInvalid)
	}
	if imp.Importer == "" || strings.Trim(imp.Importer, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("importer %q: %w", imp.Importer, oci.ErrInvalid)
	}
	layers, sizes := map[string]assay.Digest{}, map[string]int64{}
	for _, l := range a.Layers {
		layers[l.Title], sizes[l.Title] = l.Digest, l.Size
	}
	if len(imp.Traces) == 0 {
		return fmt.Errorf("no traces: %w", oci.ErrInvalid)
	}
	seen := map[string]bool{}
	has := func(title string, d assay.Digest) error {
		if seen[title] || d.IsZero() || layers[title] != d {
			return fmt.Errorf("%s is %v in the record and %v among the layers, or there twice: %w", title, d, layers[title], oci.ErrInvalid)
		}
		seen[title] = true
		return nil
	}
	for _, s := range imp.Sources {
		if !fs.ValidPath(s.Path) || s.Path == "." {
			return fmt.Errorf("path %q: %w", s.Path, oci.ErrInvalid)
		}
		if err := has(originalTitle+s.Path, s.Digest); err != nil {
			return err
		}
		if s.Size != sizes[originalTitle+s.Path] || s.Rows < 0 {
			return fmt.Errorf("%s: %d rows of %d bytes: %w", originalTitle+s.Path, s.Rows, s.Size, oci.ErrInvalid)
		}
	}
	rejected := int64(0)
	for _, t := range imp.Traces {
		if t.Name == "" || assay.Filename(t.Name) != t.Name {
			return fmt.Errorf("trace %q: %w", t.Name, oci.ErrInvalid)
		}
		if err := has("traces/"+t.Name+".parquet", t.Trace); err != nil {
			return err
		}
		if t.Rows < 0 || len(t.Columns) == 0 {
			return fmt.Errorf("trace %s: %d rows of %d columns: %w", t.Name, t.Rows, len(t.Columns), oci.ErrInvalid)
		}
		if t.Name == rejectedTrace {
			rejected = t.Rows
		}
	}
	if imp.Rejected != rejected {
		return fmt.Errorf("%d rows rejected, and %d kept as such: %w", imp.Rejected, rejected, oci.ErrInvalid)
	}
	if !imp.Mapping.IsZero() {
		return has(mappingTitle, imp.Mapping)
	}
	return nil
}

// Imports lists the imports that have a name, sorted by it. Those that cannot be
// read are left out and are the error.
func (w *Workspace) Imports(ctx context.Context) ([]Imported, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	manifests := map[string]assay.Digest{}
	for ref, err := range w.Archive.Refs(ctx, "imports") {
		if err != nil {
			return nil, err
		}
		manifests[ref.Name] = ref.Digest
	}
	for name, locked := range lock.Imports {
		manifests["imports/"+assay.Filename(name)] = locked.Manifest
	}
	var all []Imported
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(manifests)) {
		imp, err := w.archivedImport(ctx, manifests[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		all = append(all, imp)
	}
	return all, errors.Join(problems...)
}

// ImportTrace opens a trace of an import, "" for the only one it has.
func (w *Workspace) ImportTrace(ctx context.Context, imp assay.Import, name string) (*trace.Trace, error) {
	it, err := traceNamed(imp, name)
	if err != nil {
		return nil, err
	}
	t, err := w.openTrace(ctx, it.Trace)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", imp.Name, err)
	}
	return t, nil
}

// traceNamed finds a trace of an import, "" for the only one.
func traceNamed(imp assay.Import, name string) (assay.ImportTrace, error) {
	var names []string
	for _, t := range imp.Traces {
		if t.Name == name || name == "" && len(imp.Traces) == 1 {
			return t, nil
		}
		names = append(names, imp.Name+"/"+t.Name)
	}
	if name == "" {
		return assay.ImportTrace{}, failure.Usagef("import %s has several traces: name one of %s", imp.Name, failure.Listed(names))
	}
	return assay.ImportTrace{}, failure.Usagef("import %s has no trace %q: it has %s", imp.Name, name, failure.Listed(names))
}

// evidence finds the run that ref names, as in FindRun, or the import, as in
// FindImport; the other one is nil. Of one name the run goes first, but
// "imports/NAME" is the import.
func (w *Workspace) evidence(ctx context.Context, ref string) (*assay.Run, *Imported, error) {
	imp, err := w.findImport(ctx, ref)
	_, noDigest := assay.ParseDigest(ref)
	none := errors.Is(err, errNoImport) || errors.Is(err, errOther) || noDigest == nil && errors.Is(err, fs.ErrNotExist)
	if strings.HasPrefix(ref, "imports/") {
		return importOr(imp, err)
	}
	run, runErr := w.FindRun(ctx, ref)
	switch {
	case !none && (runErr != nil || run.ID != ref && run.Name != ref): // a beginning of a run's ID is no name
		return importOr(imp, err)
	case errors.Is(runErr, errNoRun):
		return nil, nil, failure.Classed(errNoRun, failure.Usagef(`no run or import %q: "assay runs" and "assay import ls" list them`, ref))
	}
	return &run, nil, runErr
}

// importOr is the evidence that an import is, unless it could not be read.
func importOr(imp Imported, err error) (*assay.Run, *Imported, error) {
	if err != nil {
		return nil, nil, err
	}
	return nil, &imp, nil
}

// A foundTrace is a trace in the archive, and what has it.
type foundTrace struct {
	digest assay.Digest
	of     string // in words
}

// findTrace finds the trace that ref names: a run's, as in FindRun; an import's
// as NAME/TRACE, or NAME where there is only one; or any by its digest.
func (w *Workspace) findTrace(ctx context.Context, ref string) (foundTrace, error) {
	rest, explicit := strings.CutPrefix(ref, "imports/")
	name, of, isTrace := strings.Cut(rest, "/")
	if isTrace {
		imp, err := w.findImport(ctx, name)
		if err != nil {
			return foundTrace{}, err
		}
		return traceIn(imp.Import, of)
	}
	if explicit {
		name = ref
	}
	run, imp, err := w.evidence(ctx, name)
	switch {
	case errors.Is(err, errNoRun):
		if d, digestErr := assay.ParseDigest(ref); digestErr == nil {
			return w.importedTrace(ctx, d, err)
		}
		return foundTrace{}, err
	case err != nil:
		return foundTrace{}, err
	case imp != nil:
		return traceIn(imp.Import, "")
	}
	return foundTrace{run.Trace, "run " + run.ID}, nil
}

func traceIn(imp assay.Import, name string) (foundTrace, error) {
	t, err := traceNamed(imp, name)
	return foundTrace{t.Trace, fmt.Sprintf("import %s: trace %s", imp.Name, t.Name)}, err
}

// importedTrace finds the trace of an import by its digest; none is the error
// that is given.
func (w *Workspace) importedTrace(ctx context.Context, d assay.Digest, none error) (foundTrace, error) {
	all, unreadable := w.Imports(ctx)
	for _, imp := range all {
		for _, t := range imp.Traces {
			if t.Trace == d {
				return traceIn(imp.Import, t.Name)
			}
		}
	}
	return foundTrace{}, errors.Join(none, unreadable)
}

// ExportOriginals writes the files of an import below dir, which is made if
// need be, each with the bytes it was imported with, and returns them. It
// replaces no file, and after an error has written none.
func (w *Workspace) ExportOriginals(ctx context.Context, ref, dir string) ([]assay.ImportSource, error) {
	imp, err := w.findImport(ctx, ref)
	if name, of, isTrace := strings.Cut(strings.TrimPrefix(ref, "imports/"), "/"); isTrace && errors.Is(err, errNoImport) {
		return nil, failure.Usagef("export: %s would be the trace %s of an import: files are those of a whole import: name it, %s", ref, of, name)
	}
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir = assay.Filename(imp.Name)
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		root, err = os.OpenRoot(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer root.Close()
	for _, s := range imp.Sources {
		if _, err := root.Lstat(filepath.FromSlash(s.Path)); err == nil {
			return nil, failure.Usagef("export: %s is there already, and nothing was written: name another folder with -o", filepath.Join(dir, filepath.FromSlash(s.Path)))
		}
	}
	for i, s := range imp.Sources {
		if err := w.exportOriginal(ctx, root, s); err != nil {
			for _, written := range imp.Sources[:i] { // so that the same command can be given again
				err = errors.Join(err, root.Remove(filepath.FromSlash(written.Path)))
			}
			return nil, fmt.Errorf("export %s: %s: %w", imp.Name, graph.Printable(s.Path), lacking(err))
		}
	}
	return imp.Sources, nil
}

func (w *Workspace) exportOriginal(ctx context.Context, root *os.Root, s assay.ImportSource) error {
	path := filepath.FromSlash(s.Path)
	rc, err := w.Store.Open(ctx, s.Digest)
	if err != nil {
		return err
	}
	defer rc.Close()
	if err := root.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, rc)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, root.Remove(path))
	}
	return nil
}

// WriteImport writes an import for people: its traces, what their columns mean
// and how that is known.
func WriteImport(out io.Writer, imp Imported) error {
	bytes := int64(0)
	unread := 0
	for _, s := range imp.Sources {
		bytes += s.Size
		if s.Kind == "" {
			unread++
		}
	}
	fmt.Fprintf(out, "%s %v\n%s, revision %d: %d files, %d bytes", imp.Name, imp.Manifest, graph.Printable(imp.Importer), imp.Revision, len(imp.Sources), bytes)
	if unread > 0 {
		fmt.Fprintf(out, "; %d were not read, and are kept", unread)
	}
	fmt.Fprintln(out)
	for _, f := range imp.Facts {
		fmt.Fprintf(out, "given: %s = %s\n", graph.Printable(f.Name), graph.Printable(f.Value))
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, t := range imp.Traces {
		fmt.Fprintf(w, "\n%s/%s: %d rows", imp.Name, t.Name, t.Rows)
		if t.Meaning != "" {
			fmt.Fprintf(w, ": %s", graph.Printable(t.Meaning))
		}
		fmt.Fprint(w, "\n  COLUMN\tUNIT\tROLE\tHOW KNOWN\tMEANING\n")
		for _, c := range t.Columns {
			meaning := c.Meaning
			if c.Evidence != "" {
				meaning = strings.TrimSpace(meaning + " (" + c.Evidence + ")")
			}
			var row []string
			for _, s := range []string{c.Name, c.Unit, string(c.Role), string(c.Basis), meaning} {
				row = append(row, graph.Printable(s))
			}
			fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if imp.Rejected > 0 {
		fmt.Fprintf(out, "\nrows that could not be read: %d, in %s/%s\n", imp.Rejected, imp.Name, rejectedTrace)
	}
	for _, n := range imp.Notes {
		fmt.Fprintf(out, "\nnote: %s\n", graph.Printable(n))
	}
	return nil
}

// writeSources writes the files of an import for people.
func writeSources(out io.Writer, sources []assay.ImportSource) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "\nFILE\tREAD AS\tROWS\tBYTES\tDIGEST\n")
	for _, s := range sources {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%v\n", graph.Printable(s.Path), cmp.Or(graph.Printable(s.Kind), "-"), s.Rows, s.Size, s.Digest)
	}
	return w.Flush()
}
