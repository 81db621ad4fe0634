package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/plans"
)

// opened makes a workspace of the lock and the OCI layout in a folder of
// testdata, with the references that name tags of the layout, and checks it. It
// returns the layout's folder.
func opened(t *testing.T, folder string, tags map[string]string) (*Workspace, string) {
	t.Helper()
	w, layout := initWorkspace(t), filepath.Join("testdata", folder, "layout")
	b, err := os.ReadFile(filepath.Join("testdata", folder, pins.File))
	if err == nil {
		err = os.WriteFile(filepath.Join(w.Root, pins.File), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, tag := range tags {
		d, err := oci.ImportLayout(t.Context(), w.Store, layout, tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Archive.SetRef(t.Context(), name, d); err != nil {
			t.Fatal(err)
		}
	}
	if report, err := w.Check(t.Context(), "", true); err != nil || len(report.Problems) != 0 { // and of each pin of the lock
		t.Errorf("check: %v, %v", report.Problems, err)
	}
	return w, layout
}

// TestFirstImport opens what the first importers left: a lock, and an import
// with its record, traces and originals, and a figure of it.
func TestFirstImport(t *testing.T) {
	w, _ := opened(t, "v1-import", map[string]string{"imports/first-import": "import-first-import", "figures/Imported": "figure-Imported"})
	imp, err := w.FindImport(t.Context(), "first-import")
	if err != nil {
		t.Fatal(err)
	}
	if len(imp.Sources) != 2 || imp.Sources[0].Path != "more/more times.csv" || len(imp.Traces) != 2 || imp.Rejected != 1 ||
		!reflect.DeepEqual(imp.Facts, []assay.Fact{{Name: "scope", Value: "process"}}) {
		t.Errorf("record: got %+v", imp)
	}
	if c := imp.Traces[0].Columns[2]; c != (assay.ImportColumn{Name: "cold", Kind: "float", Unit: "ms", Meaning: "start-up", Role: assay.RoleMean, Basis: assay.Given}) {
		t.Errorf("column: got %+v", c)
	}
	var csv strings.Builder
	err = w.ExportTrace(t.Context(), "first-import/starts", CSV, &csv)
	want := "runtime,machine,cold,answers,scope,source,line\n" +
		"wamr,a,0.25,12,process,more/more times.csv,2\n" +
		"wazero,a,4.5,10,process,times.csv,2\nwazero,b,,10,process,times.csv,3\nv8,a,,0,process,times.csv,4\n"
	if err != nil || csv.String() != want {
		t.Errorf("trace: got %q, %v; want %q", &csv, err, want)
	}
	drawn, err := w.Figures(t.Context())
	if err != nil || len(drawn) != 1 || drawn[0].Figure.Tables[0].From() != "first-import/starts" {
		t.Fatalf("figures: got %+v, %v", drawn, err)
	}
	table, err := w.Project(t.Context(), TableOf{Import: "first-import", Of: "starts", Columns: []string{"runtime", "cold"}})
	if err != nil || assay.DigestOf(table) != drawn[0].Figure.Tables[0].Digest {
		t.Errorf("table: %v, %v; want %v", assay.DigestOf(table), err, drawn[0].Figure.Tables[0].Digest)
	}
}

// TestFirstFormats opens what the first version left: a lock, and as an OCI
// layout a workload, a run with its record, experiment, plan, journal and trace,
// and a figure with its seal and table. All of them must open for ever. The
// figure's module is a small one, written by hand; the script formats.txtar of
// cmd/assay replays it.
func TestFirstFormats(t *testing.T) {
	ctx := t.Context()
	const id = "20261125T235741Z-edc9d4"
	w, layout := opened(t, "v1", map[string]string{"workloads/hello": "workload-hello", "runs/" + id: "run-" + id, "figures/First": "figure-First"})

	run, err := w.FindRun(ctx, "first")
	if err != nil {
		t.Fatal(err)
	}
	if run.ID != id || run.State != assay.Complete || !reflect.DeepEqual(run.Outcomes, map[assay.Outcome]int{assay.OK: 4, assay.Unsupported: 4}) {
		t.Errorf("run record: got %+v", run)
	}
	manifest, err := w.runManifest(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	a, err := oci.ReadArtifact(ctx, w.Store, manifest)
	if err != nil {
		t.Fatal(err)
	}
	var exp assay.Experiment
	var plan assay.Plan
	for mediaType, to := range map[string]any{experimentType: &exp, planType: &plan} {
		if err := w.readLayer(ctx, a, mediaType, to); err != nil {
			t.Error(err)
		}
	}
	if again, err := plans.Identity(exp); err != nil || again != run.Experiment {
		t.Errorf("the experiment's identity is %v, %v; want %v: its runs would not be found any more", again, err, run.Experiment)
	}
	if len(plan.Trials) != 4 || len(plan.Order) != 3 || plan.Trials[0].Manifest != exp.Workloads[0].Manifest {
		t.Errorf("plan: got %+v", plan)
	}
	host := hosts.Unready(run.Host) // which the record does not say
	if sum, err := w.Summary(ctx, run); err != nil || run.Ready != nil || len(host) == 0 || len(sum.Notes) < len(host) || !slices.Equal(sum.Notes[:len(host)], host) {
		t.Errorf("summary: got %+v, %v; want notes that begin with %q", sum, err, host)
	}
	wl, err := oci.Workload(ctx, w.Store, plan.Trials[0].Manifest)
	if err != nil || !reflect.DeepEqual(wl, exp.Workloads[0]) {
		t.Errorf("workload: got %+v, %v; the experiment has %+v", wl, err, exp.Workloads[0])
	}
	for _, l := range a.Layers {
		if l.MediaType != journalType {
			continue
		}
		book, err := journal.Read(filepath.Join(layout, "blobs", "sha256", l.Digest.Hex()))
		if err != nil || book.Plan != run.Plan {
			t.Errorf("journal: %v; of plan %v, want %v", err, book.Plan, run.Plan)
		}
		if err := w.verifyTrace(ctx, run.Trace, book.Samples); err != nil {
			t.Errorf("trace beside the journal: %v", err)
		}
	}

	drawn, err := w.Figures(ctx)
	if err != nil || len(drawn) != 1 {
		t.Fatalf("figures: got %v, %v", drawn, err)
	}
	b, err := w.Store.ReadAll(ctx, drawn[0].Figure.Seal, maxRecord)
	var seal assay.Seal
	if err == nil {
		err = json.Unmarshal(b, &seal)
	}
	if err != nil || seal.Format != assay.SealFormat || seal.Module != drawn[0].Figure.Module {
		t.Errorf("seal: got %+v, %v", seal, err)
	}
}
