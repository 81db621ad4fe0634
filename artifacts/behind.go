package artifacts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/assay-notebooks/assay"
)

// Named is a store and the name people know it by.
type Named struct {
	Name  string
	Store *Store

	// Healed, if set, is told that d was read from this store: for nil, it has
	// been put back into the store in front; otherwise the error says why not.
	// It is called by the goroutine that reads.
	Healed func(d assay.Digest, err error)
}

// Behind returns a Store on the backend of s that has copies to fall back on.
// When it lacks a blob, or holds it damaged or unreadable, Open and ReadAll read
// the copies in turn, verify, and put the good bytes back into s, which heals
// it. When they cannot be put back (a full disk, a read-only one), they are
// returned all the same. When no copy has them, the error is that of s joined
// with those of the copies; how long an unreachable one is waited for is its
// backend's business and ctx's.
//
// Open verifies up front what is not large. Of a large blob it cannot take back
// what it has already handed out: its reader heals the blob and fails with
// ErrCorrupt, in place of io.EOF, and the error says to read it again.
//
// Nothing but Open and ReadAll falls through: Stat, Check, GC and references are
// those of s alone. Children given to Check and GC read s alone, too.
func (s *Store) Behind(copies ...Named) *Store { return &Store{b: s.b, copies: copies} }

// verifyFirst is the size, in bytes, up to which a Store with copies verifies a
// blob before it hands out any of it.
const verifyFirst = 1 << 20

// openBehind is Open for a Store with copies.
func (s *Store) openBehind(ctx context.Context, d assay.Digest) (io.ReadCloser, error) {
	rc, info, err := s.open(ctx, d)
	if err == nil {
		if info.Size > verifyFirst {
			return &mender{rc: rc, mend: func(err error) error { return s.mend(ctx, d, err) }}, nil
		}
		b, readErr := readWhole(rc, info.Size)
		if err = errors.Join(readErr, rc.Close()); err == nil {
			return io.NopCloser(bytes.NewReader(b)), nil
		}
	}
	errs := []error{err}
	for _, from := range s.copies {
		if d.IsZero() || ctx.Err() != nil {
			break
		}
		readErr, writeErr := s.restore(ctx, d, from)
		if readErr != nil {
			errs = append(errs, from.explain(readErr))
			continue
		}
		from.tell(d, writeErr)
		if writeErr == nil {
			if rc, _, err = s.open(ctx, d); err == nil {
				return rc, nil
			}
		}
		if rc, err = from.Store.Open(ctx, d); err == nil {
			return rc, nil
		}
		errs = append(errs, from.explain(err))
	}
	return nil, errors.Join(errs...)
}

// readBehind is ReadAll for a Store with copies, after its own bytes gave err.
func (s *Store) readBehind(ctx context.Context, d assay.Digest, limit int64, err error) ([]byte, error) {
	errs := []error{err}
	for _, from := range s.copies {
		if d.IsZero() || errors.Is(err, ErrTooLarge) || ctx.Err() != nil {
			break
		}
		b, err := from.Store.ReadAll(ctx, d, limit)
		if err != nil {
			errs = append(errs, from.explain(err))
			continue
		}
		_, err = s.replace(ctx, d, bytes.NewReader(b))
		from.tell(d, err)
		return b, nil
	}
	return nil, errors.Join(errs...)
}

// mend heals a large blob after some of it was handed out, and returns the
// error to read it with.
func (s *Store) mend(ctx context.Context, d assay.Digest, err error) error {
	errs := []error{err}
	for _, from := range s.copies {
		if ctx.Err() != nil {
			break
		}
		readErr, writeErr := s.restore(ctx, d, from)
		switch {
		case readErr != nil:
			errs = append(errs, from.explain(readErr))
			continue
		case writeErr != nil:
			from.tell(d, writeErr)
			return errors.Join(err, fmt.Errorf("store %s has it, and it cannot be put back: %w", from.Name, writeErr))
		}
		from.tell(d, nil)
		if errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("read %v: %w", d, ErrCorrupt)
		}
		return fmt.Errorf("%w; it was restored from store %s: read it again", err, from.Name)
	}
	return errors.Join(errs...)
}

// restore puts d into s in place of what it holds, read from a copy. It tells
// apart that the copy could not be read and that s could not be written.
func (s *Store) restore(ctx context.Context, d assay.Digest, from Named) (readErr, writeErr error) {
	rc, err := from.Store.Open(ctx, d)
	if err != nil {
		return err, nil
	}
	defer rc.Close()
	return s.replace(ctx, d, rc)
}

// replace makes the bytes of r, which verifies them, those of d.
func (s *Store) replace(ctx context.Context, d assay.Digest, r io.Reader) (readErr, writeErr error) {
	src := source{r: contextReader{ctx, r}}
	staged, err := s.stager().Stage(ctx, &src)
	switch {
	case src.err != nil:
		return src.err, nil
	case err != nil:
		return nil, err
	}
	err = s.commit(ctx, []Placement{{Key: blobKey(d), Staged: staged}})
	return nil, errors.Join(err, staged.Discard())
}

func (n Named) tell(d assay.Digest, err error) {
	if n.Healed != nil {
		n.Healed(d, err)
	}
}

func (n Named) explain(err error) error { return fmt.Errorf("store %s: %w", n.Name, err) }

// A source remembers why it could not be read.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// A mender heals what it finds damaged.
type mender struct {
	rc     io.ReadCloser
	mend   func(error) error
	mended bool
	err    error
}

func (m *mender) Read(p []byte) (int, error) {
	if m.mended {
		return 0, m.err
	}
	n, err := m.rc.Read(p)
	if err != nil && err != io.EOF {
		m.mended, m.err = true, m.mend(err)
		return n, m.err
	}
	return n, err
}

func (m *mender) Close() error { return m.rc.Close() }

// alone returns a context in which no Store falls through to its copies.
func alone(ctx context.Context) context.Context { return context.WithValue(ctx, aloneKey{}, true) }

func isAlone(ctx context.Context) bool { return ctx.Value(aloneKey{}) != nil }

type aloneKey struct{}
