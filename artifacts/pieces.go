package artifacts

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/underway"
)

// limit returns how long a blob may be.
func (c *copier) limit(d assay.Digest) int64 {
	if c.opts.Size != nil {
		if size := c.opts.Size(d); size >= 0 {
			return min(size, c.opts.MaxBytes)
		}
	}
	return c.opts.MaxBytes
}

// open opens a blob of the source, which fails with ErrTooLarge when it is
// longer than it may be; where its length is known, at once.
func (c *copier) open(ctx context.Context, n *node) (io.ReadCloser, error) {
	limit := c.limit(n.digest)
	if n.bytes != nil {
		return io.NopCloser(bytes.NewReader(n.bytes)), tooLarge(n.digest, int64(len(n.bytes)), limit)
	}
	var rc io.ReadCloser
	var info Info
	var err error
	if len(c.from.copies) > 0 {
		rc, err = c.from.Open(ctx, n.digest)
	} else if rc, info, err = c.from.open(ctx, n.digest); err == nil {
		if err = tooLarge(n.digest, info.Size, limit); err != nil {
			err = errors.Join(err, rc.Close())
		}
	}
	if err != nil {
		return nil, err
	}
	return &limited{ReadCloser: rc, digest: n.digest, limit: limit}, nil
}

// pieces returns the bytes of a blob for random access: those in memory, the
// file of a local store, or a copy in the system's temporary directory. Of a
// local file they are not verified: Upload does that.
func (c *copier) pieces(ctx context.Context, n *node) (r io.ReaderAt, size int64, closeFile func() error, err error) {
	limit := c.limit(n.digest)
	if n.bytes != nil {
		size = int64(len(n.bytes))
		return bytes.NewReader(n.bytes), size, func() error { return nil }, tooLarge(n.digest, size, limit)
	}
	if rc, info, err := c.from.b.Get(ctx, blobKey(n.digest)); err == nil {
		if r, ok := rc.(io.ReaderAt); ok && info.Size <= limit {
			return r, info.Size, rc.Close, nil
		}
		if err := rc.Close(); err != nil {
			return nil, 0, nil, err
		}
	}
	rc, err := c.open(ctx, n)
	if err != nil {
		return nil, 0, nil, err
	}
	f, size, err := spool(contextReader{ctx, rc})
	closeErr := rc.Close()
	switch {
	case err != nil:
		return nil, 0, nil, errors.Join(err, closeErr)
	case closeErr != nil:
		return nil, 0, nil, errors.Join(closeErr, f.Discard())
	}
	return (*os.File)(f), size, f.Discard, nil
}

// A sourceAt remembers why it could not be read. It is safe for concurrent use.
type sourceAt struct {
	r   io.ReaderAt
	way *underway.Blob
	mu  sync.Mutex
	err error
}

func (s *sourceAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	s.way.Reached(off + int64(n))
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *sourceAt) error() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
