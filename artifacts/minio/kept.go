package minio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
)

// Kept returns what the server keeps of each key when others overwrite or
// delete it: the oldest version that is retained, or else the oldest. It can be
// read like another copy of the store, to repair this one; changing it is an
// error matching errors.ErrUnsupported.
func (b *Backend) Kept() artifacts.Backend { return kept{b} }

type kept struct{ b *Backend }

// version returns the version that is kept of a key.
func (k kept) version(ctx context.Context, key string) (miniogo.ObjectInfo, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return miniogo.ObjectInfo{}, err
	}
	all, err := k.b.versions(ctx, key)
	if err != nil {
		return miniogo.ObjectInfo{}, err
	}
	all = slices.DeleteFunc(all, func(o miniogo.ObjectInfo) bool { return o.IsDeleteMarker })
	if len(all) == 0 {
		return miniogo.ObjectInfo{}, fs.ErrNotExist
	}
	for _, o := range slices.Backward(all) {
		r, err := k.b.retention(ctx, key, o.VersionID)
		if errors.Is(err, errors.ErrUnsupported) {
			break
		}
		if err != nil {
			return miniogo.ObjectInfo{}, err
		}
		if r != (Retention{}) {
			return o, nil
		}
	}
	return all[len(all)-1], nil
}

// Get implements artifacts.Backend.
func (k kept) Get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	o, err := k.version(ctx, key)
	if err != nil {
		return nil, artifacts.Info{}, err
	}
	return k.b.getVersion(ctx, key, o.VersionID)
}

// Stat implements artifacts.Backend.
func (k kept) Stat(ctx context.Context, key string) (artifacts.Info, error) {
	o, err := k.version(ctx, key)
	return describe(o), err
}

// List implements artifacts.Backend: it yields what the store lists, with the
// size and time of what is kept.
func (k kept) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		for e, err := range k.b.List(ctx, prefix) {
			if err == nil {
				e.Info, err = k.Stat(ctx, e.Key)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Put implements artifacts.Backend.
func (k kept) Put(_ context.Context, key string, _ io.Reader, _ artifacts.Condition) (artifacts.Version, error) {
	return "", fmt.Errorf("put %s to the versions that are kept: %w", key, errors.ErrUnsupported)
}

// Delete implements artifacts.Backend.
func (k kept) Delete(_ context.Context, key string) error {
	return fmt.Errorf("delete %s of the versions that are kept: %w", key, errors.ErrUnsupported)
}
