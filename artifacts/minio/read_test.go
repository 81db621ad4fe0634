package minio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// A cutting transport ends every n-th answer with a value half way.
type cutting struct {
	next  http.RoundTripper
	every int64
	n     *atomic.Int64
}

func (c cutting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err == nil && req.Method == http.MethodGet && resp.ContentLength > 1000 && c.n.Add(1)%c.every == 0 {
		half := io.LimitReader(resp.Body, resp.ContentLength/2)
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(half, cut{}), resp.Body}
	}
	return resp, err
}

// Downloads go on where they broke.
func TestBrokenDownloads(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("broken")
	v, sum := pattern(6*minPart + 12345)
	if err := upload(t.Context(), create(t, cfg), v, sum); err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	b := tuned(t, cfg, minio.Tuned{Wrap: func(next http.RoundTripper) http.RoundTripper { return cutting{next, 2, &n} }})
	n.Store(1) // so that the first is cut
	wantBlob(t, b, v, sum)
	if n.Load() < 3 {
		t.Errorf("%d answers, want some that were cut", n.Load())
	}
	always := tuned(t, cfg, minio.Tuned{Wrap: func(next http.RoundTripper) http.RoundTripper { return refusing{next} }})
	if _, err := artifacts.New(always).ReadAll(t.Context(), sum, 100<<20); !errors.Is(err, minio.ErrUnreachable) {
		t.Errorf("read of what never arrives: %v, want ErrUnreachable", err)
	}
}

// A listing goes on where a request for it failed, however often that is.
func TestBrokenListing(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("listing")
	b := create(t, cfg)
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("k/%d", i)
		if _, err := b.Put(t.Context(), key, strings.NewReader("x"), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	var n atomic.Int64
	broken := tuned(t, cfg, minio.Tuned{Page: 2, Attempts: 2, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(req *http.Request) error {
			if req.URL.Query().Has("list-type") && n.Add(1)%2 == 1 {
				return syscall.ECONNRESET
			}
			return nil
		}}
	}})
	var got []string
	for e, err := range broken.List(t.Context(), "k") {
		if err != nil {
			t.Fatalf("list after %q: %v", got, err)
		}
		got = append(got, e.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("list = %q, want %q", got, want)
	}
}

// A listing that was left half way is no short one: a collector would take it
// for one without leases.
func TestListingEnded(t *testing.T) {
	server := miniotest.Start(t)
	b, err := minio.Create(t.Context(), server.Config("ended"), minio.CreateOptions{MakeBucket: true, ObjectLock: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var listing, leftovers error
	for _, listing = range b.List(ctx, "") {
	}
	for _, leftovers = range b.Leftovers(ctx) {
	}
	for what, err := range map[string]error{"list": listing, "leftovers": leftovers, "delete": b.Delete(ctx, "k/1")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v, want context.Canceled", what, err)
		}
	}
}

// A refusing transport ends all answers with a value before the first byte.
type refusing struct{ next http.RoundTripper }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err == nil && resp.ContentLength > 1000 {
		resp.Body.Close()
		resp.Body = io.NopCloser(cut{})
	}
	return resp, err
}

// A value that is replaced while it is read ends in an error, not in a mixture.
// It can be when the connection breaks: a server keeps a value while it is read.
func TestReplacedWhileRead(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("replaced")
	other := create(t, cfg)
	v, _ := pattern(1 << 20)
	put := func(v []byte) {
		t.Helper()
		if _, err := other.Put(t.Context(), "k/1", bytes.NewReader(v), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	put(v)
	var n atomic.Int64
	b := tuned(t, cfg, minio.Tuned{Wrap: func(next http.RoundTripper) http.RoundTripper { return cutting{next, 1, &n} }})
	rc, _, err := b.Get(t.Context(), "k/1")
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	got := make([]byte, len(v)/2)
	if _, err := io.ReadFull(rc, got); err != nil {
		t.Fatal(err)
	}
	w := bytes.Clone(v)
	w[len(w)-1] ^= 1
	put(w)
	rest, err := io.ReadAll(rc)
	if !errors.Is(err, artifacts.ErrConflict) || !bytes.HasPrefix(v, append(got, rest...)) {
		t.Errorf("read of what is replaced: %d bytes, %v, want ErrConflict and a prefix", len(rest), err)
	}
}
