package minio

import (
	"context"
	"net/http"
	"time"
)

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
	set(&l.memory, t.Memory)
	return open(ctx, cfg, l, t.Wrap)
}

func set[T comparable](to *T, v T) {
	if v != *new(T) {
		*to = v
	}
}
