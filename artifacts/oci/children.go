package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// Children returns every digest that d names, each once, if d is a manifest or
// index: config, layers, manifests, subject, and blobs named by annotation.
// Other blobs have none; those longer than ManifestLimit are not even read.
// Anything shorter is read whole, since only then is it verified: a manifest
// with one flipped bit is an error, never a blob without children.
func Children(ctx context.Context, r Reader, d assay.Digest) ([]assay.Digest, error) {
	links, err := ReadLinks(ctx, r, d)
	var out []assay.Digest
	for _, l := range links {
		out = append(out, l.Digest)
	}
	return out, err
}

// ReadLinks is Children with all that d says of them.
func ReadLinks(ctx context.Context, r Reader, d assay.Digest) ([]Link, error) {
	b, err := r.ReadAll(ctx, d, ManifestLimit)
	if errors.Is(err, artifacts.ErrTooLarge) {
		return nil, nil
	}
	return Links(b), err
}

// A Kind says what a manifest takes a thing it names to be: registries keep
// blobs and manifests apart.
type Kind int

// The kinds of links.
const (
	Anything Kind = iota // named by an annotation: a blob or a manifest
	Blob                 // a config or a layer
	Member               // a manifest of an index
	Subject              // the manifest that this one is about
)

// A Link is what a manifest or index names. Where only an annotation names it,
// nothing but the digest is known and Size is -1.
type Link struct {
	Descriptor
	Kind Kind
}

// Links returns what b names, each digest once, if b is a manifest or index. It
// is forgiving, unlike ParseManifest: what can be followed is followed, whatever
// else is wrong.
func Links(b []byte) []Link {
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) || !bytes.Contains(b, []byte("schemaVersion")) {
		return nil
	}
	type descriptor struct {
		MediaType    string    `json:"mediaType"`
		Digest       string    `json:"digest"`
		Size         int64     `json:"size"`
		Platform     *Platform `json:"platform"`
		ArtifactType string    `json:"artifactType"`
	}
	var m struct {
		SchemaVersion int               `json:"schemaVersion"`
		Config        descriptor        `json:"config"`
		Layers        []descriptor      `json:"layers"`
		Manifests     []descriptor      `json:"manifests"`
		Subject       descriptor        `json:"subject"`
		Annotations   map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(b, &m); err != nil || m.SchemaVersion != 2 {
		return nil
	}
	var out []Link
	seen := map[assay.Digest]bool{}
	add := func(kind Kind, all ...descriptor) {
		for _, l := range all {
			d, err := assay.ParseDigest(l.Digest)
			if err != nil || d.IsZero() || seen[d] {
				continue
			}
			seen[d] = true
			out = append(out, Link{Descriptor{
				MediaType: l.MediaType, Digest: d, Size: l.Size, Platform: l.Platform, ArtifactType: l.ArtifactType,
			}, kind})
		}
	}
	add(Blob, m.Config)
	add(Subject, m.Subject)
	add(Blob, m.Layers...)
	add(Member, m.Manifests...)
	for _, name := range slices.Sorted(maps.Keys(m.Annotations)) {
		if strings.HasPrefix(name, BlobPrefix) {
			add(Anything, descriptor{Digest: m.Annotations[name], Size: -1})
		}
	}
	return out
}
