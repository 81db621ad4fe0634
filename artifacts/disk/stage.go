package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

// Stage implements artifacts.Stager.
func (b *Backend) Stage(_ context.Context, r io.Reader) (artifacts.Staged, error) {
	b.volume() // which tells of what is written from now on
	tmp, err := b.stage(r)
	if err != nil {
		return nil, b.explain(err)
	}
	return tmp, nil
}

// buffers are for copies into files: of blobs of many megabytes the usual 32 KiB
// take a third more processor time, in system calls.
var buffers = sync.Pool{New: func() any { b := make([]byte, 512<<10); return &b }}

// stage writes a temporary file.
func (b *Backend) stage(r io.Reader) (*staged, error) {
	tmp := &staged{b: b, name: b.path(path.Join(tmpDir, rand.Text()))}
	f, err := b.files.Create(tmp.name)
	if errors.Is(err, fs.ErrNotExist) { // a copy of a store without its hidden files
		if err := b.files.Mkdir(b.path(tmpDir)); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		f, err = b.files.Create(tmp.name)
	}
	if err != nil {
		return nil, err
	}
	buffer := buffers.Get().(*[]byte)
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, r, *buffer) // a file's own ReadFrom would not use it
	buffers.Put(buffer)
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil && info.Size() != n {
			err = fmt.Errorf("%s has %d bytes of %d written: %w", tmp.name, info.Size(), n, io.ErrShortWrite)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, tmp.Discard())
	}
	return tmp, nil
}

// Commit implements artifacts.Stager. All files are synced together, then moved,
// then each directory is synced once.
func (b *Backend) Commit(ctx context.Context, placements []artifacts.Placement) error {
	return b.explain(b.commit(ctx, placements))
}

func (b *Backend) commit(ctx context.Context, placements []artifacts.Placement) error {
	var unsynced, keys []string
	for _, p := range placements {
		if err := artifacts.CheckKey(p.Key); err != nil {
			return err
		}
		keys = append(keys, p.Key)
		if !p.Keep {
			unsynced = append(unsynced, p.Staged.(*staged).name)
		}
	}
	if err := b.syncAll(ctx, unsynced); err != nil {
		return err
	}
	kept, err := b.moveAll(ctx, placements)
	if err != nil {
		return err
	}
	if err := b.syncAll(ctx, kept); err != nil {
		return err
	}
	return b.syncDirs(keys...)
}

// moveAll gives synced files their keys, under one hold of the lock, and returns
// the files that were kept instead.
func (b *Backend) moveAll(ctx context.Context, placements []artifacts.Placement) (kept []string, err error) {
	lock, err := b.flock(ctx, writeFile, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	for _, p := range placements {
		tmp := p.Staged.(*staged)
		if p.Keep {
			err := b.files.Touch(b.path(p.Key), time.Now())
			if err == nil {
				kept = append(kept, b.path(p.Key))
				continue
			}
			// Only its owner may touch a file, but others may replace it.
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return nil, err
			}
			if err := b.files.Sync(tmp.name); err != nil {
				return nil, err
			}
		}
		if err := b.place(tmp, p.Key, b.rename); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// syncAll makes the bytes of files durable.
func (b *Backend) syncAll(ctx context.Context, names []string) error {
	if len(names) >= syncVolume {
		if all, err := b.syncedVolume(ctx); all || err != nil {
			return err
		}
	}
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(syncs)
	for _, name := range names {
		if group.Err() != nil {
			break
		}
		g.Go(func() error { return b.files.Sync(name) })
	}
	return errors.Join(g.Wait(), context.Cause(ctx))
}

// syncedVolume syncs the volume and reports whether nothing was lost. Of a loss it
// is told once, and cannot know whose it is: after that it reports false of
// everything, and each file has to be asked.
func (b *Backend) syncedVolume(ctx context.Context) (bool, error) {
	v := b.volume()
	if v == nil {
		return false, nil
	}
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case lossy := <-b.lossy:
		lossy = lossy || v.Sync() != nil
		b.lossy <- lossy
		return !lossy, context.Cause(ctx)
	}
}

// staged is a temporary file.
type staged struct {
	b    *Backend
	name string
	gone bool // moved to its key, or removed
}

// Discard implements artifacts.Staged.
func (s *staged) Discard() error {
	if s.gone {
		return nil
	}
	s.gone = true
	if err := s.b.files.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.b.explain(err)
	}
	return nil
}
