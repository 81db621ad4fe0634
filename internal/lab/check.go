package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/failure"
)

// A WorkloadCheck is what came of building a workload again.
type WorkloadCheck struct {
	Name    string       `json:"name"`
	Pinned  assay.Digest `json:"pinned"`
	Rebuilt assay.Digest `json:"rebuilt,omitzero"`
	Differs []string     `json:"differs,omitempty"` // what differs: "module", "native linux/amd64"
	Reason  string       `json:"reason,omitempty"`  // why it was not built again
}

// CheckWorkloads builds workloads again, each from its archived source in a new
// place, and tells each of the result: those in the folders, or, for none, all
// that assay.lock has. The error matches failure.ErrMismatch if a digest differs.
func (w *Workspace) CheckWorkloads(ctx context.Context, folders []string, each func(WorkloadCheck) error) error {
	pinned, err := w.toCheck(ctx, folders)
	if err != nil {
		return err
	}
	differ := 0
	for _, wl := range pinned {
		c, err := w.checkWorkload(ctx, wl)
		if err != nil {
			return fmt.Errorf("check %s: %w", wl.Name, err)
		}
		if len(c.Differs) > 0 {
			differ++
		}
		if err := each(c); err != nil {
			return err
		}
	}
	if differ > 0 {
		return failure.Classed(failure.ErrMismatch, fmt.Errorf("%d of %d workloads differ when they are built again", differ, len(pinned)))
	}
	return nil
}

// toCheck returns the workloads in the folders, as assay.lock has them where it
// does; for no folders, all that it has.
func (w *Workspace) toCheck(ctx context.Context, folders []string) ([]assay.Workload, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	var digests []assay.Digest
	for _, name := range sortedKeys(lock.Workloads) {
		if len(folders) == 0 {
			digests = append(digests, lock.Workloads[name])
		}
	}
	for _, dir := range folders {
		wl, err := w.build(ctx, dir)
		if err != nil {
			return nil, err
		}
		d, ok := lock.Workloads[wl.Name]
		if !ok {
			d = wl.Manifest
		}
		digests = append(digests, d)
	}
	var all []assay.Workload
	for _, d := range digests {
		wl, err := oci.Workload(ctx, w.Store, d)
		if err != nil {
			return nil, err
		}
		all = append(all, wl)
	}
	return all, nil
}

func (w *Workspace) checkWorkload(ctx context.Context, wl assay.Workload) (WorkloadCheck, error) {
	c := WorkloadCheck{Name: wl.Name, Pinned: wl.Manifest}
	if wl.Source["digest"] == "" {
		c.Reason = "it was pinned without source"
		return c, nil
	}
	d, err := assay.ParseDigest(wl.Source["digest"])
	if err != nil {
		return c, err
	}
	archive, err := w.Store.ReadAll(ctx, d, maxRecord)
	if err != nil {
		return c, err
	}
	language, err := images.LanguageOfArchive(archive)
	if err != nil {
		return c, err
	}
	opts, err := w.optionsFor(ctx, language)
	if err != nil {
		return c, err
	}
	opts.Platforms = append([]string{}, sortedKeys(wl.Native)...) // none, if it has none
	built, err := images.Rebuild(ctx, archive, opts)
	if err != nil {
		return c, err
	}
	again, err := oci.PutWorkload(ctx, nowhere{}, workloadFiles(built))
	if err != nil {
		return c, err
	}
	c.Rebuilt = again.Manifest
	if again.Manifest != wl.Manifest {
		c.Differs = formsThatDiffer(wl, again)
	}
	return c, nil
}

// formsThatDiffer says what differs between two builds of one workload.
func formsThatDiffer(was, is assay.Workload) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(is.Source)) {
		if was.Source[key] != is.Source[key] {
			all = append(all, fmt.Sprintf("%s (%s, here %s)", key, was.Source[key], is.Source[key]))
		}
	}
	if was.Module != is.Module {
		all = append(all, "module")
	}
	for _, v := range sortedKeys(is.Variants) {
		if was.Variants[v] != is.Variants[v] {
			all = append(all, "module "+string(v))
		}
	}
	for _, p := range sortedKeys(is.Native) {
		if was.Native[p] != is.Native[p] {
			all = append(all, "native "+p)
		}
	}
	for _, p := range sortedKeys(is.Image) {
		if was.Image[p] != is.Image[p] {
			all = append(all, "image "+p)
		}
	}
	if len(all) == 0 {
		all = append(all, "manifest")
	}
	return all
}

// nowhere keeps nothing of what is put.
type nowhere struct{}

func (nowhere) PutBytes(_ context.Context, b []byte) (assay.Digest, error) {
	return assay.DigestOf(b), nil
}

func (nowhere) Put(context.Context, io.Reader) (assay.Digest, int64, error) {
	return assay.Digest{}, 0, errors.ErrUnsupported
}
