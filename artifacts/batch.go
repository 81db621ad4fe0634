package artifacts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/assay-notebooks/assay"
)

// A Batch puts many blobs for little more than the price of one durable write.
// Nothing put is promised, or seen by readers, before Commit has returned. A
// Batch is not safe for concurrent use, and not used after Commit or Discard.
type Batch struct {
	s          *Store
	stager     Stager
	seen       map[assay.Digest]bool
	placements []Placement
}

// Batch returns a new, empty batch. The caller ends it by Commit or Discard.
func (s *Store) Batch() *Batch {
	return &Batch{s: s, stager: s.stager(), seen: map[assay.Digest]bool{}}
}

func (s *Store) stager() Stager {
	if stager, ok := s.b.(Stager); ok {
		return stager
	}
	return spooler{s.b}
}

// Put adds the bytes of r, as Store.Put does. After an error the batch is as
// it was before.
func (b *Batch) Put(ctx context.Context, r io.Reader) (assay.Digest, int64, error) {
	h := sha256.New()
	count := counter{r: io.TeeReader(contextReader{ctx, r}, h)}
	staged, err := b.stager.Stage(ctx, &count)
	if err != nil {
		return assay.Digest{}, 0, fmt.Errorf("put: %w", err)
	}
	d := assay.Digest(h.Sum(nil))
	if err := b.add(ctx, d, staged); err != nil {
		return assay.Digest{}, 0, err
	}
	return d, count.n, nil
}

// PutBytes is Put for bytes in memory that must be those of d: others are
// ErrCorrupt.
func (b *Batch) PutBytes(ctx context.Context, d assay.Digest, data []byte) error {
	staged, err := stageBytes(ctx, b.stager, d, data)
	if err != nil {
		return err
	}
	return b.add(ctx, d, staged)
}

func stageBytes(ctx context.Context, stager Stager, d assay.Digest, data []byte) (Staged, error) {
	if got := assay.DigestOf(data); got != d {
		return nil, fmt.Errorf("put %v: these are the bytes of %v: %w", d, got, ErrCorrupt)
	}
	staged, err := stager.Stage(ctx, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("put %v: %w", d, err)
	}
	return staged, nil
}

// add adds the staged bytes of d.
func (b *Batch) add(ctx context.Context, d assay.Digest, staged Staged) error {
	if b.seen[d] {
		return staged.Discard()
	}
	p, err := b.s.placement(ctx, d, staged)
	if err != nil {
		return err
	}
	b.seen[d] = true
	b.placements = append(b.placements, p)
	return nil
}

// placement says where the staged bytes of d go. If the store has them, they
// are kept; an unreadable or wrong blob is replaced: that is the repair.
func (s *Store) placement(ctx context.Context, d assay.Digest, staged Staged) (Placement, error) {
	_, err := s.verify(ctx, d)
	if ctx.Err() != nil {
		return Placement{}, errors.Join(fmt.Errorf("put %v: %w", d, context.Cause(ctx)), staged.Discard())
	}
	return Placement{Key: blobKey(d), Staged: staged, Keep: err == nil}, nil
}

// Commit makes all that was put durable and visible. After an error some of it
// may be kept; putting it again is safe.
func (b *Batch) Commit(ctx context.Context) error {
	if len(b.placements) == 0 {
		return nil
	}
	err := b.s.commit(ctx, b.placements)
	if err != nil {
		err = fmt.Errorf("put: %w", err)
	}
	return errors.Join(err, b.Discard())
}

// commit makes placements durable and visible under one shared hold of the
// lock.
func (s *Store) commit(ctx context.Context, placements []Placement) error {
	unlock, err := s.lock(ctx, false)
	if err != nil {
		return err
	}
	return errors.Join(s.stager().Commit(ctx, placements), unlock())
}

// Discard gives up what was put and not committed.
func (b *Batch) Discard() error {
	placements := b.placements
	b.placements = nil
	return discard(placements)
}

func discard(placements []Placement) error {
	var errs []error
	for _, p := range placements {
		errs = append(errs, p.Staged.Discard())
	}
	return errors.Join(errs...)
}

// A counter counts the bytes read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// A spooler stages in the system's temporary directory, for a Backend that
// must know the key first.
type spooler struct{ b Backend }

func (s spooler) Stage(_ context.Context, r io.Reader) (Staged, error) {
	f, _, err := spool(r)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Commit puts kept ones again, too: that is how a plain Backend refreshes.
func (s spooler) Commit(ctx context.Context, placements []Placement) error {
	for _, p := range placements {
		f := (*os.File)(p.Staged.(*spooled))
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := s.b.Put(ctx, p.Key, f, Condition{}); err != nil {
			return err
		}
	}
	return nil
}

// spooled is a file in the system's temporary directory.
type spooled os.File

// spool copies r to a file, and returns its length.
func spool(r io.Reader) (*spooled, int64, error) {
	f, err := os.CreateTemp("", "assay-put-")
	if err != nil {
		return nil, 0, err
	}
	n, err := io.Copy(f, r)
	if err != nil {
		return nil, 0, errors.Join(err, (*spooled)(f).Discard())
	}
	return (*spooled)(f), n, nil
}

func (f *spooled) Discard() error {
	file := (*os.File)(f)
	if err := file.Close(); errors.Is(err, fs.ErrClosed) {
		return nil
	} else if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Remove(file.Name())
}
