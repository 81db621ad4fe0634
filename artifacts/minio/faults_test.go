package minio_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"

	"github.com/assay-notebooks/assay/artifacts/artifactstest"
)

// A faulty transport does to one request, by its number, what networks and
// servers do, and to all that follow a crash. What is not injected goes to the
// real server.
//
//	EIO          odd numbers: refused; even: done, and the answer is lost
//	ENOSPC       a put: the server says that it is full; others: it is busy
//	short write  half of the request's body arrives, or of the answer's
//	crash        half of the request's body arrives, and nothing after
type faulty struct {
	next   http.RoundTripper
	faults *artifactstest.Faults
}

func (f faulty) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	sent, half := false, false
	_, err = f.faults.Write(req.Method+" "+req.URL.Path, make([]byte, max(len(body), 2)), func(p []byte) (int, error) {
		sent, half = true, len(p) < max(len(body), 2)
		resp, err = f.send(req, body, half && len(body) > 0)
		return len(p), err
	})
	switch {
	case errors.Is(err, artifactstest.ErrCrashed):
		drop(resp)
		return nil, err
	case half && len(body) == 0 && resp != nil:
		return truncate(resp)
	case half:
		drop(resp)
		return nil, syscall.ECONNRESET
	case sent:
		return resp, err
	case errors.Is(err, syscall.ENOSPC) && req.Method == http.MethodPut:
		return answer(req, http.StatusInsufficientStorage, "XMinioStorageFull"), nil
	case errors.Is(err, syscall.ENOSPC):
		return answer(req, http.StatusServiceUnavailable, "SlowDown"), nil
	case f.faults.At%2 == 0:
		resp, err := f.send(req, body, false)
		drop(resp)
		return nil, errors.Join(err, syscall.ECONNRESET)
	}
	return nil, syscall.ECONNREFUSED
}

// send passes the request on, or only the first half of its body.
func (f faulty) send(req *http.Request, body []byte, half bool) (*http.Response, error) {
	req = req.Clone(req.Context())
	switch {
	case half:
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	case len(body) > 0:
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return f.next.RoundTrip(req)
}

// broken is where a body ends too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, syscall.EPIPE }

func drop(resp *http.Response) {
	if resp != nil {
		resp.Body.Close()
	}
}

// truncate cuts the body of an answer in half.
func truncate(resp *http.Response) (*http.Response, error) {
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if len(b) > 0 {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), cut{}))
	}
	return resp, nil
}

// cut is what Go's client says of an answer that ends too early.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func answer(req *http.Request, status int, code string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code><Message>injected</Message></Error>")),
	}
}
