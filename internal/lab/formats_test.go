package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// TestFirstFormats opens what the first version left: a lock, and as an OCI
// layout a workload, a run with its record, experiment, plan, journal and trace,
// and a figure with its seal and table. All of them must open for ever. The
// figure's module is a small one, written by hand; the script formats.txtar of
// cmd/assay replays it.
func TestFirstFormats(t *testing.T) {
	ctx := t.Context()
	w, err := Init(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v1 := filepath.Join("testdata", "v1")
	b, err := os.ReadFile(filepath.Join(v1, LockFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(w.Root, LockFile), b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	const id = "20261125T235741Z-edc9d4"
	for name, tag := range map[string]string{"workloads/hello": "workload-hello", "runs/" + id: "run-" + id, "figures/First": "figure-First"} {
		d, err := oci.ImportLayout(ctx, w.Store, filepath.Join(v1, "layout"), tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Archive.SetRef(ctx, name, d); err != nil {
			t.Fatal(err)
		}
	}
	if report, err := w.Check(ctx, "", true); err != nil || len(report.Problems) != 0 { // and of each pin of the lock
		t.Errorf("check: %v, %v", report.Problems, err)
	}

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
	if again, err := identity(exp); err != nil || again != run.Experiment {
		t.Errorf("the experiment's identity is %v, %v; want %v: its runs would not be found any more", again, err, run.Experiment)
	}
	if len(plan.Trials) != 4 || len(plan.Order) != 3 || plan.Trials[0].Manifest != exp.Workloads[0].Manifest {
		t.Errorf("plan: got %+v", plan)
	}
	wl, err := oci.Workload(ctx, w.Store, plan.Trials[0].Manifest)
	if err != nil || !reflect.DeepEqual(wl, exp.Workloads[0]) {
		t.Errorf("workload: got %+v, %v; the experiment has %+v", wl, err, exp.Workloads[0])
	}
	for _, l := range a.Layers {
		if l.MediaType != journalType {
			continue
		}
		book, err := journal.Read(filepath.Join(v1, "layout", "blobs", "sha256", l.Digest.Hex()))
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
	b, err = w.Store.ReadAll(ctx, drawn[0].Figure.Seal, maxRecord)
	var seal assay.Seal
	if err == nil {
		err = json.Unmarshal(b, &seal)
	}
	if err != nil || seal.Format != assay.SealFormat || seal.Module != drawn[0].Figure.Module {
		t.Errorf("seal: got %+v, %v", seal, err)
	}
}
