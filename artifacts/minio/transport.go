package minio

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/stall"
)

const (
	dialTimeout = 5 * time.Second
	idleConns   = 64 // as many as blobs are moved at once, at most
)

const maxCA = 16 << 20 // bytes of a file of certificates

// newTransport returns a transport that waits for nothing without bound.
func newTransport(caFile string, l limits) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           stall.Dialer(net.Dialer{Timeout: dialTimeout}, l.stall),
		MaxIdleConnsPerHost:   idleConns,
		IdleConnTimeout:       l.stall,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: l.header,
		DisableCompression:    true, // bytes are kept as they are
		WriteBufferSize:       128 << 10,
		ReadBufferSize:        128 << 10,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12}, // and HTTP/1.1: one connection a transfer
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := plainfile.Read(caFile, maxCA)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s: no certificate in it; give it in PEM", caFile)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// A clock notes the server's time in every answer, for withServerTime.
type clock struct{ next http.RoundTripper }

func (c clock) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if at, ok := req.Context().Value(serverTime{}).(*time.Time); ok && err == nil {
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			*at = date
		}
	}
	return resp, err
}

type serverTime struct{}

// withServerTime makes the requests with the context, one at a time, note in at
// when the server answered them, by its own clock and in whole seconds.
func withServerTime(ctx context.Context, at *time.Time) context.Context {
	return context.WithValue(ctx, serverTime{}, at)
}
