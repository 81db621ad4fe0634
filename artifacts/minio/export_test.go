package minio

import (
	"context"
	"net/http"
	"strings"
	"time"

	miniogo "github.com/minio/minio-go/v7"
)

func init() { miniogo.DefaultRetryUnit = time.Millisecond } // it waits after the last attempt, too

// LoadCredentials is loadCredentials.
var LoadCredentials = loadCredentials

// Tuned says what tests change.
type Tuned struct {
	Lease, Header time.Duration
	Attempts      int
	Page          int
	Part, Memory  int64
	Wrap          func(http.RoundTripper) http.RoundTripper
	Offline       bool // do not look whether there is a store
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
	set(&l.page, t.Page)
	if t.Offline {
		return connect(cfg, l, t.Wrap)
	}
	return open(ctx, cfg, l, t.Wrap)
}

// Config returns what the store was opened with.
func (b *Backend) Config() Config { return b.cfg }

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

// Locks returns the objects of locks.
func (b *Backend) Locks(ctx context.Context) (keys []string) {
	for o, err := range b.objects(ctx, lockPrefix) {
		key, _ := b.key(o.Key)
		keys = append(keys, key)
		if err != nil {
			keys = append(keys, err.Error())
		}
	}
	return keys
}

// ExpireLocks deletes leases and the gate, as time would.
func (b *Backend) ExpireLocks(ctx context.Context) error {
	for _, key := range b.Locks(ctx) {
		if err := b.dropLock(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Versions returns the keys of all versions in the store and of all marks of deletions.
func (b *Backend) Versions(ctx context.Context) (keys []string) {
	for o, err := range b.allVersions(ctx, "") {
		key, _ := b.key(o.Key)
		keys = append(keys, key)
		if err != nil {
			keys = append(keys, err.Error())
		}
	}
	return keys
}

// Client returns what the store speaks to the server with.
func (b *Backend) Client() *miniogo.Client { return b.core.Client }

// Meddle changes the first part of an unfinished upload.
func (b *Backend) Meddle(ctx context.Context, key string, part []byte) error {
	u := &upload{b: b, name: b.name(key)}
	if err := u.resume(ctx); err != nil {
		return err
	}
	u.have, u.parts = nil, make([]miniogo.CompletePart, 1)
	return u.sendPart(ctx, 0, part)
}
