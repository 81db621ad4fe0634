package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts"
)

// mkdirs makes the directory of a key, from the top.
func (b *Backend) mkdirs(dir string) error {
	b.mu.Lock()
	known := b.durable[dir]
	b.mu.Unlock()
	if known {
		return nil
	}
	if parent := path.Dir(dir); parent != "." {
		if err := b.mkdirs(parent); err != nil {
			return err
		}
	}
	err := b.files.Mkdir(b.path(dir))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// syncDirs makes the entries of the keys durable: each directory once, and its
// parents up to the root once in the life of b, since whoever made one of them
// may not have synced it.
func (b *Backend) syncDirs(keys ...string) error {
	synced := map[string]bool{}
	for _, key := range keys {
		dir := path.Dir(key)
		if synced[dir] {
			continue
		}
		synced[dir] = true
		if err := b.files.Sync(b.path(dir)); err != nil {
			return err
		}
		if err := b.syncParents(dir); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) syncParents(dir string) error {
	b.mu.Lock()
	known := b.durable[dir]
	b.mu.Unlock()
	if known || dir == "." {
		return nil
	}
	parent := path.Dir(dir)
	if err := b.syncParents(parent); err != nil {
		return err
	}
	if err := b.files.Sync(b.path(parent)); err != nil {
		return err
	}
	b.mu.Lock()
	b.durable[dir] = true
	b.mu.Unlock()
	return nil
}

// List implements artifacts.Backend.
func (b *Backend) List(ctx context.Context, prefix string) iter.Seq2[artifacts.Entry, error] {
	return func(yield func(artifacts.Entry, error) bool) {
		if prefix != "" {
			if info, err := b.files.Lstat(b.path(prefix)); err == nil && info.Mode().IsRegular() {
				yield(entry(prefix, info), nil)
				return
			}
		}
		b.walk(ctx, prefix, func(key string, info fs.FileInfo, err error) bool {
			if err == nil && !info.Mode().IsRegular() {
				return true // a leftover
			}
			return yield(entry(key, info), err)
		})
	}
}

func entry(key string, info fs.FileInfo) artifacts.Entry {
	e := artifacts.Entry{Key: key}
	if info != nil {
		e.Size, e.ModTime = info.Size(), info.ModTime()
	}
	return e
}

// walk visits all files below prefix, but those the store keeps for itself. It
// reports whether it came to the end.
func (b *Backend) walk(ctx context.Context, prefix string, visit func(key string, info fs.FileInfo, err error) bool) bool {
	if ctx.Err() != nil {
		return visit(prefix, nil, context.Cause(ctx))
	}
	entries, err := b.files.ReadDir(b.path(prefix))
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if err != nil && !missing && !visit(prefix, nil, b.explain(err)) {
		return false
	}
	for _, e := range entries {
		key := path.Join(prefix, e.Name())
		if own(key) {
			continue
		}
		if e.IsDir() {
			if !b.walk(ctx, key, visit) {
				return false
			}
			continue
		}
		info, err := b.files.Lstat(b.path(key))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if !visit(key, info, b.explain(err)) {
			return false
		}
	}
	return true
}

func own(key string) bool {
	switch key {
	case formatFile, tmpDir, gateFile, storeFile, writeFile:
		return true
	}
	return false
}

// Leftovers implements artifacts.Cleaner: temporary files, symbolic links and
// special files.
func (b *Backend) Leftovers(ctx context.Context) iter.Seq2[artifacts.Leftover, error] {
	return func(yield func(artifacts.Leftover, error) bool) {
		more := b.walk(ctx, tmpDir, func(key string, info fs.FileInfo, err error) bool {
			l := artifacts.Leftover{Name: key, What: "temporary file", Temporary: true}
			if info != nil {
				l.Size, l.ModTime = info.Size(), info.ModTime()
			}
			return yield(l, err)
		})
		if !more {
			return
		}
		b.walk(ctx, "", func(key string, info fs.FileInfo, err error) bool {
			if err != nil || info.Mode().IsRegular() {
				return true // List yields it
			}
			return yield(artifacts.Leftover{Name: key, What: kind(info.Mode()), ModTime: info.ModTime()}, nil)
		})
	}
}

// Clean implements artifacts.Cleaner.
func (b *Backend) Clean(_ context.Context, l artifacts.Leftover) error {
	if !l.Temporary || path.Dir(l.Name) != tmpDir {
		return fmt.Errorf("clean %s: not a temporary file of the store", l.Name)
	}
	if err := b.files.Remove(b.path(l.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b.explain(err)
	}
	return nil
}
