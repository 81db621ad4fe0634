package minio

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	miniogo "github.com/minio/minio-go/v7"
)

// versions returns the versions of a key, and marks of deletions, newest first.
func (b *Backend) versions(ctx context.Context, key string) (all []miniogo.ObjectInfo, err error) {
	err = b.retry(ctx, func() error {
		all = nil
		for o, err := range b.allVersions(ctx, key) {
			if err != nil {
				return err
			}
			if o.Key != b.name(key) {
				break // the key comes before those that go on from it
			}
			all = append(all, o)
		}
		return nil
	})
	return all, err
}

// allVersions yields the versions of all objects whose keys begin with prefix,
// by key, newest first.
func (b *Backend) allVersions(ctx context.Context, prefix string) iter.Seq2[miniogo.ObjectInfo, error] {
	return func(yield func(miniogo.ObjectInfo, error) bool) {
		for o := range b.core.ListObjectsIter(ctx, b.cfg.Bucket, miniogo.ListObjectsOptions{
			Prefix: b.name(prefix), Recursive: true, WithVersions: true,
		}) {
			if !yield(o, o.Err) || o.Err != nil {
				return
			}
		}
		if ctx.Err() != nil {
			yield(miniogo.ObjectInfo{}, context.Cause(ctx)) // minio-go does not say it
		}
	}
}

// deleteVersions deletes all versions of a key, the newest last: an older one
// must not come to light in its place.
func (b *Backend) deleteVersions(ctx context.Context, key string) error {
	all, err := b.versions(ctx, key)
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].IsDeleteMarker {
		return fs.ErrNotExist
	}
	return b.removeAll(ctx, key, all)
}

// deleteHidden deletes all versions of a key but the newest.
func (b *Backend) deleteHidden(ctx context.Context, key string) error {
	if !b.versioned {
		return nil
	}
	all, err := b.versions(ctx, key)
	if err != nil || len(all) == 0 {
		return err
	}
	return b.removeAll(ctx, key, all[1:])
}

// removeAll deletes versions of a key, which are given newest first.
func (b *Backend) removeAll(ctx context.Context, key string, all []miniogo.ObjectInfo) error {
	for _, o := range slices.Backward(all) {
		if err := b.remove(ctx, key, o.VersionID); err != nil {
			return fmt.Errorf("version %s: %w", o.VersionID, err)
		}
	}
	return nil
}

// key returns the key of an object below the prefix of the store.
func (b *Backend) key(name string) (string, bool) { return strings.CutPrefix(name, b.name("")) }
