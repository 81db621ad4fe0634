// Package minio keeps artifacts in a bucket of an S3 endpoint, such as a MinIO
// server.
//
//	PREFIX/FORMAT                "assay.store.v1"
//	PREFIX/blobs/sha256/<hex>    one object a blob
//	PREFIX/refs/<name>           one object a reference
//	PREFIX/.lock/                leases of those that write or collect
//
// The storage verifies the SHA-256 of all that it is sent. Compare-and-swap is
// its conditional put, and whether a lock is stale is decided by its clock
// alone. Many processes on many machines can work in one bucket.
//
// The package keeps no credentials beyond memory and puts none into an error,
// never writes outside its prefix, and never makes a bucket unasked.
// docs/minio.md says what is promised and how it is tested.
package minio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/assay-notebooks/assay/artifacts"
)

const (
	formatKey = "FORMAT"
	format    = "assay.store.v1\n"
)

// A Config says where a store is and how to get in. It holds no secrets, so it
// can be written down.
type Config struct {
	// Endpoint is the server: https://HOST[:PORT]. Without a scheme it is
	// https; http must be written.
	Endpoint string `json:"endpoint" yaml:"endpoint"`
	Bucket   string `json:"bucket" yaml:"bucket"`
	// Prefix is the folder of the store in the bucket, "" for all of it.
	Prefix string `json:"prefix,omitempty" yaml:"prefix,omitempty"`
	// Region is asked of the server if "".
	Region string `json:"region,omitempty" yaml:"region,omitempty"`
	// CAFile has certificates in PEM that are trusted besides the system's.
	CAFile string `json:"ca,omitempty" yaml:"ca,omitempty"`
	// Credentials is a file, "" for the usual places; docs/minio.md has them.
	Credentials string `json:"credentials,omitempty" yaml:"credentials,omitempty"`
}

// ParseURL reads s3://BUCKET[/PREFIX].
func ParseURL(s string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("store address %q: want s3://BUCKET or s3://BUCKET/PREFIX", s)
	}
	if err := checkPlace(bucket, prefix); err != nil {
		return "", "", fmt.Errorf("store address %q: %w", s, err)
	}
	return bucket, prefix, nil
}

// checkPlace reports whether a store can be there.
func checkPlace(bucket, prefix string) error {
	if err := s3utils.CheckValidBucketNameStrict(bucket); err != nil {
		return err
	}
	if prefix == "" {
		return nil
	}
	// A prefix is made of what keys are made of, and leaves room for them.
	if err := artifacts.CheckKey("k/" + prefix); err != nil || len(prefix) > 512 {
		return fmt.Errorf("prefix %.40q: want at most 512 letters, digits and . _ - %% /", prefix)
	}
	return nil
}

// URL returns the address that ParseURL reads.
func (c Config) URL() string {
	if c.Prefix == "" {
		return "s3://" + c.Bucket
	}
	return "s3://" + c.Bucket + "/" + c.Prefix
}

// server returns the endpoint as minio-go takes it.
func (c Config) server() (host string, secure bool, err error) {
	s := c.Endpoint
	if s != "" && !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return "", false, errors.New("the endpoint is not https://HOST[:PORT]") // it may hold a password: not repeated
	}
	return u.Host, u.Scheme == "https", nil
}

// A Backend is an artifacts.Backend, and a Stager, Uploader, Remover, Locker and
// Cleaner, in a bucket. It is safe for concurrent use.
type Backend struct {
	cfg       Config
	core      miniogo.Core
	limits    limits
	parts     chan struct{}         // has one for each part of an upload in memory
	made      time.Time             // by the server's clock, which says seconds
	versioned bool                  // a delete hides a value until its versions are deleted
	exclusive atomic.Pointer[lease] // held by this Backend
}

// limits bound what a Backend waits for and keeps in memory.
type limits struct {
	attempts int           // of a request that may succeed when sent again
	backoff  time.Duration // before the second attempt; doubles
	header   time.Duration // from a request to its answer
	stall    time.Duration // without a byte, on a connection in use
	lease    time.Duration // after which a silent lock holder is taken for dead
	poll     time.Duration // between looks at a lock, at most
	single   int64         // bytes of a value that goes in one request; larger ones go in parts
	part     int64         // bytes of a part
	parallel int           // parts of one value in memory
	parts    int           // parts of all uploads in memory
	memory   int64         // bytes of a staged value kept in memory
	page     int           // objects in one answer of a listing
}

