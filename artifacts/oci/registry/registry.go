// Package registry moves OCI content between a store and a registry, over the
// distribution protocol: blobs in parallel, manifests after what they name, a tag
// last. Each blob is verified against its digest on the way: here, or by a
// registry that is sent a large one.
//
// Credentials are those of Docker and Podman (docker login, oras login, crane
// auth login); it keeps none and prints none. It speaks plain HTTP only when it
// is told to, to localhost as to any other host. What a registry answers is
// hostile input: bounded in size and number, and verified. A connection on which
// nothing moves is given up; how long a slow one may take, the context says.
package registry

import (
	"errors"
	"time"
)

// What callers branch on.
var (
	// ErrDenied reports that the registry wants other credentials, or any.
	ErrDenied = errors.New("the registry denies access")
	// ErrPlainHTTP reports a registry that speaks no TLS.
	ErrPlainHTTP = errors.New("the registry speaks plain HTTP, which anyone on the way can read and change")
	// ErrLimit reports a registry that offers more than Options allow.
	ErrLimit = errors.New("more than is allowed")
)

// Options say how a registry is spoken to. The zero value is the default.
type Options struct {
	PlainHTTP bool          // where the registry has no TLS, do without
	Jobs      int           // requests at once; 0: 8
	Retries   int           // how often a request that failed is made again; 0: 5
	Backoff   time.Duration // before the first retry, then double; 0: 250 ms
	Stall     time.Duration // a connection on which nothing moves so long is given up; 0: 2 min
	MaxBytes  int64         // of all that one pull may fetch; 0: 64 GiB
}

func (o Options) withDefaults() Options {
	set(&o.Jobs, 8)
	set(&o.Retries, 5)
	set(&o.Backoff, 250*time.Millisecond)
	set(&o.Stall, 2*time.Minute)
	set(&o.MaxBytes, 64<<30)
	return o
}

func set[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}

// A Progress says how far a transfer is. What it is out of can still grow.
type Progress struct {
	Blobs, OfBlobs int
	Bytes, OfBytes int64
}
