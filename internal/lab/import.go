package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/importers"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

// What the layers of an import's OCI artifact are.
const (
	importType   = "application/vnd.assay.import.v1+json"
	mappingType  = "application/vnd.assay.mapping.v1+yaml"
	originalType = "application/octet-stream"
)

// Titles of layers.
const (
	originalTitle = "originals/" // and the path of the file
	mappingTitle  = "mapping.yaml"
)

const (
	maxSources = 10_000  // files of an import: so its manifest stays below oci.ManifestLimit
	maxMapping = 1 << 20 // bytes
)

// An ImportFormat is a kind of files that can be imported.
type ImportFormat struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Revision int    `json:"revision"`
}

// ImportFormats lists the kinds of files that can be imported.
func ImportFormats() []ImportFormat {
	var all []ImportFormat
	for _, f := range importers.Formats() {
		all = append(all, ImportFormat{f.Name, f.Title, f.Revision})
	}
	return all
}

// ImportOptions say what is imported, and how.
type ImportOptions struct {
	Name    string // what it is called here
	Format  string // of the files, as importers.Find has it
	Path    string // of the file or folder
	Mapping string // path of the file that says what the columns mean, for formats that want one
	Facts   []assay.Fact
	Lenient bool // keep rows that cannot be read as rejected
	Replace bool // the name may mean something else: that stays in the archive, under its digest
	Derived bool // with Replace: what the name meant can be made again, and stays only where something is made of it

	// AnyRevision takes an archived import of the very same, that another revision
	// of the importer made.
	AnyRevision bool

	Progress func(stores.Transfer) `json:"-"`
}

// An Imported is an import in the archive.
type Imported struct {
	assay.Import
	Manifest assay.Digest `json:"manifest"`
	Archived bool         `json:"archived,omitempty"` // it was there already
	Gone     bool         `json:"gone,omitempty"`     // the files are not where they were, or nobody looked
	Revised  int          `json:"revised,omitempty"`  // revision of the importer here, if the import is of another one
	LeftOut  []string     `json:"leftOut,omitempty"`  // paths below the folder that are a workspace's or Git's own
}

// Import reads somebody's files, archives them to the byte with the traces that
// they give, reads these back, and names the import in the archive and in
// assay.lock. Files that the name has already are not archived again. A name
// that means other files is an error, unless it shall be replaced.
func (w *Workspace) Import(ctx context.Context, opts ImportOptions) (Imported, error) {
	if err := checkName(opts.Name); err != nil {
		return Imported{}, fmt.Errorf("%s: %w", labelled("import", opts.Name), failure.Usagef("%w", err))
	}
	src, err := openSource(opts.Path)
	if err != nil {
		return Imported{}, fmt.Errorf("%s: %w", labelled("import", opts.Name), err)
	}
	defer src.Close()
	imp, err := w.makeImport(ctx, opts, src)
	imp.LeftOut = src.leftOut
	if err != nil {
		return imp, fmt.Errorf("%s: %w", labelled("import", opts.Name), err)
	}
	return imp, nil
}

