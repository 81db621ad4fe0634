// Package filedigest says which bytes a file has: what a run record pins of a
// program, and what a cache checks before it trusts a copy.
package filedigest

import (
	"crypto/sha256"
	"io"
	"os"

	"github.com/assay-notebooks/assay"
)

// Of returns the digest of the file at path. It reads all of it, in bounded
// memory.
func Of(path string) (assay.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return assay.Digest{}, err
	}
	defer f.Close()
	return From(f)
}

// From returns the digest of all that r gives.
func From(r io.Reader) (assay.Digest, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return assay.Digest{}, err
	}
	return assay.Digest(h.Sum(nil)), nil
}
