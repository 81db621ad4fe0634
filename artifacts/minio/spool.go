package minio

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/assay-notebooks/assay/artifacts"
)

// spooled is bytes that wait on this machine until their key, length and digest
// are known: small ones in memory, large ones in a file without a name, of which
// a killed process leaves nothing.
type spooled struct {
	small []byte
	file  *os.File
	size  int64
	sum   string
}

var _ artifacts.Staged = (*spooled)(nil)

// spool reads r to its end.
func (b *Backend) spool(r io.Reader) (*spooled, error) {
	h := sha256.New()
	r = io.TeeReader(r, h)
	s := new(spooled)
	var small bytes.Buffer
	n, err := io.CopyN(&small, r, b.limits.memory+1)
	switch {
	case err == io.EOF:
		s.small = small.Bytes()
	case err != nil:
		return nil, err
	default:
		if s.file, err = unnamed(); err != nil {
			return nil, err
		}
		n, err = io.Copy(s.file, io.MultiReader(&small, r))
		if err != nil {
			return nil, errors.Join(err, s.Discard())
		}
	}
	s.size, s.sum = n, hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// unnamed returns a file in the system's temporary directory that goes when it
// is closed.
func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "assay-put-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (s *spooled) content() content {
	if s.file != nil {
		return content{s.file, s.size, s.sum}
	}
	return content{bytes.NewReader(s.small), s.size, s.sum}
}

// value returns a string as content.
func value(v string) content {
	sum := sha256.Sum256([]byte(v))
	return content{bytes.NewReader([]byte(v)), int64(len(v)), hex.EncodeToString(sum[:])}
}

// Discard implements artifacts.Staged.
func (s *spooled) Discard() error {
	s.small = nil
	if s.file == nil {
		return nil
	}
	if err := s.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
