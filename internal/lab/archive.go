package lab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/summary"
)

// What the layers of a run's OCI artifact are.
const (
	runType        = "application/vnd.assay.run.v1+json"
	runLinkType    = "application/vnd.assay.run-link.v1+json"
	experimentType = "application/vnd.assay.experiment.v1+json"
	planType       = "application/vnd.assay.plan.v1+json"
	traceType      = "application/vnd.assay.trace.v1+parquet"
	journalType    = "application/vnd.assay.journal.v1"
)

// maxRecord bounds what is read into memory of a record, maxTrace of a trace.
const (
	maxRecord = 256 << 20
	maxTrace  = 4 << 30
)

// archive stores everything about a run, reads the trace back, and only then
// names the run. It returns the run's manifest.
func (w *Workspace) archive(ctx context.Context, run assay.Run, plan assay.Plan, book journal.Journal) (assay.Digest, error) {
	dir := w.runDir(run.ID)
	samples := slices.Clone(book.Samples)
	slices.SortStableFunc(samples, func(a, b assay.Sample) int { return cmp.Compare(a.Seq, b.Seq) })
	if plan.Changepoint {
		summary.MarkWarmup(samples)
	}
	var parquet bytes.Buffer
	meta := trace.Meta{Run: run.ID, Experiment: run.Experiment, Plan: run.Plan, Host: run.Host.Name}
	if len(plan.Trials) > 0 {
		meta.Params = slices.Sorted(maps.Keys(plan.Trials[0].Params))
	}
	if err := trace.Write(&parquet, meta, slices.Values(samples)); err != nil {
		return assay.Digest{}, err
	}
	var err error
	if run.Trace, err = w.Store.PutBytes(ctx, parquet.Bytes()); err != nil {
		return assay.Digest{}, err
	}
	if err := w.verifyTrace(ctx, run.Trace, samples); err != nil {
		return assay.Digest{}, err
	}
	a := oci.Artifact{Type: runType, Annotations: map[string]string{
		oci.AnnotationPrefix + "experiment": run.Name, oci.AnnotationPrefix + "run": run.ID,
	}}
	record, err := canonical.JSON(run)
	if err != nil {
		return assay.Digest{}, err
	}
	if err := w.addLayer(ctx, &a, "run.json", runType, record); err != nil {
		return assay.Digest{}, err
	}
	for _, f := range []struct{ name, mediaType string }{
		{experimentFile, experimentType}, {planFile, planType}, {journalFile, journalType},
	} {
		b, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			return assay.Digest{}, err
		}
		if err := w.addLayer(ctx, &a, f.name, f.mediaType, b); err != nil {
			return assay.Digest{}, err
		}
	}
	a.Layers = append(a.Layers, oci.Layer{Title: "trace.parquet", MediaType: traceType, Digest: run.Trace, Size: int64(parquet.Len())})
	manifest, err := w.linkWorkloads(ctx, run, plan, a)
	if err != nil {
		return assay.Digest{}, err
	}
	if err := w.setRef(ctx, "runs/"+run.ID, manifest); err != nil {
		return manifest, err
	}
	// A collection may have run since the layers were put: from here on the
	// reference keeps them.
	for _, l := range a.Layers {
		if _, err := w.Store.Stat(ctx, l.Digest); err != nil {
			return manifest, fmt.Errorf("%s: %w", l.Title, err)
		}
	}
	return manifest, nil
}

// linkWorkloads stores the run's artifact, which has its first workload as
// subject and names the others, and for each of those a small artifact that has
// it as subject, the run's record as its layer, and names the run: so whoever
// has a workload finds its runs, and whoever has a run has its workloads.
func (w *Workspace) linkWorkloads(ctx context.Context, run assay.Run, plan assay.Plan, a oci.Artifact) (assay.Digest, error) {
	var workloads []assay.Digest
	for _, t := range plan.Trials {
		if !slices.Contains(workloads, t.Manifest) {
			workloads = append(workloads, t.Manifest)
		}
	}
	a.Blobs = map[string]assay.Digest{}
	for i, wl := range workloads {
		if i > 0 {
			a.Blobs[fmt.Sprintf("workload.%d", i)] = wl
		}
	}
	for i, v := range run.Runtimes {
		if !v.Pinned.IsZero() {
			a.Blobs[fmt.Sprintf("runtime.%d", i)] = v.Pinned
		}
	}
	var manifest assay.Digest
	for i, wl := range workloads {
		subject, err := oci.Describe(ctx, w.Store, wl)
		if err != nil {
			return manifest, err
		}
		link := a
		link.Subject = &subject
		ref := ""
		if i > 0 {
			link.Type, link.Layers, link.Blobs = runLinkType, a.Layers[:1], map[string]assay.Digest{"run": manifest}
			ref = fmt.Sprintf("links/%s/%s", run.ID, wl.Hex())
		}
		d, err := oci.PutArtifact(ctx, w.Store, link)
		if err != nil {
			return manifest, err
		}
		if i == 0 {
			manifest = d.Digest
			continue
		}
		if err := w.setRef(ctx, ref, d.Digest); err != nil {
			return manifest, err
		}
	}
	return manifest, nil
}

