package minio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	miniogo "github.com/minio/minio-go/v7"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/internal/passing"
)

var (
	// ErrUnreachable reports a server that did not answer, or not in time:
	// trying again later may succeed.
	ErrUnreachable = errors.New("store not reachable")

	// ErrDenied reports credentials that are missing, wrong, or may not do that.
	ErrDenied = errors.New("access denied")

	// ErrNoBucket reports a bucket that does not exist.
	ErrNoBucket = errors.New("no such bucket")

	// ErrNoStore reports a bucket that has no store at that prefix.
	ErrNoStore = errors.New("there is no store")

	// ErrClock reports that the clocks of this machine and of the server
	// differ by more than signed requests allow, which is 15 minutes.
	ErrClock = errors.New("clocks differ")

	// ErrFull reports a server without space, or a quota that is used up.
	ErrFull = errors.New("store full")

	// ErrRetained reports a value that the server retains: until its date it
	// refuses to delete it, and to retain it less.
	ErrRetained = errors.New("retained")

	// ErrLockLost reports a lock that others took over because its holder was
	// silent for too long. What was done under it must be done again.
	ErrLockLost = errors.New("lock lost")
)

// code returns the S3 error code of err, "" if it has none.
func code(err error) string {
	var resp miniogo.ErrorResponse
	if errors.As(err, &resp) {
		return resp.Code
	}
	return ""
}

// transient reports whether the same request may succeed when sent again.
func transient(err error) bool {
	var resp miniogo.ErrorResponse
	if errors.As(err, &resp) {
		return passing.Status(resp.StatusCode)
	}
	if untrusted(err) {
		return false
	}
	var request *url.Error // the request did not get through
	var conn *net.OpError  // the answer broke off
	return !errors.Is(err, context.Canceled) && (errors.As(err, &request) || errors.As(err, &conn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded))
}

// untrusted reports whether the two sides found no common TLS.
func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) ||
		err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") // http has no value for it
}

// retry does what may be done twice, again while that may help, and explains
// the last error. It ends with ctx at once.
func (b *Backend) retry(ctx context.Context, do func() error) error {
	return b.retryIf(ctx, func(err error) bool { return transient(err) || stumbled(err) }, do)
}

// once is retry for what must not be done twice.
func (b *Backend) once(ctx context.Context, do func() error) error {
	return b.retryIf(ctx, stumbled, do)
}

// stumbled reports an answer after which nothing was done, and the same request
// may succeed: MinIO denies access, to anyone, when it removes an empty folder
// at the moment at which something is put there.
func stumbled(err error) bool { return code(err) == "AccessDenied" }

func (b *Backend) retryIf(ctx context.Context, again func(error) bool, do func() error) error {
	wait := b.limits.backoff
	deadline := time.Now().Add(b.limits.header)
	for attempt := 1; ; attempt++ {
		err := do()
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		late := attempt > 1 && time.Now().After(deadline) // a first one may have sent or read for long
		if err == nil || !again(err) || attempt >= b.limits.attempts || late {
			return b.explain(err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait/2 + rand.N(wait/2+1)):
			wait *= 2
		}
	}
}

// A remedied error matches a sentinel and says what to do.
type remedied struct {
	kind   error
	err    error
	remedy string
}

// Error says nothing twice: the server's answer may be the kind itself.
func (e *remedied) Error() string {
	kind, answer := e.kind.Error(), strings.TrimSuffix(e.err.Error(), ".")
	if strings.EqualFold(kind, answer) {
		return fmt.Sprintf("%s; %s", kind, e.remedy)
	}
	return fmt.Sprintf("%s: %s; %s", kind, answer, e.remedy)
}

func (e *remedied) Unwrap() []error { return []error{e.kind, e.err} }

// Brief says of an error what kind it is and what to do, without what was being
// done and the server's own words; of one that has no kind, all.
func Brief(err error) string {
	var e *remedied
	if errors.As(err, &e) {
		return e.kind.Error() + "; " + e.remedy
	}
	return err.Error()
}

// Is reports that the whole store cannot be used now: not for an answer that
// may be of one value, like that of a server which finds it damaged.
func (e *remedied) Is(target error) bool {
	switch e.kind {
	case ErrDenied, ErrNoBucket, ErrClock:
		return target == artifacts.ErrUnavailable
	case ErrUnreachable:
		return target == artifacts.ErrUnavailable && code(e.err) == ""
	}
	return false
}

// explain gives errors of the server and of the way to it their sentinel and
// remedy, once.
func (b *Backend) explain(err error) error {
	var done *remedied
	if err == nil || errors.As(err, &done) {
		return err
	}
	var resp miniogo.ErrorResponse
	if errors.As(err, &resp) {
		return b.explainAnswer(err, resp)
	}
	switch {
	case untrusted(err):
		return &remedied{ErrUnreachable, err, fmt.Sprintf("the TLS of %s cannot be trusted: give the CA file of the server, "+
			"use the name in its certificate, or write http:// if it has no TLS", b.cfg.Endpoint)}
	case transient(err):
		return &remedied{ErrUnreachable, err, fmt.Sprintf("see that %s is up and the network lets through, and try again", b.cfg.Endpoint)}
	}
	return err
}

func (b *Backend) explainAnswer(err error, resp miniogo.ErrorResponse) error {
	switch resp.Code {
	case "NoSuchKey", "NoSuchVersion":
		return fs.ErrNotExist
	case "NoSuchBucket":
		return &remedied{ErrNoBucket, err, fmt.Sprintf("create bucket %s, or name the right one", b.cfg.Bucket)}
	case "PreconditionFailed", "ConditionalRequestConflict":
		return artifacts.ErrConflict
	case "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "BadDigest":
		return &remedied{artifacts.ErrCorrupt, err, "the bytes changed on the way or are not those of their digest; check where they came from"}
	case "RequestTimeTooSkewed":
		return &remedied{ErrClock, err, fmt.Sprintf("set the clocks of this machine and of %s", b.cfg.Endpoint)}
	case "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded":
		return &remedied{ErrFull, err, fmt.Sprintf("free space on %s or raise the quota, and try again; to remove unreferenced blobs (store gc) takes room for one small object", b.cfg.Endpoint)}
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return &remedied{ErrDenied, err, fmt.Sprintf("check the access key and the secret key for %s", b.cfg.Endpoint)}
	case "ExpiredToken", "InvalidTokenId", "InvalidToken":
		return &remedied{ErrDenied, err, "the session token is not valid any more: get a new one"}
	case "AuthorizationHeaderMalformed", "InvalidRegion":
		return &remedied{ErrDenied, err, "name the region of the server"}
	}
	switch {
	case strings.Contains(resp.Message, "WORM protected") || strings.Contains(resp.Message, "protected by object lock"):
		return &remedied{ErrRetained, err, "it can be deleted after its date"}
	case resp.Code == "AccessDenied" || resp.StatusCode == http.StatusForbidden:
		return &remedied{ErrDenied, err, fmt.Sprintf("the policy of these credentials must allow it in bucket %s (docs/minio.md has one)", b.cfg.Bucket)}
	case resp.StatusCode == http.StatusInsufficientStorage, strings.Contains(resp.Message, "no space left on device"):
		return &remedied{ErrFull, err, fmt.Sprintf("free space on %s", b.cfg.Endpoint)}
	case transient(err):
		return &remedied{ErrUnreachable, err, fmt.Sprintf("%s is busy, or what was asked for is damaged there; see its log and the health of its drives, and try again", b.cfg.Endpoint)}
	}
	return err
}
