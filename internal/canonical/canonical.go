// Package canonical writes JSON in one way only, so that its digest is an
// identity: RFC 8785 (JCS). It refuses to encode what JCS cannot keep: a
// number beyond 2^53 must be written as a string by its type.
package canonical

import (
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/assay-notebooks/assay"
)

// JSON returns v as canonical JSON.
func JSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON of %T: %w", v, err)
	}
	out, err := jcs.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON of %T: %w", v, err)
	}
	return out, nil
}

// Digest returns the digest of v's canonical JSON.
func Digest(v any) (assay.Digest, error) {
	b, err := JSON(v)
	if err != nil {
		return assay.Digest{}, err
	}
	return assay.DigestOf(b), nil
}
