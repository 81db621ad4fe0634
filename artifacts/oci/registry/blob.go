package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// oneRequest is the size up to which a blob is sent with the request that
// announces it: a registry that does not take that has it sent twice, once.
const oneRequest = 1 << 20

// maxQuestions bounds how often a registry is asked how far an upload is.
const maxQuestions = 100

// has reports whether the repository has the blob d.
func (c *client) has(ctx context.Context, d assay.Digest) (bool, error) {
	resp, err := c.do(ctx, request{method: http.MethodHead, url: c.at("blobs/" + d.String())}, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return false, err
	}
	drain(resp)
	return resp.StatusCode == http.StatusOK, nil
}

// upload puts the blob d, whose bytes open gives. It goes on where a broken
// connection stopped, as far as the registry can. One that was still writing what
// came over that connection may have mixed the two: then it begins anew.
func (c *client) upload(ctx context.Context, d oci.Descriptor, open func() (io.ReadCloser, error)) error {
	for try := 0; ; try++ {
		resumed, err := c.uploadOnce(ctx, d, open)
		if err == nil || !resumed || try >= c.opts.Retries || ctx.Err() != nil || errors.Is(err, artifacts.ErrCorrupt) {
			return err
		}
		if err := c.pause(ctx, try, nil); err != nil {
			return err
		}
	}
}

// uploadOnce is upload in one session. It reports whether that went over more
// than one connection.
func (c *client) uploadOnce(ctx context.Context, d oci.Descriptor, open func() (io.ReadCloser, error)) (resumed bool, err error) {
	start := request{method: http.MethodPost, url: c.at("blobs/uploads/")}
	whole := d.Size <= oneRequest && !c.sessions.Load()
	if whole {
		start = request{
			method: http.MethodPost, url: c.at("blobs/uploads/", "digest", d.Digest.String()),
			header: map[string]string{"Content-Type": "application/octet-stream"}, body: open, size: d.Size,
		}
	}
	resp, err := c.do(ctx, start, http.StatusCreated, http.StatusAccepted)
	if err != nil {
		return false, err
	}
	drain(resp)
	if resp.StatusCode == http.StatusCreated {
		return false, nil
	}
	c.sessions.Store(c.sessions.Load() || whole)
	s := session{c: c}
	if err := s.moved(resp); err != nil {
		return false, err
	}
	if d.Size > oneRequest {
		if err := s.send(ctx, d.Size, open); err != nil {
			return s.resumed, err
		}
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(nil)), nil }
		d.Size = 0
	}
	return s.resumed, s.finish(ctx, d, open)
}

// A session is an upload in progress.
type session struct {
	c       *client
	at      *url.URL
	resumed bool
}

// moved notes where the session goes on.
func (s *session) moved(resp *http.Response) error {
	at, err := resp.Location()
	if err != nil {
		return fmt.Errorf("upload to %s: the registry does not say where: %w", s.c.base.Host, err)
	}
	s.at = at
	return nil
}

// send sends all bytes in one request, and after an error what the registry
// then lacks.
func (s *session) send(ctx context.Context, size int64, open func() (io.ReadCloser, error)) error {
	offset := int64(0)
	for try := 0; ; try++ {
		resp, err := s.c.once(ctx, request{
			method: http.MethodPatch, url: s.at.String(),
			header: map[string]string{
				"Content-Type":  "application/octet-stream",
				"Content-Range": fmt.Sprintf("%d-%d", offset, size-1),
			},
			body: func() (io.ReadCloser, error) { return skip(open, offset) }, size: size - offset,
		}, http.StatusAccepted, http.StatusNoContent, http.StatusCreated)
		if err == nil {
			drain(resp)
			return s.moved(resp)
		}
		if try >= s.c.opts.Retries || !mayPass(ctx, err) && !behind(err) {
			return explain(err, s.c.base.Host)
		}
		if err := s.c.pause(ctx, try, resp); err != nil {
			return err
		}
		s.resumed = true
		if offset, err = s.settled(ctx, try); err != nil {
			return err
		}
		if offset >= size {
			return nil
		}
	}
}

// behind reports whether the registry has other bytes than it said: it was
// still at work on those of the broken connection.
func behind(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && (answer.StatusCode == http.StatusRequestedRangeNotSatisfiable || answer.StatusCode == http.StatusBadRequest)
}