func (w *Workspace) makeImport(ctx context.Context, opts ImportOptions, src *source) (Imported, error) {
	format, err := importers.Find(opts.Format)
	if err != nil {
		return Imported{}, failure.Usagef("%w", err)
	}
	want := assay.Import{
		Format: assay.ImportFormat, Name: opts.Name, Importer: format.Name, Revision: format.Revision,
		Facts: sortedFacts(opts.Facts),
	}
	mapping, err := readMapping(opts.Mapping)
	if err != nil {
		return Imported{}, err
	}
	if mapping != nil {
		want.Mapping = assay.DigestOf(mapping)
	}
	// What the name means may be lost or damaged. Importing the very same again
	// heals it; anything else the name does not come to mean unasked.
	had, err := w.findImport(ctx, opts.Name)
	found := err == nil
	if ctx.Err() != nil {
		return Imported{}, err
	}
	if !found {
		had = Imported{}
	}
	if found && (opts.Lenient || had.Rejected == 0) {
		asked := want
		if opts.AnyRevision {
			asked.Revision = had.Revision
		}
		same, err := w.holds(ctx, had, asked, src)
		if err != nil {
			return Imported{}, err
		}
		if same {
			had.Archived = true
			if had.Revision != want.Revision {
				had.Revised = want.Revision
			}
			return had, w.nameImport(ctx, had, had.Manifest, ImportOptions{})
		}
	}
	k := &keeper{batch: w.Archive.Batch(), total: len(src.paths), progress: opts.Progress}
	out, err := format.Read(ctx, &importers.Input{
		Files: src.files, Mapping: mapping, Facts: want.Facts, Lenient: opts.Lenient,
		Keep: func(path string, b []byte) (assay.Digest, error) { return k.keep(ctx, path, b) },
	})
	if err != nil {
		if _, bad := errors.AsType[*importers.FactError](err); bad {
			err = failure.Usagef("%w", err)
		}
		return Imported{}, errors.Join(err, k.batch.Discard())
	}
	imp, traces, err := imported(want, out)
	if err == nil && found {
		same := equalImports(had.Import, imp)
		switch {
		case same && w.whole(ctx, had):
			had.Archived = true
			return had, errors.Join(k.batch.Discard(), w.nameImport(ctx, had, had.Manifest, ImportOptions{}))
		case !same && !opts.Replace:
			err = takenBy(differences(had.Import, imp), had.Manifest)
		}
	}
	if err != nil {
		return Imported{}, errors.Join(err, k.batch.Discard())
	}
	done, err := w.archiveImport(ctx, imp, k, mapping, traces)
	if err != nil {
		return done, err
	}
	if err := w.nameImport(ctx, done, had.Manifest, opts); err != nil {
		return done, err
	}
	if !w.whole(ctx, done) { // a collection may have run since the blobs were put
		return done, fmt.Errorf("what was stored is gone again: import it once more: %w", artifacts.ErrCorrupt)
	}
	return done, nil
}

// ArchivedImport finds the import that Import would make, by its name, where the
// files are gone. It must be of the same format and facts.
func (w *Workspace) ArchivedImport(ctx context.Context, opts ImportOptions) (Imported, error) {
	imp, err := w.findImport(ctx, "imports/"+opts.Name)
	switch {
	case errors.Is(err, errNoImport):
		err = failure.Usagef("there is no %s, and the archive has no import of that name: get the files, or pull the import", opts.Path)
	case err == nil && (imp.Importer != opts.Format || !slices.Equal(imp.Facts, sortedFacts(opts.Facts))):
		err = failure.Usagef("there is no %s, and the archived import is of the format %s and the facts %v: ask for these, or get the files", opts.Path, imp.Importer, imp.Facts)
	}
	if err == nil {
		err = sameMapping(imp, opts.Mapping)
	}
	if err != nil {
		return imp, fmt.Errorf("%s: %w", labelled("import", opts.Name), err)
	}
	imp.Archived, imp.Gone = true, true
	return imp, nil
}

// sameMapping reports that an import is of another mapping than the file at path,
// where that is still there.
func sameMapping(imp Imported, path string) error {
	mapping, err := readMapping(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case mapping == nil && imp.Mapping.IsZero() || mapping != nil && assay.DigestOf(mapping) == imp.Mapping:
		return nil
	}
	return failure.Usagef("the files are gone, and the archived import is of another mapping (%v): give that one, or get the files", imp.Mapping)
}

func sortedFacts(facts []assay.Fact) []assay.Fact {
	return slices.SortedFunc(slices.Values(facts), func(a, b assay.Fact) int { return strings.Compare(a.Name, b.Name) })
}