var defaults = limits{
	attempts: 4,
	backoff:  100 * time.Millisecond,
	header:   30 * time.Second,
	stall:    30 * time.Second,
	lease:    30 * time.Second,
	poll:     time.Second,
	single:   64 << 20,
	part:     16 << 20,
	parallel: 4,
	parts:    8,
	memory:   256 << 10,
	page:     1000,
}

var (
	_ artifacts.Backend  = (*Backend)(nil)
	_ artifacts.Stager   = (*Backend)(nil)
	_ artifacts.Remover  = (*Backend)(nil)
	_ artifacts.Locker   = (*Backend)(nil)
	_ artifacts.Cleaner  = (*Backend)(nil)
	_ artifacts.Uploader = (*Backend)(nil)
)

// Open returns the store at cfg, which Create made. It writes nothing. Its
// errors match ErrUnreachable, ErrDenied, ErrNoBucket, ErrNoStore or ErrClock.
func Open(ctx context.Context, cfg Config) (*Backend, error) { return open(ctx, cfg, defaults, nil) }

// open is Open with limits, and with wrap around what sends requests.
func open(ctx context.Context, cfg Config, l limits, wrap func(http.RoundTripper) http.RoundTripper) (*Backend, error) {
	b, err := connect(cfg, l, wrap)
	if err == nil {
		err = b.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", cfg.URL(), err)
	}
	return b, nil
}

func (b *Backend) open(ctx context.Context) error {
	rc, info, err := b.get(ctx, formatKey)
	if errors.Is(err, fs.ErrNotExist) {
		return &remedied{ErrNoStore, err, "create one there, or name the right bucket and prefix"}
	}
	if err != nil {
		return err
	}
	got, err := io.ReadAll(io.LimitReader(rc, 80))
	if err = errors.Join(err, rc.Close()); err != nil {
		return err
	}
	if string(got) != format {
		return fmt.Errorf("its format is %q, this program knows %q; use the program that made it", got, format)
	}
	b.made = info.ModTime
	return b.retry(ctx, func() error {
		v, err := b.core.GetBucketVersioning(ctx, b.cfg.Bucket)
		b.versioned = v.Status != ""
		if code(err) == "NotImplemented" || code(err) == "MethodNotAllowed" {
			return nil
		}
		return err
	})
}

// CreateOptions say what Create may do to the bucket.
type CreateOptions struct {
	MakeBucket bool `json:"make_bucket"` // make it, if there is none
	ObjectLock bool `json:"object_lock"` // it must be able to retain objects: MakeBucket makes it so
}

