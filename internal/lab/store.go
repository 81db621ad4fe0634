package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/settings"
	"github.com/assay-notebooks/assay/internal/stores"
)

// Check reports every problem of the archive, and pins of the lock that it
// lacks; or those of a store, if its name is not "". The error matches
// artifacts.ErrCorrupt if something is lost or wrong.
func (w *Workspace) Check(ctx context.Context, name string, readData bool) (artifacts.Report, error) {
	if name != "" {
		return w.checkStore(ctx, name, readData)
	}
	report, err := w.Archive.Check(ctx, artifacts.CheckOptions{ReadData: readData, Children: stores.Children(w.Archive)})
	if err != nil {
		return report, err
	}
	lock, err := w.Lock()
	if err != nil {
		return artifacts.Report{}, err
	}
	for _, pin := range lock.Pins() {
		if _, err := w.Archive.Stat(ctx, pin.Digest); err != nil {
			report.Problems = append(report.Problems, artifacts.Problem{
				Kind: artifacts.Dangling, Subject: pins.File + " " + pin.Name, Blob: pin.Digest,
				Detail: fmt.Sprintf("names %v: %v", pin.Digest, err),
				Remedy: "assay pull, restore the archive from a copy, or make it again: " + pin.Remedy,
			})
		}
	}
	if report.Damaged() {
		return report, &damaged{fmt.Sprintf("archive %s: %d problems", w.path(storeDir), len(report.Problems))}
	}
	return report, nil
}

func (w *Workspace) checkStore(ctx context.Context, name string, readData bool) (artifacts.Report, error) {
	p, err := w.Stores.Named(name)
	if err != nil {
		return artifacts.Report{}, err
	}
	store, err := w.openStore(ctx, p)
	if err != nil {
		return artifacts.Report{}, err
	}
	report, err := store.Check(ctx, artifacts.CheckOptions{ReadData: readData, Children: stores.Children(store)})
	if err != nil {
		return report, fmt.Errorf("store %s: %w", p.Name, err)
	}
	if report.Damaged() {
		return report, &damaged{fmt.Sprintf("store %s: %d problems", p.Name, len(report.Problems))}
	}
	return report, nil
}

// Repair reads all of the archive, or of a store, if its name is not "", and
// restores what is damaged or missing: the archive's from the stores that are
// defined, the one in use first; a store's from the archive, and from the older
// versions that its server keeps. The error matches
// artifacts.ErrCorrupt if something is still lost or wrong.
func (w *Workspace) Repair(ctx context.Context, name string) (artifacts.RepairReport, error) {
	what, store, opts := "archive", w.Archive, artifacts.RepairOptions{}
	if name == "" {
		lock, err := w.Lock()
		if err != nil {
			return artifacts.RepairReport{}, err
		}
		for _, pin := range lock.Pins() {
			opts.Roots = append(opts.Roots, pin.Digest)
		}
		if opts.Copies = w.Stores.Copies(); len(opts.Copies) == 0 {
			return artifacts.RepairReport{}, failure.Usagef(`%s defines no store to repair from: "assay store add" one that has a copy`, settings.File)
		}
	} else {
		p, err := w.Stores.Named(name)
		if err != nil {
			return artifacts.RepairReport{}, err
		}
		backend, err := p.Open(ctx, w.Root)
		if err != nil {
			return artifacts.RepairReport{}, err
		}
		what, store = "store "+p.Name, artifacts.New(backend)
		opts.Copies = []artifacts.Named{
			{Name: "archive", Store: w.Archive},
			{Name: p.Name + " (kept versions)", Store: artifacts.New(backend.Kept())},
		}
	}
	opts.Children = stores.Children(store)
	report, err := store.Repair(ctx, opts)
	if name == "" && slices.ContainsFunc(report.Repaired, isReference) { // which nobody noted
		err = errors.Join(err, w.Stores.LookAgain(ctx))
	}
	if err != nil {
		return artifacts.RepairReport{}, fmt.Errorf("%s: %w", what, err)
	}
	if report.Damaged() {
		return report, &damaged{fmt.Sprintf("%s: %d problems are left", what, len(report.Left))}
	}
	return report, nil
}

// isReference reports whether a reference was repaired.
func isReference(r artifacts.Repair) bool {
	return strings.HasPrefix(r.Subject, artifacts.RefKey("")) && r.Kind != artifacts.Dangling
}

// WriteRepair writes a report for people.
func WriteRepair(out io.Writer, r artifacts.RepairReport) {
	for _, p := range r.Repaired {
		fmt.Fprintln(out, p)
	}
	for _, p := range r.Left {
		fmt.Fprintln(out, p)
	}
	fmt.Fprintf(out, "%d blobs, %d bytes, %d references: %d repaired, %d problems left\n",
		r.Checked.Blobs, r.Checked.Bytes, r.Checked.Refs, len(r.Repaired), len(r.Left))
}

