package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// firstAnswer is how long a registry may take to say how it wants to be spoken
// to, and a token server to log in: nothing large is sent for that.
const firstAnswer = 30 * time.Second

// hello finds out how a registry wants to be spoken to, and logs in.
func hello(ctx context.Context, rt http.RoundTripper, host name.Registry, auth authn.Authenticator, scopes []string, opts Options) (http.RoundTripper, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, firstAnswer, fmt.Errorf("no answer in %v: %w", firstAnswer, os.ErrDeadlineExceeded))
	defer cancel()
	plain, err := opts.plain(ctx, rt, host)
	if err != nil {
		return nil, err
	}
	return transport.NewWithContext(ctx, host, auth, guard{rt, plain}, scopes)
}

// plain reports whether a registry is to be spoken to without TLS: where that is
// allowed, and it has none. One whose TLS fails for another reason, such as a
// certificate that nobody vouches for, is not to get credentials in clear. One
// that without leave would be spoken to with TLS only is not asked.
func (o Options) plain(ctx context.Context, rt http.RoundTripper, registry name.Registry) (bool, error) {
	if registry.Scheme() == "https" {
		return false, nil
	}
	host := registry.RegistryStr()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/v2/", nil)
	if err != nil {
		return false, err
	}
	resp, err := rt.RoundTrip(req)
	if err == nil {
		drain(resp)
		return false, nil
	}
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	noTLS := ok && record.Conn != nil // it is that of the first record
	switch {
	case noTLS && !o.PlainHTTP:
		return false, http.ErrSchemeMismatch
	case noTLS, isDial(err) && req.URL.Port() == "" && o.PlainHTTP: // plain HTTP has another port, unless one was written
		return true, nil
	}
	return false, fmt.Errorf("%s: %w", host, err)
}

// isDial reports whether there was not even a connection.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// A guard lets no request out unencrypted unless that is right.
type guard struct {
	http.RoundTripper
	plain bool
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.plain {
		return nil, errNotTried
	}
	return g.RoundTripper.RoundTrip(r)
}

var errNotTried = errors.New("plain HTTP is for registries without TLS, and only with --plain-http")
