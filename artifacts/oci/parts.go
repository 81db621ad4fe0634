package oci

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// A part is a manifest whose subject is a workload: it holds what the CNCF
// layout has no place for, so that tools which follow subjects (oras copy -r,
// oras discover) find it. Parts follow from the workload's manifest alone. They
// are written on export and never stored.
type part struct {
	Descriptor
	bytes []byte
}

// workloadParts returns the parts of the workload with that manifest; none, if
// it is not one.
func workloadParts(ctx context.Context, r Reader, manifest []byte) ([]part, error) {
	w, err := ParseWorkload(manifest)
	if err != nil {
		return nil, nil // not a workload: nothing to add
	}
	described, err := DescribeBytes(manifest)
	if err != nil {
		return nil, err
	}
	subject := &described
	var artifacts []Artifact
	if len(w.Variants) > 0 {
		a := Artifact{Type: TypeVariants, Subject: subject}
		for _, v := range slices.Sorted(maps.Keys(w.Variants)) {
			title := assay.Filename(w.Name) + "-" + string(v) + ".wasm"
			a.Layers = append(a.Layers, Layer{MediaType: MediaTypeWasm, Title: title, Digest: w.Variants[v]})
		}
		artifacts = append(artifacts, a)
	}
	if len(w.Native) > 0 {
		a := Artifact{Type: TypeNative, Subject: subject}
		for _, p := range slices.Sorted(maps.Keys(w.Native)) {
			title := assay.Filename(w.Name) + "-" + strings.ReplaceAll(p, "/", "-")
			a.Layers = append(a.Layers, Layer{MediaType: mediaTypeExecutable, Title: title, Digest: w.Native[p]})
		}
		artifacts = append(artifacts, a)
	}
	if !w.Stdin.IsZero() {
		artifacts = append(artifacts, Artifact{Type: TypeStdin, Subject: subject, Layers: []Layer{
			{MediaType: mediaTypeBytes, Title: assay.Filename(w.Name) + ".stdin", Digest: w.Stdin},
		}})
	}
	if source, err := assay.ParseDigest(w.Source[factDigest]); err == nil {
		artifacts = append(artifacts, Artifact{Type: TypeSource, Subject: subject, Layers: []Layer{
			{MediaType: mediaTypeTar, Title: assay.Filename(w.Name) + ".tar", Digest: source},
		}})
	}
	var out []part
	for _, a := range artifacts {
		b, err := encodeArtifact(ctx, r, a)
		if err != nil {
			return nil, fmt.Errorf("%s of workload %v: %w", a.Type, w.Manifest, err)
		}
		out = append(out, part{Descriptor{
			MediaType: MediaTypeManifest, Digest: assay.DigestOf(b), Size: int64(len(b)), ArtifactType: a.Type,
		}, b})
	}
	if len(w.Image) > 0 {
		p, err := imagesPart(ctx, r, w, subject)
		if err != nil {
			return nil, fmt.Errorf("container images of workload %v: %w", w.Manifest, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// imagesPart is an index, so that a container runtime given its digest picks
// the image for its own platform.
func imagesPart(ctx context.Context, r Reader, w assay.Workload, subject *Descriptor) (part, error) {
	x := Index{SchemaVersion: 2, MediaType: MediaTypeIndex, ArtifactType: TypeImages, Subject: subject}
	for _, p := range slices.Sorted(maps.Keys(w.Image)) {
		size, err := r.Stat(ctx, w.Image[p])
		if err != nil {
			return part{}, err
		}
		system, processor, _ := strings.Cut(p, "/")
		x.Manifests = append(x.Manifests, Descriptor{
			MediaType: MediaTypeManifest, Digest: w.Image[p], Size: size,
			Platform: &Platform{OS: system, Architecture: processor},
		})
	}
	b, err := canonical.JSON(x)
	if err != nil {
		return part{}, err
	}
	return part{Descriptor{
		MediaType: MediaTypeIndex, Digest: assay.DigestOf(b), Size: int64(len(b)), ArtifactType: TypeImages,
	}, b}, nil
}

// IsPart reports whether artifacts of a type are parts of workloads, which
// follow from these.
func IsPart(artifactType string) bool {
	return slices.Contains([]string{TypeVariants, TypeNative, TypeImages, TypeStdin, TypeSource}, artifactType)
}