// readThrough reads the roots and all they reach to their ends, and returns the
// size of each blob. What is damaged heals, if s has copies.
func readThrough(ctx context.Context, s *artifacts.Store, roots []assay.Digest) (map[assay.Digest]int64, error) {
	sizes := map[assay.Digest]int64{}
	var all []assay.Digest
	add := func(ds []assay.Digest) {
		for _, d := range ds {
			if _, seen := sizes[d]; !seen {
				sizes[d], all = 0, append(all, d)
			}
		}
	}
	add(roots)
	var mu sync.Mutex
	for done := 0; done < len(all); {
		level := all[done:]
		done = len(all)
		reading, ctx := errgroup.WithContext(ctx)
		reading.SetLimit(artifacts.DefaultJobs)
		for _, d := range level {
			reading.Go(func() error {
				size, err := readBlob(ctx, s, d)
				if err != nil {
					return err
				}
				children, err := oci.Children(ctx, s, d)
				mu.Lock()
				defer mu.Unlock()
				sizes[d] = size
				add(children)
				return err
			})
		}
		if err := reading.Wait(); err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

// readBlob returns the size of a blob that it has read. A large one that heals
// is good only when it is read again.
func readBlob(ctx context.Context, s *artifacts.Store, d assay.Digest) (size int64, err error) {
	for range 2 {
		var rc io.ReadCloser
		if rc, err = s.Open(ctx, d); err != nil {
			return 0, err
		}
		size, err = io.Copy(io.Discard, rc)
		if err = errors.Join(err, rc.Close()); err == nil || !errors.Is(err, artifacts.ErrCorrupt) {
			break
		}
	}
	return size, err
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
	harm := ""
	if len(r.Problems) > 0 && !r.Damaged() {
		harm = ", all harmless"
	}
	fmt.Fprintf(out, "%d blobs, %d bytes, %d references: %d problems%s (%s)\n", r.Blobs, r.Bytes, r.Refs, len(r.Problems), harm, how)
}

// GCOptions say what a collection keeps.
type GCOptions struct {
	DryRun bool
	MinAge time.Duration
}

// GC deletes from the archive the blobs that neither a reference, the lock, nor
// a run in progress reaches, and what killed processes left beside the runs; or,
// if its name is not "", from a store those that no reference there and not the
// lock reaches. What the server retains, it keeps.
func (w *Workspace) GC(ctx context.Context, name string, opts GCOptions) (artifacts.GCReport, error) {
	lock, err := w.Lock()
	if err != nil {
		return artifacts.GCReport{}, err
	}
	var roots []assay.Digest
	for _, pin := range lock.Pins() {
		roots = append(roots, pin.Digest)
	}
	if name != "" {
		return w.collectStore(ctx, name, roots, opts)
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
	if using := w.Stores.Using(); using != nil { // values that no reference has any more, and the store does not have yet
		values, err := using.Waits().All()
		if err != nil {
			return artifacts.GCReport{}, err
		}
		for _, v := range values {
			roots = append(roots, v.Digest)
		}
	}
	if !opts.DryRun {
		if err := w.tidy(opts.MinAge); err != nil {
			return artifacts.GCReport{}, err
		}
	}
	return collect(ctx, w.Archive, roots, opts)
}

func (w *Workspace) collectStore(ctx context.Context, name string, roots []assay.Digest, opts GCOptions) (artifacts.GCReport, error) {
	p, err := w.Stores.Named(name)
	if err != nil {
		return artifacts.GCReport{}, err
	}
	store, err := w.openStore(ctx, p)
	if err != nil {
		return artifacts.GCReport{}, err
	}
	report, err := collect(ctx, store, roots, opts)
	if err != nil {
		err = fmt.Errorf("store %s: %w", p.Name, err)
	}
	return report, err
}

func collect(ctx context.Context, s *artifacts.Store, roots []assay.Digest, opts GCOptions) (artifacts.GCReport, error) {
	return s.GC(ctx, artifacts.GCOptions{Roots: roots, Children: stores.Children(s), MinAge: max(opts.MinAge, 1), DryRun: opts.DryRun})
}

// WriteGC writes a report for people.
func WriteGC(out io.Writer, r artifacts.GCReport) {
	verb := "deleted"
	if r.DryRun {
		verb = "would delete"
	}
	fmt.Fprintf(out, "%s %d blobs, %d bytes; kept %d, %d bytes (%d only because they are young)\n",
		verb, len(r.Removed), r.RemovedBytes, r.Kept, r.KeptBytes, r.Young)
	for _, name := range r.Malformed {
		fmt.Fprintf(out, "refs/%s is no reference, and all that it can mean is kept: \"assay store check [NAME] --repair\" sets it as another store has it; else remove it\n", name)
	}
}

// An ExportedRoot is a manifest in an exported layout and its tag.
type ExportedRoot struct {
	Name   string       `json:"name"`
	Digest assay.Digest `json:"digest"`
}

// ExportOCI writes every workload, run, import and figure that has a reference as an
// OCI image layout into dir, which must be absent or empty.
func (w *Workspace) ExportOCI(ctx context.Context, dir string) ([]ExportedRoot, error) {
	var exported []ExportedRoot
	var roots []oci.Root
	for _, prefix := range stores.Kinds {
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
		return nil, failure.Usagef(`export-oci: the archive is empty: pin or run something first`)
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
