package lab

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/stores"
	"github.com/assay-notebooks/assay/kernelext/table"
)

const sweepMapping = `
trace: results
meaning: one test
columns:
  system: {role: system}
  scope: {role: scope}
  ms: {kind: float, unit: ms, role: sample}
  warm: {kind: bool, role: warmup}
`

// sweep writes files of a table, and the mapping, and returns how they are
// imported.
func sweep(t *testing.T, files map[string]string) ImportOptions {
	t.Helper()
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		write(filepath.Join(dir, "files", filepath.FromSlash(name)), text)
	}
	write(filepath.Join(dir, "mapping.yaml"), sweepMapping)
	return ImportOptions{Name: "sweep", Format: "table", Path: filepath.Join(dir, "files"), Mapping: filepath.Join(dir, "mapping.yaml")}
}

const header = "system,scope,ms,warm\n"

// TestImportSame imports equal files in two places: the record, and what the
// name means, are the same, and what the second import needs is there.
func TestImportSame(t *testing.T) {
	files := map[string]string{"a/x y.csv": header + "v8,process,1,false\n", "b.csv": header + "wamr,process,7,true\nwamr,process,2.5,false\n", "same.csv": header + "v8,process,1,false\n"}
	w := initWorkspace(t)
	first, err := w.Import(t.Context(), sweep(t, files))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Import(t.Context(), sweep(t, files))
	if err != nil || !again.Archived || again.Manifest != first.Manifest || first.Archived {
		t.Errorf("again: %+v, %v; want %v from the archive", again, err, first.Manifest)
	}
	there, err := initWorkspace(t).Import(t.Context(), sweep(t, files))
	if err != nil || there.Manifest != first.Manifest {
		t.Errorf("elsewhere: %v, %v; want %v", there.Manifest, err, first.Manifest)
	}
	var paths []string
	for _, s := range first.Sources {
		paths = append(paths, s.Path)
		if b, err := w.Store.ReadAll(t.Context(), s.Digest, 1<<20); err != nil || string(b) != files[s.Path] || int64(len(b)) != s.Size {
			t.Errorf("%s: archived as %q of %d bytes, %v", s.Path, b, s.Size, err)
		}
	}
	if want := []string{"a/x y.csv", "b.csv", "same.csv"}; !reflect.DeepEqual(paths, want) {
		t.Errorf("sources %q, want %q", paths, want)
	}
	alone := sweep(t, map[string]string{"b.csv": files["b.csv"], "secret.csv": "not,of,this\n"})
	alone.Name, alone.Path = "alone", filepath.Join(alone.Path, "b.csv")
	one, err := w.Import(t.Context(), alone)
	if err != nil || len(one.Sources) != 1 || one.Sources[0].Path != "b.csv" {
		t.Errorf("a single file: %+v, %v", one.Sources, err)
	}
	if report, err := w.Check(t.Context(), "", true); err != nil || len(report.Problems) != 0 {
		t.Errorf("check: %v, %v", report.Problems, err)
	}
}

// TestImportAtOnce imports different files under one name at once: neither finds
// it taken when it begins, and one of them gets it.
func TestImportAtOnce(t *testing.T) {
	w := initWorkspace(t)
	var reading sync.WaitGroup
	reading.Add(2)
	errs := make([]error, 2)
	var done sync.WaitGroup
	for i, ms := range []string{"1", "2"} {
		opts := sweep(t, map[string]string{"a.csv": header + "v8,process," + ms + ",false\n"})
		opts.Progress = func(stores.Transfer) {
			reading.Done()
			reading.Wait()
		}
		done.Go(func() { _, errs[i] = w.Import(t.Context(), opts) })
	}
	done.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("errors %v: want one", errs)
	}
	if err := errors.Join(errs...); !errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), "the name is taken by other files") {
		t.Errorf("error %v", err)
	}
}

