package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assay-notebooks/assay"
)

// Content is all that some manifests need in a registry: what they name, and
// the parts of the workloads among that.
type Content struct {
	Blobs []Descriptor // each once; only Digest and Size are known of each
	// Manifests holds manifests and indexes: each list names only what is in
	// the lists before it.
	Manifests [][]Descriptor

	made map[assay.Digest][]byte // parts, which no store has
}

// Open returns the bytes of d, which is in c and was found in r.
func (c Content) Open(ctx context.Context, r Reader, d assay.Digest) (io.ReadCloser, error) {
	if b, ok := c.made[d]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return r.Open(ctx, d)
}

// Closure finds everything that the roots name. Blobs that are missing or
// corrupt are all reported; no blob longer than ManifestLimit is read.
func Closure(ctx context.Context, r Reader, roots []assay.Digest) (Content, error) {
	w := walker{r: r, nodes: map[assay.Digest]*node{}, made: map[assay.Digest][]byte{}}
	var queue []Link
	for _, d := range roots {
		queue = append(queue, Link{Descriptor{Digest: d}, Member})
	}
	var errs []error
	for len(queue) > 0 {
		if ctx.Err() != nil {
			return Content{}, context.Cause(ctx)
		}
		l := queue[0]
		queue = queue[1:]
		next, err := w.visit(ctx, l)
		if err != nil {
			errs = append(errs, err)
		}
		queue = append(queue, next...)
	}
	if err := errors.Join(errs...); err != nil {
		return Content{}, err
	}
	return w.content(), nil
}

// A node is one digest of a closure. It can be a blob of one manifest and, as
// another names it, a manifest.
type node struct {
	Descriptor
	blob, manifest bool
	names          []assay.Digest
}

type walker struct {
	r     Reader
	nodes map[assay.Digest]*node
	order []*node
	made  map[assay.Digest][]byte
}

// visit notes what l names and returns what that names in turn, the first time.
func (w *walker) visit(ctx context.Context, l Link) ([]Link, error) {
	n, seen := w.nodes[l.Digest]
	if !seen {
		n = &node{Descriptor: Descriptor{Digest: l.Digest}}
		w.nodes[l.Digest], w.order = n, append(w.order, n)
		var err error
		if n.Size, err = w.r.Stat(ctx, l.Digest); err != nil {
			return nil, err
		}
	}
	if l.Kind == Blob || n.Size > ManifestLimit {
		n.blob = true
		return nil, nil
	}
	if n.manifest {
		return nil, nil
	}
	b, err := w.r.ReadAll(ctx, l.Digest, ManifestLimit)
	if err != nil {
		return nil, err
	}
	d, err := DescribeBytes(b)
	switch {
	case err == nil:
		n.manifest, n.MediaType, n.ArtifactType = true, d.MediaType, d.ArtifactType
	case l.Kind == Anything:
		n.blob = true
		return nil, nil
	default:
		return nil, fmt.Errorf("%v: %w", l.Digest, err)
	}
	links := Links(b)
	for _, l := range links {
		n.names = append(n.names, l.Digest)
	}
	return links, w.addParts(ctx, b)
}

// addParts notes the parts of a workload. What they name, the workload names.
func (w *walker) addParts(ctx context.Context, manifest []byte) error {
	parts, err := workloadParts(ctx, w.r, manifest)
	if err != nil {
		return err
	}
	for _, p := range parts {
		n := w.make(p.bytes)
		n.manifest, n.MediaType, n.ArtifactType = true, p.MediaType, p.ArtifactType
		for _, l := range Links(p.bytes) {
			n.names = append(n.names, l.Digest)
		}
	}
	if len(parts) > 0 {
		w.make(emptyConfig).blob = true
	}
	return nil
}

// make notes bytes that no store need have.
func (w *walker) make(b []byte) *node {
	d := assay.DigestOf(b)
	w.made[d] = b
	n, ok := w.nodes[d]
	if !ok {
		n = &node{Descriptor: Descriptor{Digest: d, Size: int64(len(b))}}
		w.nodes[d], w.order = n, append(w.order, n)
	}
	return n
}

// content orders what was found.
func (w *walker) content() Content {
	c := Content{made: w.made}
	level := map[*node]int{}
	// What a manifest names was found after it, or with it: from the end, most
	// are settled in one pass.
	for changed := true; changed; {
		changed = false
		for _, n := range slices.Backward(w.order) {
			at := 0
			for _, d := range n.names {
				if child := w.nodes[d]; child != nil && child.manifest {
					at = max(at, level[child]+1)
				}
			}
			if at != level[n] {
				level[n], changed = at, true
			}
		}
	}
	for _, n := range w.order {
		if n.blob {
			c.Blobs = append(c.Blobs, Descriptor{Digest: n.Digest, Size: n.Size})
		}
		if n.manifest {
			for len(c.Manifests) <= level[n] {
				c.Manifests = append(c.Manifests, nil)
			}
			c.Manifests[level[n]] = append(c.Manifests[level[n]], n.Descriptor)
		}
	}
	return c
}