func (w *Workspace) addLayer(ctx context.Context, a *oci.Artifact, title, mediaType string, b []byte) error {
	d, err := w.Store.PutBytes(ctx, b)
	if err != nil {
		return err
	}
	a.Layers = append(a.Layers, oci.Layer{Title: title, MediaType: mediaType, Digest: d, Size: int64(len(b))})
	return nil
}

// verifyTrace reads a stored trace back and compares it with what was measured.
func (w *Workspace) verifyTrace(ctx context.Context, d assay.Digest, want []assay.Sample) error {
	t, err := w.openTrace(ctx, d)
	if err != nil {
		return err
	}
	i := 0
	for got, err := range t.Samples() {
		if err != nil {
			return err
		}
		if i >= len(want) {
			break
		}
		a, err := canonical.JSON(got)
		if err != nil {
			return err
		}
		b, err := canonical.JSON(want[i])
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("trace %v: row %d is not what the journal has: %s, want %s", d, i, a, b)
		}
		i++
	}
	if i != len(want) || t.Rows() != int64(len(want)) {
		return fmt.Errorf("trace %v: %d rows, want %d", d, t.Rows(), len(want))
	}
	return nil
}

// archivedRun reads a run's record.
func (w *Workspace) archivedRun(ctx context.Context, manifest assay.Digest) (assay.Run, error) {
	run, _, err := w.archivedArtifact(ctx, manifest)
	return run, err
}

// archivedArtifact reads a run's record and the artifact that it is in.
func (w *Workspace) archivedArtifact(ctx context.Context, manifest assay.Digest) (run assay.Run, a oci.Artifact, err error) {
	if a, err = oci.ReadArtifact(ctx, w.Store, manifest); err != nil {
		return run, a, lacking(err)
	}
	if err := w.readLayer(ctx, a, runType, &run); err != nil {
		return run, a, err
	}
	if run.Format != assay.RunFormat {
		return run, a, fmt.Errorf("run %v: format %q, this assay reads %q", manifest, run.Format, assay.RunFormat)
	}
	return run, a, nil
}

// readLayer decodes the JSON of a's layer of a media type.
func (w *Workspace) readLayer(ctx context.Context, a oci.Artifact, mediaType string, to any) error {
	for _, l := range a.Layers {
		if l.MediaType != mediaType {
			continue
		}
		b, err := w.Store.ReadAll(ctx, l.Digest, maxRecord)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, to); err != nil {
			return fmt.Errorf("%s %v: %w", mediaType, l.Digest, err)
		}
		return nil
	}
	return fmt.Errorf("artifact of type %s has no layer of type %s", a.Type, mediaType)
}

// invocations counts the distinct planned invocations that samples are of.
func invocations(samples []assay.Sample) int {
	seqs := map[int64]bool{}
	for _, s := range samples {
		seqs[s.Seq] = true
	}
	return len(seqs)
}

// count counts outcomes of invocations, warm-up left out.
func count(samples []assay.Sample) map[assay.Outcome]int {
	outcomes := map[assay.Outcome]int{}
	for _, s := range samples {
		if !s.Warmup && s.Phase == assay.Process {
			outcomes[s.Outcome]++
		}
	}
	return outcomes
}

// Outcomes writes outcomes for people: "240 ok, 30 unsupported".
func Outcomes(m map[assay.Outcome]int) string {
	var parts []string
	for _, o := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[o], o))
	}
	return strings.Join(parts, ", ")
}
