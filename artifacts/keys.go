package artifacts

import "github.com/assay-notebooks/assay"

// BlobKey returns the key under which a Store keeps a blob: for what only its
// Backend can do with it.
func BlobKey(d assay.Digest) string { return blobKey(d) }

// RefKey returns the key under which a Store keeps a reference.
func RefKey(name string) string { return refPrefix + name }
