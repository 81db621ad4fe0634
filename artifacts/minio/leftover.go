package minio

import (
	"context"
	"fmt"
	"iter"
	"strings"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
)

// Leftovers implements artifacts.Cleaner: it yields unfinished uploads in parts.
// A MinIO server that was started again does not list those from before, and
// removes them itself, when they are a day old.
func (b *Backend) Leftovers(ctx context.Context) iter.Seq2[artifacts.Leftover, error] {
	return func(yield func(artifacts.Leftover, error) bool) {
		ctx, cancel := context.WithCancel(ctx) // ends the goroutine of the listing
		defer cancel()
		// MinIO takes a prefix for a whole key here, so all of the bucket.
		for u := range b.core.ListIncompleteUploads(ctx, b.cfg.Bucket, "", true) {
			key, ours := b.key(u.Key)
			if u.Err == nil && !ours {
				continue
			}
			if u.Err != nil {
				yield(artifacts.Leftover{}, fmt.Errorf("list unfinished uploads: %w", b.explain(u.Err)))
				return
			}
			parts, err := b.arrived(ctx, u.Key, u.UploadID)
			if code(err) == "NoSuchUpload" {
				continue // it is finished
			}
			var size int64
			for _, p := range parts {
				size += p.Size
			}
			l := artifacts.Leftover{Name: key + uploadSeparator + u.UploadID, What: "unfinished upload", Size: size, ModTime: u.Initiated, Temporary: true}
			if !yield(l, err) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(artifacts.Leftover{}, fmt.Errorf("list unfinished uploads: %w", context.Cause(ctx))) // minio-go does not say it
		}
	}
}

// arrived returns the parts of an unfinished upload that the server holds.
func (b *Backend) arrived(ctx context.Context, name, id string) (parts []miniogo.ObjectPart, err error) {
	for marker := 0; ; {
		var r miniogo.ListObjectPartsResult
		err := b.retry(ctx, func() (err error) {
			r, err = b.core.ListObjectParts(ctx, b.cfg.Bucket, name, id, marker, maxParts)
			return err
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, r.ObjectParts...)
		if !r.IsTruncated || r.NextPartNumberMarker <= marker {
			return parts, nil
		}
		marker = r.NextPartNumberMarker
	}
}

// uploadSeparator is between key and upload in the name of a leftover.
const uploadSeparator = "?uploadId="

// Clean implements artifacts.Cleaner.
func (b *Backend) Clean(ctx context.Context, l artifacts.Leftover) error {
	key, id, ok := strings.Cut(l.Name, uploadSeparator)
	if !ok || !l.Temporary {
		return fmt.Errorf("clean %s: it is not an unfinished upload", l.Name)
	}
	return b.abort(ctx, b.name(key), id)
}
