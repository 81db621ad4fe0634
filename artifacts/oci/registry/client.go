package registry

import (
	"context"
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
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/internal/passing"
	"github.com/assay-notebooks/assay/internal/stall"
)

// A client speaks to one repository.
type client struct {
	http     *http.Client
	idle     *http.Transport
	base     url.URL // of the repository: https://HOST/v2/REPOSITORY/
	opts     Options
	sessions atomic.Bool // the registry takes blobs by upload session only
}

// dial asks the registry how it wants to be spoken to, and logs in. The caller
// closes the client.
func dial(ctx context.Context, ref Reference, scope string, opts Options) (*client, error) {
	opts = opts.withDefaults()
	var nameOpts []name.Option
	if opts.PlainHTTP {
		nameOpts = append(nameOpts, name.Insecure)
	}
	repo, err := name.NewRepository(ref.Host+"/"+ref.Repository, append(nameOpts, name.StrictValidation)...)
	if err != nil {
		return nil, err
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", ref.Host, err)
	}
	base := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         stall.Dialer(net.Dialer{Timeout: 10 * time.Second}, opts.Stall),
		DisableCompression:  true, // blobs are compressed, or not, as their digest says
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: opts.Jobs,
		IdleConnTimeout:     30 * time.Second,
		WriteBufferSize:     128 << 10, // a blob of 64 KiB goes with its header
		ReadBufferSize:      64 << 10,
	}
	rt, err := hello(ctx, base, repo.Registry, auth, []string{repo.Scope(scope)}, opts)
	if err != nil {
		base.CloseIdleConnections()
		return nil, explain(err, ref.Host)
	}
	return &client{
		http: &http.Client{Transport: rt},
		idle: base,
		base: url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/"},
		opts: opts,
	}, nil
}

func (c *client) close() { c.idle.CloseIdleConnections() }

// at returns an address in the repository.
func (c *client) at(path string, query ...string) string {
	u := *c.base.JoinPath(path)
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// A request is what can be made again. Body, if there is one, is called for
// each try.
type request struct {
	method, url string
	header      map[string]string
	body        func() (io.ReadCloser, error)
	size        int64 // of the body
}

// do makes a request until it is answered with one of the wanted statuses, and
// at most Retries times again. The caller closes the body of the answer.
func (c *client) do(ctx context.Context, r request, want ...int) (*http.Response, error) {
	for try := 0; ; try++ {
		resp, err := c.once(ctx, r, want...)
		if err == nil {
			return resp, nil
		}
		if try >= c.opts.Retries || !mayPass(ctx, err) {
			return nil, explain(err, c.base.Host)
		}
		if err := c.pause(ctx, try, resp); err != nil {
			return nil, err
		}
	}
}

// once makes a request once. After an error the answer, if there was one, has
// nothing but its header.
func (c *client) once(ctx context.Context, r request, want ...int) (*http.Response, error) {
	var body io.ReadCloser
	if r.body != nil {
		var err error
		if body, err = r.body(); err != nil {
			return nil, permanent{err}
		}
		defer body.Close()
		if r.size == 0 {
			body = http.NoBody
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, permanent{err}
	}
	if body != nil {
		req.ContentLength = r.size
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(resp, want...); err != nil {
		resp.Body.Close()
		return resp, err
	}
	return resp, nil
}

// permanent is an error of ours, which trying again does not mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// A notFound is the registry's word that it lacks something.
type notFound struct{ error }

func (n notFound) Unwrap() error { return n.error }

func (n notFound) Is(target error) bool { return target == fs.ErrNotExist }

// mayPass reports whether a request that failed with err may succeed later.
func mayPass(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, errNotTried) || errors.Is(err, artifacts.ErrCorrupt) {
		return false
	}
	if _, ok := errors.AsType[permanent](err); ok {
		return false
	}
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		return passing.Status(answer.StatusCode)
	}
	return true
}

// pause waits before the next try: as long as the registry asks, within reason.
func (c *client) pause(ctx context.Context, try int, resp *http.Response) error {
	wait := min(c.opts.Backoff<<min(try, 16), 15*time.Second)
	wait = wait/2 + rand.N(wait/2+1) // so that many clients do not come back at once
	if resp != nil {
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			wait = min(time.Duration(s)*time.Second, time.Minute)
		}
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}

// explain adds to an error what can be done about it.
func explain(err error, host string) error {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf(`%w: %w; log in with "docker login %s" or "oras login %s", or set DOCKER_CONFIG to the folder of a config.json that has credentials for it`, ErrDenied, err, host, host)
		case http.StatusNotFound:
			return notFound{err}
		}
		return err
	}
	var authority x509.UnknownAuthorityError
	var network net.Error
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s: %w; add --plain-http if that is right here", host, ErrPlainHTTP)
	case errors.As(err, &authority):
		return fmt.Errorf("%w; if the registry has a certificate of your own authority, set SSL_CERT_FILE to that authority's PEM file", err)
	case isDial(err), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%w; see whether the registry runs and can be reached at %s", err, host)
	}
	return err
}

// drain reads the rest of a short answer, so that its connection can be used
// again.
func drain(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}
