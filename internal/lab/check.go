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
	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/pins"
)

// A WorkloadCheck is what came of building a workload again.
type WorkloadCheck struct {
	Name    string       `json:"name"`
	Pinned  assay.Digest `json:"pinned,omitzero"`
	Rebuilt assay.Digest `json:"rebuilt,omitzero"`
	Differs []string     `json:"differs,omitempty"` // what differs: "module", "native linux/amd64"
	Reason  string       `json:"reason,omitempty"`  // why it was not built again: it has no source, or an error
}

// CheckWorkloads builds workloads again, each from its archived source in a new
// place, and tells each of the result: those in the folders, or, for none, all
// that assay.lock has. One that cannot be built keeps none of the others from
// it. The error matches failure.ErrMismatch if a digest differs.
func (w *Workspace) CheckWorkloads(ctx context.Context, folders []string, each func(WorkloadCheck) error) error {
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	all := folders
	find := func(folder string) (string, assay.Digest, error) { return w.inFolder(ctx, lock, folder) }
	if len(folders) == 0 {
		all = slices.Sorted(maps.Keys(lock.Workloads))
		find = func(name string) (string, assay.Digest, error) { return name, lock.Workloads[name], nil }
	}
	differ, failed := 0, 0
	for _, which := range all {
		var c WorkloadCheck
		var err error
		if c.Name, c.Pinned, err = find(which); err == nil {
			err = w.checkWorkload(ctx, &c)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.Reason = err.Error()
			failed++
		}
		if len(c.Differs) > 0 {
			differ++
		}
		if err := each(c); err != nil {
			return err
		}
	}
	var errs []error
	if differ > 0 {
		errs = append(errs, failure.Classed(failure.ErrMismatch, fmt.Errorf("%d of %d workloads differ when they are built again", differ, len(all))))
	}
	if failed > 0 {
		errs = append(errs, fmt.Errorf("%d of %d workloads could not be built again", failed, len(all)))
	}
	return errors.Join(errs...)
}

// inFolder returns the name of the workload in a folder, and its digest: as the
// lock has it or, where it has not, as it is built. What has no readable name is
// called by its folder.
func (w *Workspace) inFolder(ctx context.Context, lock pins.Lock, folder string) (string, assay.Digest, error) {
	name, err := images.NameOf(folder)
	if err != nil {
		return folder, assay.Digest{}, err
	}
	if d, ok := lock.Workloads[name]; ok {
		return name, d, nil
	}
	wl, err := w.build(ctx, folder)
	return name, wl.Manifest, err
}

// checkWorkload builds the workload again that c names.
func (w *Workspace) checkWorkload(ctx context.Context, c *WorkloadCheck) error {
	wl, err := oci.Workload(ctx, w.Store, c.Pinned)
	if err != nil {
		return err
	}
	if wl.Source["digest"] == "" {
		c.Reason = "it was pinned without source"
		return nil
	}
	d, err := assay.ParseDigest(wl.Source["digest"])
	if err != nil {
		return err
	}
	archive, err := w.Store.ReadAll(ctx, d, maxRecord)
	if err != nil {
		return err
	}
	language, err := images.LanguageOfArchive(archive)
	if err != nil {
		return err
	}
	opts, err := hosts.BuildOptions(ctx, w.Config.Cache, language)
	if err != nil {
		return err
	}
	opts.Platforms = append([]string{}, slices.Sorted(maps.Keys(wl.Native))...) // none, if it has none
	built, err := images.Rebuild(ctx, archive, opts)
	if err != nil {
		return err
	}
	again, err := oci.PutWorkload(ctx, nowhere{}, workloadFiles(built))
	if err != nil {
		return err
	}
	c.Rebuilt = again.Manifest
	if again.Manifest != wl.Manifest {
		c.Differs = formsThatDiffer(wl, again)
	}
	return nil
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
	for _, v := range slices.Sorted(maps.Keys(is.Variants)) {
		if was.Variants[v] != is.Variants[v] {
			all = append(all, "module "+string(v))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(is.Native)) {
		if was.Native[p] != is.Native[p] {
			all = append(all, "native "+p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(is.Image)) {
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