// settled asks how many bytes the registry has, until that grows no more.
func (s *session) settled(ctx context.Context, try int) (int64, error) {
	last := int64(-1)
	for range maxQuestions {
		n, err := s.reached(ctx)
		if err != nil || n == last {
			return n, err
		}
		last = n
		if err := s.c.pause(ctx, try, nil); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// reached asks how many bytes the registry has.
func (s *session) reached(ctx context.Context) (int64, error) {
	resp, err := s.c.do(ctx, request{method: http.MethodGet, url: s.at.String()}, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return 0, err
	}
	drain(resp)
	if resp.Header.Get("Location") != "" {
		if err := s.moved(resp); err != nil {
			return 0, err
		}
	}
	_, last, ok := strings.Cut(resp.Header.Get("Range"), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil {
		return 0, nil // it has nothing: "0--1", or no such header
	}
	if n > 0 {
		n++ // the last byte's position; "0-0" stands for none
	}
	return n, nil
}

// finish ends the session, with open's bytes as the last ones.
func (s *session) finish(ctx context.Context, d oci.Descriptor, open func() (io.ReadCloser, error)) error {
	q := s.at.Query()
	q.Set("digest", d.Digest.String())
	s.at.RawQuery = q.Encode()
	resp, err := s.c.do(ctx, request{
		method: http.MethodPut, url: s.at.String(),
		header: map[string]string{"Content-Type": "application/octet-stream"}, body: open, size: d.Size,
	}, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return err
	}
	drain(resp)
	return nil
}

// skip opens bytes after the first n.
func skip(open func() (io.ReadCloser, error), n int64) (io.ReadCloser, error) {
	rc, err := open()
	if err != nil {
		return nil, err
	}
	if seeker, ok := rc.(io.Seeker); ok {
		_, err = seeker.Seek(n, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, rc, n)
	}
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	return rc, nil
}

// A download reads a blob, and goes on from where it was when the connection
// broke. It does not verify.
type download struct {
	ctx  context.Context
	c    *client
	url  string
	size int64 // -1 until the first answer says it
	at   int64 // how many bytes were read
	goal int64 // when at is there, breaks are forgiven again
	try  int
	body io.ReadCloser
}

// download opens the blob d for reading. Size is as the registry says if it is
// not known.
func (c *client) download(ctx context.Context, d assay.Digest, size int64) (*download, error) {
	r := &download{ctx: ctx, c: c, url: c.at("blobs/" + d.String()), size: size}
	return r, r.open()
}

func (r *download) open() error {
	q := request{method: http.MethodGet, url: r.url}
	want := []int{http.StatusOK}
	if r.at > 0 {
		q.header = map[string]string{"Range": fmt.Sprintf("bytes=%d-", r.at)}
		want = append(want, http.StatusPartialContent)
	}
	resp, err := r.c.do(r.ctx, q, want...)
	if err != nil {
		return err
	}
	whole := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		var first int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &first); err != nil || first != r.at {
			resp.Body.Close()
			return fmt.Errorf("%s: asked for bytes from %d, got %q", r.url, r.at, resp.Header.Get("Content-Range"))
		}
		whole = r.size
	} else if _, err := io.CopyN(io.Discard, resp.Body, r.at); err != nil { // it knows no ranges
		resp.Body.Close()
		return err
	}
	if r.size < 0 {
		r.size = whole
	}
	if r.size < 0 || whole >= 0 && whole != r.size {
		resp.Body.Close()
		return fmt.Errorf("%s: %d bytes, want %d: %w", r.url, whole, r.size, artifacts.ErrCorrupt)
	}
	r.body = resp.Body
	return nil
}

func (r *download) Read(p []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	if int64(len(p)) > r.size-r.at {
		p = p[:r.size-r.at]
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	if n > 0 || err == nil {
		return n, nil
	}
	if r.at >= r.goal {
		r.try = 0
	}
	if r.ctx.Err() != nil || r.try >= r.c.opts.Retries {
		return 0, err
	}
	r.body.Close()
	if err := r.c.pause(r.ctx, r.try, nil); err != nil {
		return 0, err
	}
	r.try, r.goal = r.try+1, r.at+oneRequest
	if err := r.open(); err != nil {
		return 0, err
	}
	return 0, nil
}

func (r *download) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}
