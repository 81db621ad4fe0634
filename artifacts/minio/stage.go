package minio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	miniogo "github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

// commits is how many values a Commit sends at once.
const commits = 16

// Stage implements artifacts.Stager. The bytes wait on this machine: an object
// cannot get its key later without being copied.
func (b *Backend) Stage(_ context.Context, r io.Reader) (artifacts.Staged, error) { return b.spool(r) }

// Commit implements artifacts.Stager.
func (b *Backend) Commit(ctx context.Context, placements []artifacts.Placement) error {
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(commits)
	for _, p := range placements {
		if group.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := b.place(group, p); err != nil {
				return fmt.Errorf("put %s: %w", p.Key, err)
			}
			return nil
		})
	}
	err := errors.Join(g.Wait(), context.Cause(ctx))
	for _, p := range placements {
		err = errors.Join(err, p.Staged.Discard())
	}
	return err
}

func (b *Backend) place(ctx context.Context, p artifacts.Placement) error {
	if err := artifacts.CheckKey(p.Key); err != nil {
		return err
	}
	if p.Keep {
		if err := b.refresh(ctx, p.Key); !errors.Is(err, fs.ErrNotExist) && code(err) == "" {
			return err
		}
		// It is gone, or too large for the server to copy.
	}
	_, err := b.put(ctx, p.Key, p.Staged.(*spooled).content(), artifacts.Condition{})
	return err
}

// refresh sets the time of a value to now: by copying it to itself, for which
// servers move no bytes.
func (b *Backend) refresh(ctx context.Context, key string) error {
	name := b.name(key)
	return b.retry(ctx, func() error {
		_, err := b.core.Client.CopyObject(ctx,
			miniogo.CopyDestOptions{Bucket: b.cfg.Bucket, Object: name, ReplaceMetadata: true},
			miniogo.CopySrcOptions{Bucket: b.cfg.Bucket, Object: name})
		return err
	})
}
