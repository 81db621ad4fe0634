package artifacts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// maxGuess is how much of a malformed reference is looked at, in bytes.
const maxGuess = 4 << 10

// guess returns how the digests begin, in hex, to which a malformed reference may
// have been one. "" is any digest.
func (s *Store) guess(ctx context.Context, name string) ([]string, error) {
	if version := path.Base(name); wholeDigest.MatchString(version) && len(version) == 64 {
		return []string{version}, nil // the name of a version says it
	}
	rc, _, err := s.b.Get(ctx, refPrefix+name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // deleted meanwhile
	}
	if err != nil {
		return nil, fmt.Errorf("reference %s: %w", name, err)
	}
	value, err := io.ReadAll(io.LimitReader(rc, maxGuess))
	if err = errors.Join(err, rc.Close()); err != nil {
		return nil, fmt.Errorf("reference %s: %w", name, err)
	}
	return guesses(value), nil
}

var (
	wholeDigest = regexp.MustCompile("[0-9a-f]{64}")
	cutDigest   = regexp.MustCompile("^[0-9a-f]*$")
)

// guesses is guess for the value of a reference.
func guesses(value []byte) []string {
	if whole := wholeDigest.FindAllString(string(value), -1); whole != nil {
		return whole
	}
	text := string(bytes.Trim(value, "\x00 \t\r\n"))
	if text == "" || int64(len(value)) == maxRef || strings.HasPrefix("sha256:", text) {
		return []string{""}
	}
	if hex, ok := strings.CutPrefix(text, "sha256:"); ok && cutDigest.MatchString(hex) {
		return []string{hex}
	}
	return nil
}
