package lab

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// children is how the store learns which blob names which.
func (w *Workspace) children(ctx context.Context, d assay.Digest) ([]assay.Digest, error) {
	return oci.Children(ctx, w.Store, d)
}

// Check reports every problem of the archive, and pins of the lock that it
// lacks. The error matches artifacts.ErrCorrupt if something is lost or wrong.
func (w *Workspace) Check(ctx context.Context, readData bool) (artifacts.Report, error) {
	report, err := w.Store.Check(ctx, artifacts.CheckOptions{ReadData: readData, Children: w.children})
	if err != nil {
		return report, err
	}
	lock, err := w.Lock()
	if err != nil {
		return report, err
	}
	for _, pin := range lock.pins() {
		if _, err := w.Store.Stat(ctx, pin.digest); err != nil {
			report.Problems = append(report.Problems, artifacts.Problem{
				Kind: artifacts.Dangling, Subject: LockFile + " " + pin.name,
				Detail: fmt.Sprintf("names %v: %v", pin.digest, err),
				Remedy: "restore the archive from a copy, or make it again: " + pin.remedy,
			})
		}
	}
	if report.Damaged() {
		return report, &damaged{fmt.Sprintf("archive %s: %d problems", w.path(storeDir), len(report.Problems))}
	}
	return report, nil
}

// damaged is the error of a check that found something; it matches
// artifacts.ErrCorrupt.
type damaged struct{ message string }

func (d *damaged) Error() string        { return d.message }
func (d *damaged) Is(target error) bool { return target == artifacts.ErrCorrupt }

// WriteCheck writes a report for people.
func WriteCheck(out io.Writer, r artifacts.Report) {
	for _, p := range r.Problems {
		fmt.Fprintln(out, p)
	}
	how := "names checked, bytes not read"
	if r.Read {
		how = "every byte read"
	}
	fmt.Fprintf(out, "%d blobs, %d bytes, %d references: %d problems (%s)\n", r.Blobs, r.Bytes, r.Refs, len(r.Problems), how)
}

// GCOptions say what a collection keeps.
type GCOptions struct {
	DryRun bool
	MinAge time.Duration
}

// GC deletes the blobs that neither a reference, the lock, nor a run in progress
// reaches, and what killed processes left beside the runs.
func (w *Workspace) GC(ctx context.Context, opts GCOptions) (artifacts.GCReport, error) {
	lock, err := w.Lock()
	if err != nil {
		return artifacts.GCReport{}, err
	}
	var roots []assay.Digest
	for _, pin := range lock.pins() {
		roots = append(roots, pin.digest)
	}
	live, err := w.live(ctx)
	if err != nil {
		return artifacts.GCReport{}, err
	}
	for _, run := range live { // its workloads may have been pinned anew since
		exp, err := w.liveExperiment(run)
		if err != nil {
			return artifacts.GCReport{}, err
		}
		for _, wl := range exp.Workloads {
			roots = append(roots, wl.Manifest)
		}
	}
	if !opts.DryRun {
		if err := w.tidy(opts.MinAge); err != nil {
			return artifacts.GCReport{}, err
		}
	}
	return w.Store.GC(ctx, artifacts.GCOptions{Roots: roots, Children: w.children, MinAge: max(opts.MinAge, 1), DryRun: opts.DryRun})
}

// WriteGC writes a report for people.
func WriteGC(out io.Writer, r artifacts.GCReport) {
	verb := "deleted"
	if r.DryRun {
		verb = "would delete"
	}
	fmt.Fprintf(out, "%s %d blobs, %d bytes; kept %d, %d bytes (%d only because they are young)\n",
		verb, len(r.Removed), r.RemovedBytes, r.Kept, r.KeptBytes, r.Young)
}

// An ExportedRoot is a manifest in an exported layout and its tag.
type ExportedRoot struct {
	Name   string       `json:"name"`
	Digest assay.Digest `json:"digest"`
}

// ExportOCI writes every workload, run and figure that has a reference as an
// OCI image layout into dir, which must be absent or empty.
func (w *Workspace) ExportOCI(ctx context.Context, dir string) ([]ExportedRoot, error) {
	var exported []ExportedRoot
	var roots []oci.Root
	for _, prefix := range []string{"workloads", "runs", "figures", "links"} {
		for ref, err := range w.Store.Refs(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("export-oci: %w", err)
			}
			root := oci.Root{Digest: ref.Digest}
			if prefix != "links" { // found by its subject alone
				root.Name = tag(ref.Name)
				exported = append(exported, ExportedRoot{root.Name, ref.Digest})
			}
			roots = append(roots, root)
		}
	}
	if len(roots) == 0 {
		return nil, Usagef(`export-oci: the archive is empty: pin or run something first`)
	}
	if err := oci.ExportLayout(ctx, w.Store, roots, dir); err != nil {
		return nil, fmt.Errorf("export-oci: %w", err)
	}
	return exported, nil
}

// tag makes an OCI tag of a reference: "runs/ID" is "run-ID".
func tag(ref string) string {
	kind, name, _ := strings.Cut(ref, "/")
	return strings.TrimSuffix(kind, "s") + "-" + strings.ReplaceAll(name, "%", "_")
}
