package minio

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"sync"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay/artifacts"
)

// A Mode says who can end a retention before its date.
type Mode string

// The modes.
const (
	Governance Mode = "governance" // those with the right to bypass it
	Compliance Mode = "compliance" // nobody
)

// ParseMode reads the name of a mode.
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); m == Governance || m == Compliance {
		return m, nil
	}
	return "", fmt.Errorf("retention mode %q: want %s or %s", s, Governance, Compliance)
}

// A Retention is until when the server refuses to delete a value. The zero
// Retention is none.
type Retention struct {
	Mode  Mode      `json:"mode"`
	Until time.Time `json:"until"`
}

// covers reports whether r keeps a value as long and as well as want.
func (r Retention) covers(want Retention) bool {
	return !r.Until.Before(want.Until) && (r.Mode == want.Mode || r.Mode == Compliance)
}

// Retain makes the server refuse to delete the values of keys before until. A
// retention that is longer or stronger already is kept; one in compliance mode
// goes on in that. A bucket that was made without object lock is an error
// matching errors.ErrUnsupported. After an error, which has all problems, the
// other keys are retained.
func (b *Backend) Retain(ctx context.Context, keys []string, until time.Time, mode Mode) error {
	if _, err := ParseMode(string(mode)); err != nil {
		return err
	}
	want := Retention{mode, until.UTC().Truncate(time.Second)} // the resolution of the server
	var g errgroup.Group
	g.SetLimit(commits)
	var mu sync.Mutex
	var errs []error
	for _, key := range keys {
		g.Go(func() error {
			if err := b.retain(ctx, key, want); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("retain %s: %w", key, err))
			}
			return nil
		})
	}
	return errors.Join(append(errs, g.Wait())...)
}

func (b *Backend) retain(ctx context.Context, key string, want Retention) error {
	is, err := b.Retention(ctx, key)
	if err != nil {
		return err
	}
	if is.covers(want) {
		return nil
	}
	if is.Mode == Compliance {
		want.Mode = Compliance
	}
	if is.Until.After(want.Until) {
		want.Until = is.Until
	}
	mode := miniogo.RetentionMode(strings.ToUpper(string(want.Mode)))
	return b.retry(ctx, func() error {
		return b.core.PutObjectRetention(ctx, b.cfg.Bucket, b.name(key), miniogo.PutObjectRetentionOptions{
			Mode: &mode, RetainUntilDate: &want.Until,
			GovernanceBypass: is.Mode == Governance && want.Mode == Compliance, // the server takes that for a weakening
		})
	})
}

// CanRetain returns nil if the bucket can retain values, and an error matching
// errors.ErrUnsupported if it was made without object lock.
func (b *Backend) CanRetain(ctx context.Context) error {
	_, err := b.retention(ctx, formatKey, "")
	return err
}

// Retention returns the retention of the value of key.
func (b *Backend) Retention(ctx context.Context, key string) (Retention, error) {
	if err := artifacts.CheckKey(key); err != nil {
		return Retention{}, err
	}
	return b.retention(ctx, key, "")
}

func (b *Backend) retention(ctx context.Context, key, version string) (Retention, error) {
	var r Retention
	err := b.retry(ctx, func() error {
		mode, until, err := b.core.GetObjectRetention(ctx, b.cfg.Bucket, b.name(key), version)
		if err == nil && mode != nil && until != nil {
			r = Retention{Mode(strings.ToLower(mode.String())), *until}
		}
		return err
	})
	switch {
	case code(err) == "NoSuchObjectLockConfiguration":
		return Retention{}, nil
	case code(err) == "InvalidRequest":
		return Retention{}, fmt.Errorf("bucket %s was made without object lock: %w: %w; archive to a store in a bucket with it",
			b.cfg.Bucket, errors.ErrUnsupported, err)
	}
	return r, err
}

// MaxLink is the longest life of a link, the rule of S3.
const MaxLink = 7 * 24 * time.Hour

// Link returns an address at which anyone can read the value of key, until
// expires has passed or the credentials it is signed with end. A browser saves
// it as fileName.
func (b *Backend) Link(ctx context.Context, key, fileName string, expires time.Duration) (string, error) {
	if expires < time.Second || expires > MaxLink {
		return "", fmt.Errorf("link: it cannot expire in %v; choose 1s to %v", expires, MaxLink)
	}
	if _, err := b.Stat(ctx, key); err != nil {
		return "", fmt.Errorf("link %s: %w", key, err)
	}
	params := url.Values{"response-content-disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": fileName})}}
	u, err := b.core.PresignedGetObject(ctx, b.cfg.Bucket, b.name(key), expires, params)
	if err != nil {
		return "", fmt.Errorf("link %s: %w", key, b.explain(err))
	}
	return u.String(), nil
}