// Create makes a store at cfg, if there is none yet, and opens it. Several
// processes can do so at once. Without MakeBucket a missing bucket is
// ErrNoBucket. A store inside of another is refused, and so is one around
// another, if that is among the first 100,000 objects below the prefix.
func Create(ctx context.Context, cfg Config, opts CreateOptions) (*Backend, error) {
	b, err := connect(cfg, defaults, nil)
	if err == nil {
		err = b.create(ctx, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("create store %s: %w", cfg.URL(), err)
	}
	return b, nil
}

func (b *Backend) create(ctx context.Context, opts CreateOptions) error {
	if opts.MakeBucket {
		err := b.retry(ctx, func() error {
			return b.core.MakeBucket(ctx, b.cfg.Bucket, miniogo.MakeBucketOptions{Region: b.cfg.Region, ObjectLocking: opts.ObjectLock})
		})
		if err != nil && code(err) != "BucketAlreadyOwnedByYou" && code(err) != "BucketAlreadyExists" {
			return err
		}
	}
	if opts.ObjectLock {
		err := b.retry(ctx, func() error {
			_, _, _, _, err := b.core.GetObjectLockConfig(ctx, b.cfg.Bucket)
			return err
		})
		if code(err) == "ObjectLockConfigurationNotFoundError" {
			return fmt.Errorf("bucket %s was made without object lock, which cannot be added: %w; take a new bucket", b.cfg.Bucket, errors.ErrUnsupported)
		}
		if err != nil {
			return err
		}
	}
	if err := b.alone(ctx); err != nil {
		return err
	}
	if _, err := b.put(ctx, formatKey, value(format), artifacts.Condition{IfAbsent: true}); err != nil && !errors.Is(err, artifacts.ErrConflict) {
		return err
	}
	return b.open(ctx)
}

// alone returns an error if there is no store yet, and would be one inside of
// another, whose check finds strays then. What these credentials may not see is
// taken for none.
func (b *Backend) alone(ctx context.Context) error {
	for at := b.cfg; ; at.Prefix = at.Prefix[:max(0, strings.LastIndexByte(at.Prefix, '/'))] {
		err := b.retry(ctx, func() error {
			_, err := b.core.StatObject(ctx, b.cfg.Bucket, (&Backend{cfg: at}).name(formatKey), miniogo.StatObjectOptions{})
			return err
		})
		switch {
		case err == nil && at.Prefix == b.cfg.Prefix:
			return nil
		case err == nil:
			return fmt.Errorf("it would be inside of store %s; choose a prefix beside that", at.URL())
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrDenied):
			return err
		case at.Prefix == "":
			return b.within(ctx)
		}
	}
}

// maxLook is how many objects are looked at for a store inside of a new one: a
// hundred requests, in a bucket that is full of others' objects.
const maxLook = 100_000

// within returns an error if there is a store below the prefix, among the first
// objects there.
func (b *Backend) within(ctx context.Context) error {
	looked := 0
	for o, err := range b.objects(ctx, "") {
		if errors.Is(err, ErrDenied) || looked == maxLook {
			return nil
		}
		if err != nil {
			return err
		}
		looked++
		prefix, ok := strings.CutSuffix(o.Key, "/"+formatKey)
		if !ok || o.Size != int64(len(format)) {
			continue
		}
		at := b.cfg
		at.Prefix = prefix
		if is, err := (&Backend{cfg: at, core: b.core, limits: b.limits}).isStore(ctx); is || err != nil {
			return errors.Join(err, fmt.Errorf("it would be around store %s; choose a prefix beside that", at.URL()))
		}
	}
	return nil
}

// isStore reports whether there is a store of this format.
func (b *Backend) isStore(ctx context.Context) (bool, error) {
	rc, _, err := b.get(ctx, formatKey)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	got, err := io.ReadAll(io.LimitReader(rc, int64(len(format))+1))
	return string(got) == format, errors.Join(err, rc.Close())
}

// connect makes a client; it sends nothing.
func connect(cfg Config, l limits, wrap func(http.RoundTripper) http.RoundTripper) (*Backend, error) {
	if err := checkPlace(cfg.Bucket, cfg.Prefix); err != nil {
		return nil, err
	}
	host, secure, err := cfg.server()
	if err != nil {
		return nil, err
	}
	creds, err := loadCredentials(cfg.Credentials)
	if err != nil {
		return nil, err
	}
	var rt http.RoundTripper
	if rt, err = newTransport(cfg.CAFile, l); err != nil {
		return nil, err
	}
	if wrap != nil {
		rt = wrap(rt)
	}
	client, err := miniogo.New(host, &miniogo.Options{
		Creds: creds, Secure: secure, Region: cfg.Region, Transport: clock{rt},
		MaxRetries: 1, // retry does it: one place that knows what may be sent again
	})
	if err != nil {
		return nil, err
	}
	return &Backend{cfg: cfg, core: miniogo.Core{Client: client}, limits: l, parts: make(chan struct{}, l.parts)}, nil
}

// String says where the store is, and no credentials.
func (b *Backend) String() string { return b.cfg.URL() + " at " + b.cfg.Endpoint }

// Made returns when the store was made, in whole seconds of the server's clock:
// one that was lost and made again at the same address is another store.
func (b *Backend) Made() time.Time { return b.made }

// name returns the object of a key.
func (b *Backend) name(key string) string {
	if b.cfg.Prefix == "" {
		return key
	}
	return b.cfg.Prefix + "/" + key
}
