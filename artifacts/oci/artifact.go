package oci

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// An Artifact is an OCI artifact of assay's own: a type, files, and what it is
// about. Its manifest is canonical JSON without a time, so that the same
// artifact has the same digest whenever it is written.
type Artifact struct {
	Type        string                  // media type: "application/vnd.assay.run.v1"
	Subject     *Descriptor             // what it is about, from Describe; nil: nothing
	Layers      []Layer                 // its files, in order
	Blobs       map[string]assay.Digest // other blobs that belong to it, by a name of letters, digits, '.', '_', '-', '/'
	Annotations map[string]string       // for people; none may begin with BlobPrefix
}

// A Layer is one file of an artifact.
type Layer struct {
	MediaType string
	Title     string // the file's name once pulled; "": not pulled as a file
	Digest    assay.Digest
	Size      int64
}

// emptyConfig is the whole of a blob of type MediaTypeEmpty.
var emptyConfig = []byte("{}")

func emptyDescriptor() Descriptor {
	return Descriptor{MediaType: MediaTypeEmpty, Digest: assay.DigestOf(emptyConfig), Size: int64(len(emptyConfig))}
}

// PutArtifact stores the manifest of a, whose layers must be in the store
// already, and returns its descriptor. Sizes of layers are taken from the store.
func PutArtifact(ctx context.Context, s Store, a Artifact) (Descriptor, error) {
	b, err := encodeArtifact(ctx, s, a)
	if err != nil {
		return Descriptor{}, fmt.Errorf("artifact %s: %w", a.Type, err)
	}
	if _, err := s.PutBytes(ctx, emptyConfig); err != nil {
		return Descriptor{}, fmt.Errorf("artifact %s: %w", a.Type, err)
	}
	d, err := s.PutBytes(ctx, b)
	if err != nil {
		return Descriptor{}, fmt.Errorf("artifact %s: %w", a.Type, err)
	}
	return Descriptor{MediaType: MediaTypeManifest, Digest: d, Size: int64(len(b)), ArtifactType: a.Type}, nil
}

// encodeArtifact returns the manifest of a.
func encodeArtifact(ctx context.Context, r Reader, a Artifact) ([]byte, error) {
	if a.Type == "" {
		return nil, fmt.Errorf("%w: no type", ErrInvalid)
	}
	m := Manifest{
		SchemaVersion: 2,
		MediaType:     MediaTypeManifest,
		ArtifactType:  a.Type,
		Config:        emptyDescriptor(),
		Subject:       subjectOf(a.Subject),
	}
	for _, l := range a.Layers {
		size, err := r.Stat(ctx, l.Digest)
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", l.Title, err)
		}
		m.Layers = append(m.Layers, Layer{l.MediaType, l.Title, l.Digest, size}.descriptor())
	}
	if len(m.Layers) == 0 {
		m.Layers = []Descriptor{emptyDescriptor()} // the specification wants one
	}
	m.Annotations = maps.Clone(a.Annotations)
	for name := range m.Annotations {
		if strings.HasPrefix(name, BlobPrefix) {
			return nil, fmt.Errorf("%w: annotation %s belongs in Blobs", ErrInvalid, name)
		}
	}
	for name, d := range a.Blobs {
		if _, err := r.Stat(ctx, d); err != nil {
			return nil, fmt.Errorf("blob %q: %w", name, err)
		}
		if m.Annotations == nil {
			m.Annotations = map[string]string{}
		}
		m.Annotations[BlobPrefix+name] = d.String()
	}
	return encodeManifest(m)
}

// subjectOf keeps of a subject what the image specification does.
func subjectOf(d *Descriptor) *Descriptor {
	if d == nil {
		return nil
	}
	return &Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, ArtifactType: d.ArtifactType}
}

func (l Layer) descriptor() Descriptor {
	d := Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
	if l.Title != "" {
		d.Annotations = map[string]string{annotationTitle: l.Title}
	}
	return d
}

// encodeManifest returns m as it is stored, if it can be read again.
func encodeManifest(m Manifest) ([]byte, error) {
	b, err := canonical.JSON(m)
	if err != nil {
		return nil, err
	}
	if _, err := ParseManifest(b); err != nil {
		return nil, err
	}
	return b, nil
}

// ReadArtifact reads the artifact whose manifest is d. One that other tools
// wrote will do, as long as it has an artifact type. Errors match ErrInvalid
// where it is not an artifact.
func ReadArtifact(ctx context.Context, r Reader, d assay.Digest) (Artifact, error) {
	b, err := r.ReadAll(ctx, d, ManifestLimit)
	if err != nil {
		return Artifact{}, err
	}
	a, err := parseArtifact(b)
	if err != nil {
		return Artifact{}, fmt.Errorf("artifact %v: %w", d, err)
	}
	return a, nil
}

func parseArtifact(b []byte) (Artifact, error) {
	m, err := ParseManifest(b)
	if err != nil {
		return Artifact{}, err
	}
	a := Artifact{Type: m.artifactType(), Subject: subjectOf(m.Subject)}
	if a.Type == MediaTypeEmpty {
		return Artifact{}, fmt.Errorf("%w: no artifactType", ErrInvalid)
	}
	for _, l := range m.Layers {
		if l.MediaType != MediaTypeEmpty {
			a.Layers = append(a.Layers, Layer{l.MediaType, l.Annotations[annotationTitle], l.Digest, l.Size})
		}
	}
	for name, v := range m.Annotations {
		short, ok := strings.CutPrefix(name, BlobPrefix)
		if !ok {
			if a.Annotations == nil {
				a.Annotations = map[string]string{}
			}
			a.Annotations[name] = v
			continue
		}
		blob, err := assay.ParseDigest(v)
		if err != nil {
			return Artifact{}, fmt.Errorf("%w: annotation %s: %w", ErrInvalid, name, err)
		}
		if a.Blobs == nil {
			a.Blobs = map[string]assay.Digest{}
		}
		a.Blobs[short] = blob
	}
	return a, nil
}