// imported makes the record of what a format gave, and encodes the traces.
func imported(imp assay.Import, out *importers.Output) (assay.Import, []encoded, error) {
	imp.Sources, imp.Notes = out.Sources, out.Notes
	traces := make([]encoded, len(out.Traces))
	imp.Traces = make([]assay.ImportTrace, len(out.Traces))
	var encoding errgroup.Group
	for i, t := range out.Traces {
		of := &imp.Traces[i]
		of.Name, of.Meaning, of.Rows = t.Name, t.Meaning, int64(t.Columns[0].Len())
		for _, v := range t.Columns {
			of.Columns = append(of.Columns, assay.ImportColumn{
				Name: v.Name, Kind: string(v.Kind), Unit: v.Unit, Meaning: v.Meaning, Role: v.Role, Basis: v.Basis, Evidence: v.Evidence,
			})
		}
		if t.Name == rejectedTrace {
			imp.Rejected = of.Rows
		}
		encoding.Go(func() error {
			var b bytes.Buffer
			meta := trace.Meta{Import: imp.Name, Of: t.Name, Importer: imp.Importer, Revision: imp.Revision}
			if err := trace.WriteColumns(&b, meta, t.Columns); err != nil {
				return fmt.Errorf("trace %s: %w", t.Name, err)
			}
			traces[i] = encoded{b.Bytes(), t.Columns}
			of.Trace = assay.DigestOf(b.Bytes())
			return nil
		})
	}
	return imp, traces, encoding.Wait()
}

// rejectedTrace is the name of the trace of rows that could not be read.
const rejectedTrace = "rejected"

// An encoded trace, and what it is of.
type encoded struct {
	parquet []byte
	columns []*trace.Values
}

// archiveImport stores everything about an import, and reads the traces back.
func (w *Workspace) archiveImport(ctx context.Context, imp assay.Import, k *keeper, mapping []byte, traces []encoded) (Imported, error) {
	none := Imported{Import: imp}
	record, err := canonical.JSON(imp)
	if err != nil {
		return none, errors.Join(err, k.batch.Discard())
	}
	a := oci.Artifact{Type: importType, Annotations: map[string]string{oci.AnnotationPrefix + "import": imp.Name}}
	put := func(title, mediaType string, b []byte) (err error) {
		l := oci.Layer{Title: title, MediaType: mediaType}
		l.Digest, l.Size, err = k.batch.Put(ctx, bytes.NewReader(b))
		a.Layers = append(a.Layers, l)
		return err
	}
	err = put("import.json", importType, record)
	if err == nil && mapping != nil {
		err = put(mappingTitle, mappingType, mapping)
	}
	for i, t := range traces {
		if err == nil {
			err = put("traces/"+imp.Traces[i].Name+".parquet", traceType, t.parquet)
		}
	}
	if err != nil {
		return none, errors.Join(err, k.batch.Discard())
	}
	for _, s := range imp.Sources {
		a.Layers = append(a.Layers, oci.Layer{Title: originalTitle + s.Path, MediaType: originalType, Digest: s.Digest, Size: s.Size})
	}
	if err := k.batch.Commit(ctx); err != nil {
		return none, err
	}
	for i, t := range traces {
		if err := w.verifyImport(ctx, imp.Traces[i], t.columns); err != nil {
			return none, err
		}
	}
	manifest, err := oci.PutArtifact(ctx, w.Store, a)
	if err != nil {
		return none, err
	}
	return Imported{Import: imp, Manifest: manifest.Digest}, nil
}

// verifyImport reads a stored trace back and compares it with what was imported.
func (w *Workspace) verifyImport(ctx context.Context, it assay.ImportTrace, want []*trace.Values) error {
	t, err := w.openTrace(ctx, it.Trace)
	if err != nil {
		return err
	}
	var reading errgroup.Group
	reading.SetLimit(runtime.GOMAXPROCS(0))
	for _, v := range want {
		reading.Go(func() error {
			got, err := t.Project([]string{v.Name})
			if err != nil {
				return fmt.Errorf("trace %s: %w", it.Name, err)
			}
			if row := firstDifference(&got[0], v); row >= 0 || t.Rows() != it.Rows {
				return fmt.Errorf("trace %s: column %s: row %d of %d is not what was imported: %w", it.Name, v.Name, row, t.Rows(), artifacts.ErrCorrupt)
			}
			return nil
		})
	}
	return reading.Wait()
}

