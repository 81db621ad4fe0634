package minio

import (
	"context"
	"io"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
)

// get opens the value of a key, also of one that CheckKey refuses.
func (b *Backend) get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	return b.getVersion(ctx, key, "")
}

// getVersion is get of a version of the object, "" for the one it has.
func (b *Backend) getVersion(ctx context.Context, key, version string) (io.ReadCloser, artifacts.Info, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{ctx: ctx, cancel: cancel, b: b, key: key, version: version}
	if err := b.retry(ctx, r.open); err != nil {
		cancel()
		return nil, artifacts.Info{}, err
	}
	info := describe(r.info)
	r.end = info.Size
	return r, info, nil
}

// A reader reads one value, over as many requests as it takes: one, unless it
// breaks. Several at once, each ahead of the reader in memory of its own, took
// more time of the processor and no less of the clock.
type reader struct {
	ctx          context.Context
	cancel       func() // by Close
	b            *Backend
	key, version string

	body io.ReadCloser
	info miniogo.ObjectInfo // of the last answer
	etag string             // of the value: the same in all answers
	at   int64              // the next byte
	end  int64              // the byte after the last; 0 before the first answer
	err  error
}

// open asks for what has not been read.
func (r *reader) open() error {
	opts := miniogo.GetObjectOptions{VersionID: r.version}
	if r.end > 0 {
		if err := opts.SetRange(r.at, r.end-1); err != nil {
			return err
		}
	}
	if r.etag != "" {
		if err := opts.SetMatchETag(r.etag); err != nil {
			return err
		}
	}
	body, info, _, err := r.b.core.GetObject(r.ctx, r.b.cfg.Bucket, r.b.name(r.key), opts)
	if err != nil {
		return err
	}
	r.body, r.info, r.etag = body, info, info.ETag
	return nil
}

func (r *reader) Read(p []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	r.err = r.b.retry(r.ctx, func() error {
		if r.body == nil {
			if err := r.open(); err != nil {
				return err
			}
		}
		n, err = r.body.Read(p)
		r.at += int64(n)
		if n > 0 || err == io.EOF && r.at == r.end {
			return nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			r.body.Close() // it broke
			r.body = nil
		}
		return err
	})
	switch {
	case r.err != nil:
		return n, r.err
	case n == 0 && r.at == r.end:
		r.err = io.EOF
	}
	return n, r.err
}

func (r *reader) Close() error {
	defer r.cancel()
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}
