// Package artifacts keeps bytes under their digests and names the ones that
// matter.
//
// A Store is a content-addressed view of a Backend. Bytes go in by Put and come
// out by Open, which fails with ErrCorrupt in place of io.EOF if they changed.
// A reference is a name for a digest; what no reference reaches, GC removes,
// and Check says all that is wrong.
//
// The package parses nothing it keeps: which blob names which others is told by
// the caller, as a Children function. It never returns unverified bytes as
// good, never acknowledges what a power cut could take back, and never removes
// what it cannot prove to be unreachable. docs/store.md has the layout on disk.
package artifacts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/assay-notebooks/assay"
)

// ErrCorrupt reports stored bytes that are not the ones that were put.
var ErrCorrupt = errors.New("corrupt: content does not match its digest")

// ErrTooLarge reports a blob longer than the caller will take.
var ErrTooLarge = errors.New("too large")

// A Store keeps blobs by digest, and references to them. It is safe for
// concurrent use, as is its Backend by many Stores in many processes.
type Store struct {
	b      Backend
	copies []Named // that Open and ReadAll fall through to
}

// New returns the store that is kept in b.
func New(b Backend) *Store { return &Store{b: b} }

// Put keeps the bytes of r and returns their digest and length. When it has
// returned without an error they are durable.
//
// Bytes the store has already are not written again, but they are read: if they
// are not what their digest says, the ones from r take their place, so that
// putting a blob again repairs it. Either way the blob counts as new for GC.
func (s *Store) Put(ctx context.Context, r io.Reader) (assay.Digest, int64, error) {
	batch := s.Batch()
	d, n, err := batch.Put(ctx, r)
	if err != nil {
		return assay.Digest{}, 0, err
	}
	if err := batch.Commit(ctx); err != nil {
		return assay.Digest{}, 0, err
	}
	return d, n, nil
}

// PutBytes is Put for bytes in memory.
func (s *Store) PutBytes(ctx context.Context, b []byte) (assay.Digest, error) {
	d, _, err := s.Put(ctx, bytes.NewReader(b))
	return d, err
}

// Open returns the bytes of d, which the caller closes. Its reader fails with
// ErrCorrupt, in place of io.EOF, if they are not the ones that were put: who
// stops before the end has read unverified bytes. A digest the store does not
// hold is an error matching fs.ErrNotExist.
func (s *Store) Open(ctx context.Context, d assay.Digest) (io.ReadCloser, error) {
	if len(s.copies) > 0 && !isAlone(ctx) {
		return s.openBehind(ctx, d)
	}
	rc, _, err := s.open(ctx, d)
	return rc, err
}

// open opens d in this store alone.
func (s *Store) open(ctx context.Context, d assay.Digest) (io.ReadCloser, Info, error) {
	if d.IsZero() {
		return nil, Info{}, errors.New("open: the zero digest names nothing")
	}
	rc, info, err := s.b.Get(ctx, blobKey(d))
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %v: %w", d, err)
	}
	return &verifier{rc: rc, h: sha256.New(), want: d}, info, nil
}

// File returns the file in which the storage keeps d, which the caller closes, or
// ErrUnsupported. Its bytes are not verified: that is for whoever it is sent to.
func (s *Store) File(ctx context.Context, d assay.Digest) (*os.File, error) {
	filer, ok := s.b.(Filer)
	if !ok {
		return nil, fmt.Errorf("open the file of %v: %w", d, errors.ErrUnsupported)
	}
	f, err := filer.File(ctx, blobKey(d))
	if err != nil {
		return nil, fmt.Errorf("open the file of %v: %w", d, err)
	}
	return f, nil
}

// ReadAll returns the bytes of d, verified. A blob longer than limit bytes is
// ErrTooLarge, and is not read.
func (s *Store) ReadAll(ctx context.Context, d assay.Digest, limit int64) ([]byte, error) {
	if w := walkOf(ctx, s); w != nil {
		return w.readAll(ctx, d, limit)
	}
	b, err := s.readAll(ctx, d, limit)
	if err != nil && len(s.copies) > 0 && !isAlone(ctx) {
		return s.readBehind(ctx, d, limit, err)
	}
	return b, err
}

// readAll reads d in this store alone.
func (s *Store) readAll(ctx context.Context, d assay.Digest, limit int64) ([]byte, error) {
	rc, info, err := s.open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	if err := tooLarge(d, info.Size, limit); err != nil {
		return nil, err
	}
	return readWhole(&limited{ReadCloser: rc, digest: d, limit: limit}, info.Size)
}

// readWhole returns the bytes of a reader that verifies them.
func readWhole(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(size) + bytes.MinRead)
	if _, err := b.ReadFrom(r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Stat returns the length of d in bytes. It reads and verifies nothing.
func (s *Store) Stat(ctx context.Context, d assay.Digest) (int64, error) {
	if d.IsZero() {
		return 0, errors.New("stat: the zero digest names nothing")
	}
	info, err := s.b.Stat(ctx, blobKey(d))
	if err != nil {
		return 0, fmt.Errorf("stat %v: %w", d, err)
	}
	return info.Size, nil
}

// has reports whether the store holds d. It reads and verifies nothing.
func (s *Store) has(ctx context.Context, d assay.Digest) (bool, error) {
	_, err := s.Stat(ctx, d)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// verify reads d, in this store alone, to its end.
func (s *Store) verify(ctx context.Context, d assay.Digest) (int64, error) {
	rc, _, err := s.open(ctx, d)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, contextReader{ctx, rc})
	return n, errors.Join(err, rc.Close())
}

// lock takes the backend's lock where it has one.
func (s *Store) lock(ctx context.Context, exclusive bool) (unlock func() error, err error) {
	if l, ok := s.b.(Locker); ok {
		return l.Lock(ctx, exclusive)
	}
	return func() error { return nil }, nil
}

const blobPrefix = "blobs/sha256/"

func blobKey(d assay.Digest) string { return blobPrefix + d.Hex() }

func parseBlobKey(key string) (assay.Digest, bool) {
	hexed, ok := strings.CutPrefix(key, blobPrefix)
	if !ok {
		return assay.Digest{}, false
	}
	d, err := assay.ParseDigest("sha256:" + hexed)
	return d, err == nil
}

// A verifier fails with ErrCorrupt in place of io.EOF.
type verifier struct {
	rc   io.ReadCloser
	h    hash.Hash
	want assay.Digest
	err  error // what every Read after the last returns
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.rc.Read(p)
	v.h.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF:
		v.err = fmt.Errorf("read %v: %w", v.want, err)
	case assay.Digest(v.h.Sum(nil)) != v.want:
		v.err = fmt.Errorf("read %v: %w; put the same bytes again to repair it", v.want, ErrCorrupt)
	default:
		v.err = io.EOF
	}
	return n, v.err
}

func (v *verifier) Close() error { return v.rc.Close() }

func tooLarge(d assay.Digest, size, limit int64) error {
	if size <= limit {
		return nil
	}
	return fmt.Errorf("read %v: %d bytes, limit is %d: %w", d, size, limit, ErrTooLarge)
}

// A limited fails with ErrTooLarge after more than limit bytes: what a storage
// says of a length need not be true.
type limited struct {
	io.ReadCloser
	digest assay.Digest
	n      int64
	limit  int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.n += int64(n)
	if large := tooLarge(l.digest, l.n, l.limit); large != nil {
		return n, large
	}
	return n, err
}

// A contextReader fails when its context has ended.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