// TestImportHeals imports files into a clone, whose lock names what its archive
// lacks, or has damaged: the very same heal it, and no others become it unasked.
func TestImportHeals(t *testing.T) {
	files := map[string]string{"a.csv": header + "v8,process,1,false\n"}
	w, clone := initWorkspace(t), initWorkspace(t)
	first, err := w.Import(t.Context(), sweep(t, files))
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(w.Root, pins.File))
	if err == nil {
		err = os.WriteFile(filepath.Join(clone.Root, pins.File), lock, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	for what, lost := range map[string]func() error{
		"find": func() error { _, err := clone.FindImport(t.Context(), "sweep"); return err },
		"list": func() error { _, err := clone.Imports(t.Context()); return err },
		"gone": func() error { _, err := clone.ArchivedImport(t.Context(), sweep(t, files)); return err },
	} {
		if err := lost(); !errors.Is(err, failure.ErrIncomplete) || !strings.Contains(err.Error(), "assay import") {
			t.Errorf("%s: error %v, want that the archive lacks it, and how to make it", what, err)
		}
	}
	given := sweep(t, files)
	given.Facts = []assay.Fact{{Name: "machine", Value: "m1"}}
	for want, opts := range map[string]ImportOptions{
		"taken by other files":      sweep(t, map[string]string{"b.csv": files["a.csv"]}),
		"taken by these very files": given,
	} {
		if _, err := clone.Import(t.Context(), opts); !errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	heal := func(what string) {
		t.Helper()
		healed, err := clone.Import(t.Context(), sweep(t, files))
		if err != nil || healed.Manifest != first.Manifest || healed.Archived {
			t.Errorf("%s: %v, archived %v, %v; want %v anew", what, healed.Manifest, healed.Archived, err, first.Manifest)
		}
		if report, err := clone.Check(t.Context(), "", true); err != nil || len(report.Problems) != 0 {
			t.Errorf("%s: check: %v, %v", what, report.Problems, err)
		}
	}
	heal("lost")
	if b, err := os.ReadFile(filepath.Join(clone.Root, pins.File)); err != nil || string(b) != string(lock) {
		t.Errorf("lock %s, %v, want %s", b, err, lock)
	}
	damaged := clone.path(storeDir, "blobs", "sha256", first.Manifest.Hex())
	if err := errors.Join(os.Chmod(damaged, 0o666), os.WriteFile(damaged, []byte("{}"), 0o666)); err != nil {
		t.Fatal(err)
	}
	heal("damaged")
}

// TestImportRevision imports what another revision of the importer has imported:
// that is for people to replace, and will do for a cell.
func TestImportRevision(t *testing.T) {
	w := initWorkspace(t)
	opts := sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n"})
	imp, err := w.Import(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	a, err := oci.ReadArtifact(t.Context(), w.Store, imp.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	here := imp.Revision
	imp.Revision = here + 1
	record, err := canonical.JSON(imp.Import)
	if err != nil {
		t.Fatal(err)
	}
	a.Layers = slices.DeleteFunc(a.Layers, func(l oci.Layer) bool { return l.MediaType == importType })
	if err := w.addLayer(t.Context(), &a, "import.json", importType, record); err != nil {
		t.Fatal(err)
	}
	d, err := oci.PutArtifact(t.Context(), w.Store, a)
	if err != nil {
		t.Fatal(err)
	}
	imp.Manifest = d.Digest
	if err := w.nameImport(t.Context(), imp, assay.Digest{}, ImportOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), opts); !errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), "taken by another revision of the importer (") {
		t.Errorf("error %v", err)
	}
	opts.AnyRevision = true
	if got, err := w.Import(t.Context(), opts); err != nil || got.Manifest != imp.Manifest || got.Revised != here {
		t.Errorf("any revision: %+v, %v; want %v, and that it is %d here", got, err, imp.Manifest, here)
	}
}

// TestImportGone asks for an import whose files are gone by another mapping.
func TestImportGone(t *testing.T) {
	w := initWorkspace(t)
	opts := sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n"})
	imp, err := w.Import(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (Imported, error) { return w.ArchivedImport(t.Context(), opts) }
	if got, err := ask(); err != nil || got.Manifest != imp.Manifest || !got.Gone {
		t.Errorf("the same mapping: %+v, %v", got, err)
	}
	if err := os.WriteFile(opts.Mapping, []byte(strings.ReplaceAll(sweepMapping, "unit: ms", "unit: s")), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(); !errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), "of another mapping") {
		t.Errorf("another mapping: error %v", err)
	}
	if err := os.Remove(opts.Mapping); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(); err != nil || got.Manifest != imp.Manifest {
		t.Errorf("no mapping any more: %+v, %v", got, err)
	}
}

// TestExportOriginalsAgain exports where a file is lost: nothing stays, so that
// the same command can be given again.
func TestExportOriginalsAgain(t *testing.T) {
	w, dir := initWorkspace(t), t.TempDir()
	imp, err := w.Import(t.Context(), sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n", "b.csv": header + "v8,process,2,false\n"}))
	if err != nil {
		t.Fatal(err)
	}
	lost := w.path(storeDir, "blobs", "sha256", imp.Sources[1].Digest.Hex())
	if err := os.Rename(lost, lost+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ExportOriginals(t.Context(), "sweep", dir); !errors.Is(err, failure.ErrIncomplete) {
		t.Fatalf("error %v, want failure.ErrIncomplete", err)
	}
	if err := os.Rename(lost+".away", lost); err != nil {
		t.Fatal(err)
	}
	if files, err := w.ExportOriginals(t.Context(), "sweep", dir); err != nil || len(files) != 2 {
		t.Errorf("again: %v, %v", files, err)
	}
}

// TestImportLinks imports a folder with links: nothing outside of it is read.
func TestImportLinks(t *testing.T) {
	opts := sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n"})
	outside := filepath.Join(t.TempDir(), "outside.csv")
	if err := os.WriteFile(outside, []byte(header+"hush,process,1,false\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(opts.Path, "z.csv")); err != nil {
		t.Fatal(err)
	}
	w := initWorkspace(t)
	if imp, err := w.Import(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "z.csv") {
		t.Errorf("a link out of the folder: %+v, %v; want an error that names it", imp, err)
	}
	if d, err := w.Archive.Ref(t.Context(), "imports/sweep"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after an error the name is %v, %v", d, err)
	}
}

// TestImportProject leaves warm-up out, and wants to know what times span.
func TestImportProject(t *testing.T) {
	w := initWorkspace(t)
	if _, err := w.Import(t.Context(), sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\nv8,compile,,false\nv8,process,9,true\n"})); err != nil {
		t.Fatal(err)
	}
	_, err := w.Project(t.Context(), TableOf{Import: "sweep", Columns: []string{"ms"}})
	if err == nil || !strings.Contains(err.Error(), "scopes compile, process") {
		t.Errorf("times of two scopes: error %v", err)
	}
	b, err := w.Project(t.Context(), TableOf{Import: "sweep", Of: "results", Columns: []string{"ms", "scope", "line"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := table.Decode(b)
	if err != nil || got.Rows != 2 {
		t.Fatalf("table %+v, %v: want 2 rows", got, err)
	}
	if ms := got.Columns[0]; ms.Unit != "ms" || ms.Floats[0] != 1 || !ms.Null[1] || got.Columns[2].Ints[1] != 3 {
		t.Errorf("table %+v", got.Columns)
	}
}

// TestVerifyImport compares a stored trace with columns that differ in one
// value.
func TestVerifyImport(t *testing.T) {
	w := initWorkspace(t)
	columns := func() []*trace.Values {
		return []*trace.Values{
			{Column: trace.Column{Name: "i", Kind: trace.Int}, Ints: []int64{1, 2, 3}},
			{Column: trace.Column{Name: "f", Kind: trace.Float}, Floats: []float64{1, math.NaN(), 0}, Null: []bool{false, false, true}},
			{Column: trace.Column{Name: "s", Kind: trace.String}, Strings: []string{"", "b", "c"}},
			{Column: trace.Column{Name: "b", Kind: trace.Bool}, Bools: []bool{true, false, true}},
		}
	}
	var b bytes.Buffer
	if err := trace.WriteColumns(&b, trace.Meta{Import: "x", Of: "y", Importer: "table"}, columns()); err != nil {
		t.Fatal(err)
	}
	d, err := w.Store.PutBytes(t.Context(), b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	it := assay.ImportTrace{Name: "y", Trace: d, Rows: 3}
	if err := w.verifyImport(t.Context(), it, columns()); err != nil {
		t.Errorf("the same: %v", err)
	}
	for want, change := range map[string]func([]*trace.Values){
		"column i: row 2": func(c []*trace.Values) { c[0].Ints[2]++ },
		"column f: row 1": func(c []*trace.Values) { c[1].Floats[1] = 0 },
		"column f: row 2": func(c []*trace.Values) { c[1].Null[2] = false },
		"column s: row 0": func(c []*trace.Values) { c[2].Strings[0] = "x" },
		"column b: row 1": func(c []*trace.Values) { c[3].Bools[1] = true },
	} {
		other := columns()
		change(other)
		if err := w.verifyImport(t.Context(), it, other); err == nil || !strings.Contains(err.Error(), want) || !Corrupt(err) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestForgedImports reads records that a stranger wrote: none gets a name here
// or a file out of its folder.
func TestForgedImports(t *testing.T) {
	w := initWorkspace(t)
	good, err := w.Import(t.Context(), sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n"}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := oci.ReadArtifact(t.Context(), w.Store, good.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	for what, forge := range map[string]func(*assay.Import){
		"path out":       func(i *assay.Import) { i.Sources[0].Path = "../a.csv" },
		"absolute path":  func(i *assay.Import) { i.Sources[0].Path = "/etc/passwd" },
		"path twice":     func(i *assay.Import) { i.Sources = append(i.Sources, i.Sources[0]) },
		"other original": func(i *assay.Import) { i.Sources[0].Digest = i.Traces[0].Trace },
		"name":           func(i *assay.Import) { i.Name = "../x" },
		"format":         func(i *assay.Import) { i.Format = "assay.import.v9" },
		"no traces":      func(i *assay.Import) { i.Traces = nil },
		"trace name":     func(i *assay.Import) { i.Traces[0].Name = "../x" },
		"other trace":    func(i *assay.Import) { i.Traces[0].Trace = i.Sources[0].Digest },
		"mapping":        func(i *assay.Import) { i.Mapping = i.Sources[0].Digest },
		"importer":       func(i *assay.Import) { i.Importer = "x\x1b]0;y" },
		"size":           func(i *assay.Import) { i.Sources[0].Size = -5 },
		"rows of a file": func(i *assay.Import) { i.Sources[0].Rows = -1 },
		"rows":           func(i *assay.Import) { i.Traces[0].Rows = -7 },
		"no columns":     func(i *assay.Import) { i.Traces[0].Columns = nil },
		"rejected":       func(i *assay.Import) { i.Rejected = 99 },
	} {
		imp, forged := good.Import, a
		imp.Sources = append([]assay.ImportSource(nil), imp.Sources...)
		imp.Traces = append([]assay.ImportTrace(nil), imp.Traces...)
		forge(&imp)
		record, err := canonical.JSON(imp)
		if err != nil {
			t.Fatal(err)
		}
		forged.Layers = append([]oci.Layer(nil), a.Layers...)
		if forged.Layers[0].Digest, err = w.Store.PutBytes(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		d, err := oci.PutArtifact(t.Context(), w.Store, forged)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.FindImport(t.Context(), d.Digest.String()); err == nil {
			t.Errorf("%s: it was read", what)
		}
		in := intake{w: w}
		if err := in.sort(t.Context(), d); err == nil || len(in.found) > 0 {
			t.Errorf("%s: it was taken: %v", what, in.found)
		}
		if _, err := w.ExportOriginals(t.Context(), d.Digest.String(), t.TempDir()); err == nil {
			t.Errorf("%s: its files were written", what)
		}
	}
}

// TestImportTravels pushes an import: a figure that is drawn from it goes along,
// and both have their names there.
func TestImportTravels(t *testing.T) {
	host, w, there := registryFor(t), initWorkspace(t), initWorkspace(t)
	imp, err := w.Import(t.Context(), sweep(t, map[string]string{"a.csv": header + "v8,process,1,false\n"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.projected(t.Context(), TableOf{Import: "sweep", Columns: []string{"ms"}})
	if err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), w.Store, imp.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	a := oci.Artifact{Type: figureType, Subject: &subject}
	fig := assay.Figure{Format: assay.FigureFormat, Name: "times", Module: p.record.Digest, Seal: p.record.Digest, Tables: []assay.FigureTable{p.record}}
	record, err := canonical.JSON(fig)
	if err == nil {
		err = errors.Join(w.addLayer(t.Context(), &a, "tables/0", tableType, p.table), w.addLayer(t.Context(), &a, "figure.json", figureType, record))
	}
	if err != nil {
		t.Fatal(err)
	}
	figure, err := oci.PutArtifact(t.Context(), w.Store, a)
	if err == nil {
		err = w.setRef(t.Context(), "figures/times", figure.Digest)
	}
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := w.Push(t.Context(), "sweep", host+"/sweep", PushOptions{PlainHTTP: true})
	if err != nil || pushed.Name != "imports/sweep" || pushed.Digest != imp.Manifest {
		t.Fatalf("Push = %+v, %v", pushed, err)
	}
	fetched, err := there.Fetch(t.Context(), "sweep", host+"/sweep", PullOptions{PlainHTTP: true})
	if want := []string{"imports/sweep", "figures/times"}; err != nil || !reflect.DeepEqual(fetched.Refs, want) {
		t.Fatalf("Fetch = %+v, %v, want %q", fetched, err, want)
	}
	here, lockErr := w.Lock()
	lock, err := there.Lock()
	if err = errors.Join(err, lockErr); err != nil || lock.Imports["sweep"] != here.Imports["sweep"] || lock.Figures["times"].Manifest != figure.Digest {
		t.Errorf("lock %+v, %v", lock, err)
	}
	g, ids, err := there.Graph(t.Context(), "times")
	var kinds []graph.Kind
	for _, n := range g.Nodes {
		kinds = append(kinds, n.Kind)
	}
	if want := []graph.Kind{graph.Import, graph.Trace, graph.Table, graph.Figure}; err != nil || len(ids) != 1 || !reflect.DeepEqual(kinds, want) || len(g.Edges) != 3 {
		t.Errorf("graph of %v: %v, %d edges, %v; want %v in a row", ids, kinds, len(g.Edges), err, want)
	}

	// Another import of that name there stays what it is.
	third := initWorkspace(t)
	mine, err := third.Import(t.Context(), sweep(t, map[string]string{"b.csv": header + "v8,process,2,false\n"}))
	if err != nil {
		t.Fatal(err)
	}
	fetched, err = third.Fetch(t.Context(), "", host+"/sweep:import-sweep", PullOptions{PlainHTTP: true})
	if err != nil || !reflect.DeepEqual(fetched.Kept, []string{"imports/sweep"}) {
		t.Errorf("Fetch = %+v, %v, want imports/sweep kept", fetched, err)
	}
	if found, err := third.findImport(t.Context(), "sweep"); err != nil || found.Manifest != mine.Manifest {
		t.Errorf("sweep is %v, %v, want %v", found.Manifest, err, mine.Manifest)
	}
	if g, _, err := third.Graph(t.Context(), "times"); err != nil || g.Nodes[0].Digest != imp.Manifest {
		t.Errorf("graph: %+v, %v; want to begin at the import that the figure is of", g.Nodes, err)
	}
}

// TestWriteImport writes what strangers called their files and columns: nothing
// of it reaches the terminal as it is.
func TestWriteImport(t *testing.T) {
	const evil = "\x1b[31mred\nline"
	imp := Imported{Import: assay.Import{
		Name: "x", Importer: evil, Facts: []assay.Fact{{Name: evil, Value: evil}}, Notes: []string{evil}, Sources: []assay.ImportSource{{Path: evil, Kind: evil}},
		Traces: []assay.ImportTrace{{Name: "y", Meaning: evil, Columns: []assay.ImportColumn{{Name: evil, Unit: evil, Role: evil, Basis: evil, Meaning: evil, Evidence: evil}}}},
	}}
	var b strings.Builder
	if err := WriteShown(&b, Shown{"import", imp}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "\nline") || strings.Count(b.String(), `\x1b[31mred\nline`) != 13 {
		t.Errorf("written as %q", &b)
	}
}