// firstDifference returns the first row in which two columns differ, -1 if none
// does. A NaN is like any other.
func firstDifference(a, b *trace.Values) int {
	if a.Len() != b.Len() || a.Kind != b.Kind {
		return 0
	}
	for row := range a.Len() {
		if a.IsNull(row) != b.IsNull(row) {
			return row
		}
		if a.IsNull(row) {
			continue
		}
		same := false
		switch a.Kind {
		case trace.Int:
			same = a.Ints[row] == b.Ints[row]
		case trace.Float:
			x, y := a.Floats[row], b.Floats[row]
			same = x == y || x != x && y != y
		case trace.String:
			same = a.Strings[row] == b.Strings[row]
		case trace.Bool:
			same = a.Bools[row] == b.Bools[row]
		}
		if !same {
			return row
		}
	}
	return -1
}

// nameImport names an import in the archive and in assay.lock, where the name
// means nothing yet or had; or anything, if that is to be replaced. What it meant
// stays, under its digest, unless it is derived.
func (w *Workspace) nameImport(ctx context.Context, imp Imported, had assay.Digest, opts ImportOptions) error {
	locked, err := imp.locked()
	if err != nil {
		return err
	}
	name := "imports/" + assay.Filename(imp.Name)
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	d, err := w.Archive.Ref(ctx, name)
	if w.Config.Lock == settings.KeepLock {
		was := lock.Imports[imp.Name]
		switch {
		case !was.Manifest.IsZero() && was.Manifest != imp.Manifest && was.Manifest != had && !opts.Replace:
			return taken(was, imp)
		case was.Manifest.IsZero() && errors.Is(err, fs.ErrNotExist):
			return w.setRef(ctx, name, imp.Manifest) // it is found by that
		}
		return err
	}
	if err == nil && d == imp.Manifest && lock.Imports[imp.Name] == locked {
		return nil // as it is
	}
	return pins.Amend(ctx, w.Root, func(l *pins.Lock) error {
		ref, err := w.Archive.Ref(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		was, ok := l.Imports[imp.Name]
		if !ok {
			was.Manifest = ref
		}
		if d := was.Manifest; !d.IsZero() && d != imp.Manifest && d != had && !opts.Replace {
			return taken(was, imp)
		}
		for _, old := range []assay.Digest{ref, was.Manifest} {
			if old.IsZero() || old == imp.Manifest || opts.Derived {
				continue
			}
			if _, err := w.Archive.Stat(ctx, old); err != nil {
				continue // nothing to keep
			}
			if err := w.setRef(ctx, attached+old.Hex(), old); err != nil {
				return err
			}
		}
		l.Imports[imp.Name] = locked
		return w.setRef(ctx, name, imp.Manifest)
	})
}

// taken says that a name means was, and so not imp.
func taken(was pins.Import, imp Imported) error {
	now, err := imp.locked()
	if err != nil {
		return err
	}
	by := "other files or facts"
	if was.Importer == now.Importer && was.Sources == now.Sources {
		by = "these very files, with other facts, another mapping, or as another version of assay reads them"
	}
	return takenBy(by, was.Manifest)
}

func takenBy(what string, manifest assay.Digest) error {
	return failure.Usagef(`the name is taken by %s (%v): choose another one; "assay import" with --replace makes it mean these, and keeps the others under their digest`, what, manifest)
}

// differences says how an import differs from what shall have its name now.
func differences(was, now assay.Import) string {
	var all []string
	add := func(differ bool, format string, args ...any) {
		if differ {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	files := map[string]assay.Digest{}
	for _, s := range now.Sources {
		files[s.Path] = s.Digest
	}
	changed := max(0, len(now.Sources)-len(was.Sources))
	for _, s := range was.Sources {
		if files[s.Path] != s.Digest {
			changed++
		}
	}
	add(was.Importer != now.Importer, "an import as %s, not %s", was.Importer, now.Importer)
	add(changed > 0, "other files (%d of %d differ)", changed, max(len(was.Sources), len(now.Sources)))
	add(!slices.Equal(was.Facts, now.Facts), "other facts (%v there, %v here)", written(was.Facts), written(now.Facts))
	add(was.Mapping != now.Mapping, "another mapping")
	add(was.Rejected != now.Rejected, "another treatment of rows that cannot be read (%d rejected there, %d here)", was.Rejected, now.Rejected)
	add(was.Importer == now.Importer && was.Revision != now.Revision, "another revision of the importer (%d there, %d here)", was.Revision, now.Revision)
	if len(all) == 0 {
		return "another reading of the same files"
	}
	return strings.Join(all, ", ")
}

// written lists facts as they are given, "none" if there are none.
func written(facts []assay.Fact) string {
	var all []string
	for _, f := range facts {
		all = append(all, graph.Printable(f.Name+"="+f.Value))
	}
	return failure.Listed(all)
}

// locked is what assay.lock says of an import.
func (imp Imported) locked() (pins.Import, error) {
	type file struct {
		Path   string       `json:"path"`
		Digest assay.Digest `json:"digest"`
	}
	files := make([]file, len(imp.Sources))
	for i, s := range imp.Sources {
		files[i] = file{s.Path, s.Digest}
	}
	d, err := canonical.Digest(files)
	return pins.Import{Manifest: imp.Manifest, Importer: imp.Importer, Sources: d}, err
}

// holds reports whether the archive has the whole of had, which is what want
// asks for, of the very files.
func (w *Workspace) holds(ctx context.Context, had Imported, want assay.Import, src *source) (bool, error) {
	if had.Importer != want.Importer || had.Revision != want.Revision || had.Mapping != want.Mapping ||
		!slices.Equal(had.Facts, want.Facts) || len(had.Sources) != len(src.paths) || !w.whole(ctx, had) {
		return false, nil
	}
	digests := map[string]assay.Digest{}
	for _, s := range had.Sources {
		digests[s.Path] = s.Digest
	}
	for _, path := range src.paths {
		want, ok := digests[path]
		if !ok {
			return false, nil
		}
		if got, err := src.digest(ctx, path); err != nil || got != want {
			return false, err
		}
	}
	return true, nil
}

// whole reports whether the archive has all of an import.
func (w *Workspace) whole(ctx context.Context, imp Imported) bool {
	a, err := oci.ReadArtifact(ctx, w.Archive, imp.Manifest)
	return err == nil && !slices.ContainsFunc(a.Layers, func(l oci.Layer) bool {
		_, err := w.Archive.Stat(ctx, l.Digest)
		return err != nil
	})
}

// equalImports reports whether two imports are of the same files, and say the
// same. Encodings of the traces may differ: another processor's do.
func equalImports(a, b assay.Import) bool {
	said := func(imp assay.Import) []byte {
		imp.Traces = slices.Clone(imp.Traces)
		for i := range imp.Traces {
			imp.Traces[i].Trace = assay.Digest{}
		}
		said, err := canonical.JSON(imp)
		if err != nil {
			return nil
		}
		return said
	}
	x := said(a)
	return x != nil && bytes.Equal(x, said(b))
}

// A keeper archives originals as they are read.
type keeper struct {
	progress func(stores.Transfer)
	total    int

	mu    sync.Mutex
	batch *artifacts.Batch
	files int
	bytes int64
}

func (k *keeper) keep(ctx context.Context, path string, b []byte) (assay.Digest, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d, n, err := k.batch.Put(ctx, bytes.NewReader(b))
	if err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	k.files++
	k.bytes += n
	if k.progress != nil {
		k.progress(stores.Transfer{Done: k.files, Total: max(k.total, k.files), Unit: "files", Bytes: k.bytes})
	}
	return d, nil
}

// readMapping reads the file that says what columns mean; nil for none.
func readMapping(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := plainfile.Read(path, maxMapping)
	if err != nil {
		return nil, failure.Usagef("mapping: %w", err)
	}
	return b, nil
}

// ParseFacts reads facts as they are written on a command line, "system=sledge".
func ParseFacts(written []string) ([]assay.Fact, error) {
	facts := map[string]string{}
	for _, s := range written {
		name, value, ok := strings.Cut(s, "=")
		if _, twice := facts[name]; !ok || name == "" || twice {
			return nil, failure.Usagef("fact %q: want each once, as NAME=VALUE", s)
		}
		facts[name] = value
	}
	return FactsOf(facts), nil
}

// FactsOf lists facts by name.
func FactsOf(facts map[string]string) []assay.Fact {
	var all []assay.Fact
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		all = append(all, assay.Fact{Name: name, Value: facts[name]})
	}
	return all
}
