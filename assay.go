// Package assay is the vocabulary every other package shares: what was asked,
// what was planned, what was observed, and how it ended.
//
//	Experiment --freeze--> Plan --execute--> Run --> Trace --project--> table --> Figure
//
// It holds types only: it imports nothing but the standard library, does no
// I/O, and knows no runtime, host or store. Read it first; the words are used
// with the same meaning everywhere.
package assay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// A Digest is the SHA-256 of some bytes. It is comparable; the zero Digest
// names nothing and is never stored.
type Digest [sha256.Size]byte

const digestPrefix = "sha256:"

// ParseDigest parses the form written by String: "sha256:" and 64 lower-case
// hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	hexed, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(hexed) != 2*len(d) || strings.ToLower(hexed) != hexed {
		return Digest{}, fmt.Errorf("digest %q: want %s and %d lower-case hexadecimal digits", s, digestPrefix, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(hexed)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// String returns "sha256:" and the digits.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex returns the digits alone.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// Short returns the first twelve digits, for people; never for identity.
func (d Digest) Short() string { return d.Hex()[:12] }

// IsZero reports whether d names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes the form that ParseDigest reads; the zero Digest is "".
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Digest{}
		return nil
	}
	*d, err = ParseDigest(string(b))
	return err
}
