package oci_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// A memory is a store in memory. Like the real one it verifies what it reads.
type memory map[assay.Digest][]byte

func (m memory) PutBytes(_ context.Context, b []byte) (assay.Digest, error) {
	d := assay.DigestOf(b)
	m[d] = bytes.Clone(b)
	return d, nil
}

func (m memory) Put(ctx context.Context, r io.Reader) (assay.Digest, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return assay.Digest{}, 0, err
	}
	d, err := m.PutBytes(ctx, b)
	return d, int64(len(b)), err
}

func (m memory) ReadAll(_ context.Context, d assay.Digest, limit int64) ([]byte, error) {
	b, ok := m[d]
	switch {
	case !ok:
		return nil, fmt.Errorf("read %v: %w", d, fs.ErrNotExist)
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("read %v: %w", d, artifacts.ErrTooLarge)
	case assay.DigestOf(b) != d:
		return nil, fmt.Errorf("read %v: %w", d, artifacts.ErrCorrupt)
	}
	return bytes.Clone(b), nil
}

func (m memory) Open(ctx context.Context, d assay.Digest) (io.ReadCloser, error) {
	b, ok := m[d]
	if !ok {
		return nil, fmt.Errorf("open %v: %w", d, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m memory) Stat(_ context.Context, d assay.Digest) (int64, error) {
	b, ok := m[d]
	if !ok {
		return 0, fmt.Errorf("stat %v: %w", d, fs.ErrNotExist)
	}
	return int64(len(b)), nil
}
