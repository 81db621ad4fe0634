package minio

import (
	"context"
	"net/http"
	"strings"
	"time"

	miniogo "github.com/minio/minio-go/v7"
)

func init() { miniogo.DefaultRetryUnit = time.Millisecond } // it waits after the last attempt, too

// Tuned says what tests change.
type Tuned struct {
	Lease, Header time.Duration
	Attempts      int
	Part, Memory  int64
	Wrap          func(http.RoundTripper) http.RoundTripper
}

// OpenTuned is Open with limits that tests need not wait for.
func OpenTuned(ctx context.Context, cfg Config, t Tuned) (*Backend, error) {
	l := defaults
	l.backoff, l.poll = time.Millisecond, 50*time.Millisecond
	set(&l.lease, t.Lease)
	set(&l.header, t.Header)
	set(&l.stall, t.Header)
	set(&l.attempts, t.Attempts)
	set(&l.part, t.Part)
	set(&l.single, t.Part)
	set(&l.memory, t.Memory)
	return open(ctx, cfg, l, t.Wrap)
}

func set[T comparable](to *T, v T) {
	if v != *new(T) {
		*to = v
	}
}

// Abandon leaves an unfinished upload.
func (b *Backend) Abandon(ctx context.Context, key, value string) error {
	name := b.name(key)
	id, err := b.core.NewMultipartUpload(ctx, b.cfg.Bucket, name, miniogo.PutObjectOptions{})
	if err != nil {
		return err
	}
	_, err = b.core.PutObjectPart(ctx, b.cfg.Bucket, name, id, 1, strings.NewReader(value), int64(len(value)), miniogo.PutObjectPartOptions{})
	return err
}

// ExpireLocks deletes leases and the gate, as time would.
func (b *Backend) ExpireLocks(ctx context.Context) error {
	for o, err := range b.objects(ctx, lockPrefix) {
		if err != nil {
			return err
		}
		key, _ := b.key(o.Key)
		if err := b.erase(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
