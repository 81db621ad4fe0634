package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/images"
)

// usable are the platforms of whose images a workload is made: those that assay
// has an agent for.
var usable = []string{"linux/amd64", "linux/arm64"}

// unusable reports whether a member of an index is an image for another
// platform, or something beside the images.
func unusable(d oci.Descriptor) bool {
	if d.Platform == nil {
		return false // its config says
	}
	return !slices.Contains(usable, platform(*d.Platform)) && !d.Platform.Wasm()
}

func platform(p oci.Platform) string { return p.OS + "/" + p.Architecture }

// adoptPulled reads a workload that came from a registry.
func (w *Workspace) adoptPulled(ctx context.Context, ref registry.Reference, p registry.Pulled) (assay.Workload, error) {
	named := ref.Repository[strings.LastIndexByte(ref.Repository, '/')+1:]
	if p.Root.MediaType != oci.MediaTypeIndex && p.Root.MediaType != oci.MediaTypeDockerList {
		return w.adopt(ctx, p.Root.Digest, named)
	}
	var members []assay.Digest // the archive lacks the index, if some are skipped
	for _, m := range p.Manifests {
		if m.Digest != p.Root.Digest {
			members = append(members, m.Digest)
		}
	}
	return w.adoptMembers(ctx, p.Root.Digest, members, named)
}

// adopt reads a workload that came from elsewhere and that the archive holds. One
// that is wrapped as, or is, a container image gets a manifest of ours, with the
// given name.
func (w *Workspace) adopt(ctx context.Context, d assay.Digest, named string) (assay.Workload, error) {
	b, err := w.Store.ReadAll(ctx, d, oci.ManifestLimit)
	if err != nil {
		return assay.Workload{}, err
	}
	if _, err := oci.ParseIndex(b); err == nil {
		var members []assay.Digest
		for _, l := range oci.Links(b) {
			if l.Kind == oci.Member && !unusable(l.Descriptor) {
				members = append(members, l.Digest)
			}
		}
		return w.adoptMembers(ctx, d, members, named)
	}
	switch _, err := oci.ReadContainer(ctx, w.Store, d); {
	case err == nil && !hasWasmLayer(b):
		return w.adoptMembers(ctx, d, []assay.Digest{d}, named)
	case err != nil && !errors.Is(err, oci.ErrNotImage):
		return assay.Workload{}, err
	}
	return w.imported(ctx, d)
}

// hasWasmLayer reports whether a manifest is a workload as it stands.
func hasWasmLayer(manifest []byte) bool {
	_, err := oci.ParseWorkload(manifest)
	return err == nil
}

// adoptMembers makes a workload of container images: of the module in one of
// them, if that is what they wrap, else of themselves.
func (w *Workspace) adoptMembers(ctx context.Context, from assay.Digest, members []assay.Digest, named string) (assay.Workload, error) {
	wl := assay.Workload{Name: assay.Filename(named), Image: map[string]assay.Digest{}, Source: map[string]string{"image": from.String()}}
	for _, d := range members {
		c, err := oci.ReadContainer(ctx, w.Store, d)
		if errors.Is(err, oci.ErrNotImage) && len(members) > 1 {
			continue // an attestation, say
		}
		if err != nil {
			return wl, err
		}
		if c.Wasm() {
			return w.adoptModule(ctx, from, d, wl.Name)
		}
		if p := platform(c.Platform); slices.Contains(usable, p) {
			if _, twice := wl.Image[p]; twice {
				return wl, fmt.Errorf("%v has two images for %s: pin one of them by its digest", from, p)
			}
			wl.Image[p] = d
		}
	}
	if len(wl.Image) == 0 {
		return wl, fmt.Errorf("%v has no image for %s", from, strings.Join(usable, " or "))
	}
	return oci.PutManifest(ctx, w.Archive, wl)
}

// adoptModule makes a workload of the module in an image's files.
func (w *Workspace) adoptModule(ctx context.Context, from, image assay.Digest, name string) (assay.Workload, error) {
	module, _, err := oci.ModuleIn(ctx, w.Store, image)
	if err != nil {
		return assay.Workload{}, err
	}
	if err := loadable(module); err != nil {
		return assay.Workload{}, err
	}
	d, err := w.Archive.PutBytes(ctx, module)
	if err != nil {
		return assay.Workload{}, err
	}
	return oci.PutManifest(ctx, w.Archive, assay.Workload{Name: name, Module: d, Source: map[string]string{"image": from.String()}})
}

// imported reads a workload that came from elsewhere, and refuses one whose
// module no runtime could load.
func (w *Workspace) imported(ctx context.Context, manifest assay.Digest) (assay.Workload, error) {
	wl, err := oci.Workload(ctx, w.Store, manifest)
	if err != nil || wl.Module.IsZero() {
		return wl, err
	}
	module, err := w.Store.ReadAll(ctx, wl.Module, maxRecord)
	if err != nil {
		return wl, err
	}
	return wl, loadable(module)
}

// loadable refuses what is no module at all. Which modules it may import is its
// author's business.
func loadable(module []byte) error {
	err := images.CheckModule(module, nil)
	if errors.Is(err, images.ErrNotWasm) || errors.Is(err, images.ErrComponent) || errors.Is(err, images.ErrMalformed) {
		return err
	}
	return nil
}
