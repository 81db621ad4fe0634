// Package oci writes and reads what assay keeps as OCI artifacts: workloads in
// the CNCF layout for Wasm, and everything that hangs on them (runs, figures)
// linked by subject. It exports and imports OCI image layouts.
//
// Manifests from outside are hostile input: they are bounded, and refused with
// a reason. It writes no layout in place, since a layout has no safe way for two
// writers: the store is where things live, a layout is a copy to hand over.
// Talking to registries is package registry's.
package oci

import (
	"context"
	"errors"
	"io"

	"github.com/assay-notebooks/assay"
)

// ErrInvalid reports bytes that are not the manifest, index or layout they
// should be. That the bytes are not what their digest says is
// artifacts.ErrCorrupt.
var ErrInvalid = errors.New("invalid OCI content")

// ManifestLimit bounds a manifest or index in bytes, as registries do.
const ManifestLimit = 4 << 20

// A Reader is what this package asks of a store to read: an artifacts.Store,
// for one.
type Reader interface {
	Open(ctx context.Context, d assay.Digest) (io.ReadCloser, error)
	ReadAll(ctx context.Context, d assay.Digest, limit int64) ([]byte, error)
	Stat(ctx context.Context, d assay.Digest) (int64, error)
}

// A Writer is what this package asks of a store to write.
type Writer interface {
	Put(ctx context.Context, r io.Reader) (assay.Digest, int64, error)
	PutBytes(ctx context.Context, b []byte) (assay.Digest, error)
}

// A Store reads and writes.
type Store interface {
	Reader
	Writer
}
