package minio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"

	miniogo "github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

// Put implements artifacts.Backend. Until r has been read to its end nothing is
// sent. A conditional put is sent once: after ErrUnreachable it may have
// happened.
func (b *Backend) Put(ctx context.Context, key string, r io.Reader, cond artifacts.Condition) (artifacts.Version, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return "", err
	}
	if cond.IfAbsent && cond.IfVersion != "" {
		return "", fmt.Errorf("put %s: at most one condition", key)
	}
	s, err := b.spool(r)
	if err != nil {
		return "", err
	}
	v, err := b.put(ctx, key, s.content(), cond)
	if err = errors.Join(err, s.Discard()); err != nil {
		return "", fmt.Errorf("put %s: %w", key, err)
	}
	if s.size > artifacts.MaxSwap {
		v = ""
	}
	return v, nil
}

// content is bytes whose digest is known before they are sent.
type content struct {
	io.ReaderAt
	size int64
	sum  string // SHA-256, hex
}

// put sends c in one request, or in parts if it is large and there is no
// condition: the server looks at conditions in the first request of a value in
// parts, not in its last.
func (b *Backend) put(ctx context.Context, key string, c content, cond artifacts.Condition) (v artifacts.Version, err error) {
	var opts miniogo.PutObjectOptions
	switch {
	case cond.IfAbsent:
		opts.SetMatchETagExcept("*")
	case cond.IfVersion != "":
		opts.SetMatchETag(string(cond.IfVersion))
	case c.size > b.limits.single:
		return "", b.putParts(ctx, key, c)
	}
	send := func() error {
		v, err = b.putOnce(ctx, key, c, opts)
		return err
	}
	if cond == (artifacts.Condition{}) {
		err = b.retry(ctx, send)
	} else {
		err = b.once(ctx, send)
	}
	if cond.IfVersion != "" && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("it is gone: %w", artifacts.ErrConflict)
	}
	return v, err
}

func (b *Backend) putOnce(ctx context.Context, key string, c content, opts miniogo.PutObjectOptions) (artifacts.Version, error) {
	// The server checks the bytes against this digest. Without the option
	// minio-go would hash them once more, for a streaming signature.
	opts.DisableContentSha256 = true
	info, err := b.core.PutObject(ctx, b.cfg.Bucket, b.name(key), io.NewSectionReader(c, 0, c.size), c.size, "", c.sum, opts)
	return artifacts.Version(info.ETag), err
}

// Get implements artifacts.Backend. When a connection breaks, its reader goes on
// where it was, in the same value.
func (b *Backend) Get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return nil, artifacts.Info{}, err
	}
	return b.get(ctx, key)
}

// Stat implements artifacts.Backend.
func (b *Backend) Stat(ctx context.Context, key string) (artifacts.Info, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return artifacts.Info{}, err
	}
	return b.stat(ctx, key)
}

func (b *Backend) stat(ctx context.Context, key string) (artifacts.Info, error) {
	var info miniogo.ObjectInfo
	err := b.retry(ctx, func() (err error) {
		info, err = b.core.StatObject(ctx, b.cfg.Bucket, b.name(key), miniogo.StatObjectOptions{})
		return err
	})
	if err != nil {
		return artifacts.Info{}, err
	}
	return describe(info), nil
}

func describe(o miniogo.ObjectInfo) artifacts.Info {
	info := artifacts.Info{Size: o.Size, ModTime: o.LastModified}
	if o.Size <= artifacts.MaxSwap {
		info.Version = artifacts.Version(o.ETag)
	}
	return info
}

// List implements artifacts.Backend.
func (b *Backend) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		for o, err := range b.objects(ctx, prefix) {
			key := strings.TrimPrefix(o.Key, b.name(""))
			if err == nil && (key == formatKey || strings.HasPrefix(key, lockPrefix) ||
				prefix != "" && key != prefix && !strings.HasPrefix(key, prefix+"/")) {
				continue
			}
			if !yield(artifacts.Entry{Key: key, Info: describe(o)}, err) {
				return
			}
		}
	}
}

// objects yields the objects whose keys begin with prefix. When a request for
// more of them fails it is sent again, with as many attempts as the first had.
func (b *Backend) objects(ctx context.Context, prefix string) iter.Seq2[miniogo.ObjectInfo, error] {
	return func(yield func(miniogo.ObjectInfo, error) bool) {
		last := ""
		more := func() (bool, error) {
			moved := false
			for o := range b.core.ListObjectsIter(ctx, b.cfg.Bucket, miniogo.ListObjectsOptions{
				Prefix: b.name(prefix), Recursive: true, StartAfter: last, MaxKeys: b.limits.page,
			}) {
				switch {
				case o.Err != nil && moved:
					return true, nil // if it fails there again, that is the error
				case o.Err != nil:
					return false, o.Err
				}
				if last, moved = o.Key, true; !yield(o, nil) {
					return false, nil
				}
			}
			return false, context.Cause(ctx) // at the end of which minio-go lists no more, and says nothing
		}
		for again := true; again; {
			err := b.retry(ctx, func() (err error) {
				again, err = more()
				return err
			})
			if err != nil {
				yield(miniogo.ObjectInfo{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
		}
	}
}

// Delete implements artifacts.Backend. In a bucket with versions it deletes
// every version of the value, so that its space is free; one that is retained
// is ErrRetained, and then all of them stay.
func (b *Backend) Delete(ctx context.Context, key string) error {
	if err := artifacts.CheckKey(key); err != nil {
		return err
	}
	if b.versioned {
		return b.erase(ctx, key)
	}
	if _, err := b.stat(ctx, key); err != nil {
		return err
	}
	return b.erase(ctx, key)
}

// Remove implements artifacts.Remover: many requests are under way at once.
func (b *Backend) Remove(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := artifacts.CheckKey(key); err != nil {
			return err
		}
	}
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(commits)
	for _, key := range keys {
		g.Go(func() error {
			if err := b.erase(group, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("delete %s: %w", key, err)
			}
			return nil
		})
	}
	return errors.Join(g.Wait(), context.Cause(ctx))
}

// erase deletes a value with its versions. In a bucket without versions it may
// be gone. Under a lock that may be lost it deletes nothing.
func (b *Backend) erase(ctx context.Context, key string) error {
	if b.versioned {
		return b.deleteVersions(ctx, key)
	}
	return b.remove(ctx, key, "")
}

// remove deletes a version of a key, "" for what it has. It may be gone. Who
// holds the lock alone looks, before each request, whether that is still so:
// one that is sent again may come after a long sleep.
func (b *Backend) remove(ctx context.Context, key, version string) error {
	return b.retry(ctx, func() error {
		if held := b.exclusive.Load(); held != nil {
			if err := held.sure(ctx); err != nil {
				return err
			}
		}
		return b.removeOnce(ctx, key, version)
	})
}

func (b *Backend) removeOnce(ctx context.Context, key, version string) error {
	return b.core.RemoveObject(ctx, b.cfg.Bucket, b.name(key), miniogo.RemoveObjectOptions{VersionID: version})
}
