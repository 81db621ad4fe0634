package minio_test

import (
	"bytes"
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

// Downloads go on where they broke, in one stream and in parts.
func TestBrokenDownloads(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("broken")
	v, sum := pattern(6*minPart + 12345)
	if err := upload(t.Context(), create(t, cfg), v, sum); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]int64{"one stream": 0, "parts": minPart} {
		var n atomic.Int64
		b := tuned(t, cfg, minio.Tuned{Part: part, Wrap: func(next http.RoundTripper) http.RoundTripper { return cutting{next, 2, &n} }})
		n.Store(1) // so that the first is cut
		wantBlob(t, b, v, sum)
		if n.Load() < 3 {
			t.Errorf("%s: %d answers, want some that were cut", name, n.Load())
		}
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

// Readers of large values share the memory for parts. Who gets none reads
// without, so that an open reader that nobody reads stops no other.
func TestManyLargeReaders(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("many")
	create(t, cfg)
	b := tuned(t, cfg, minio.Tuned{Part: minPart})
	v, sum := pattern(2*minPart + 1)
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	key := "blobs/sha256/" + sum.Hex()
	for range 2 { // again, with what was given back
		var open []io.ReadCloser
		for range 5 {
			rc, _, err := b.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, rc)
		}
		got, err := io.ReadAll(open[4])
		if err != nil || !bytes.Equal(got, v) {
			t.Errorf("the last of five readers: %d bytes, %v, want %d", len(got), err, len(v))
		}
		// Of the same key it would wait: a server keeps a value while it is read.
		if err := b.Upload(t.Context(), "k/other", bytes.NewReader(v), int64(len(v)), sum); err != nil {
			t.Error(err)
		}
		for i, rc := range open {
			if i == 1 {
				if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, v) {
					t.Errorf("the second of five readers: %d bytes, %v, want %d", len(got), err, len(v))
				}
			}
			if err := rc.Close(); err != nil {
				t.Error(err)
			}
			if _, err := rc.Read(make([]byte, 1)); err == nil {
				t.Error("read after close: no error")
			}
		}
	}
}

// A value that is replaced while it is read ends in an error, not in a mixture.
func TestReplacedWhileRead(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("replaced")
	create(t, cfg)
	b := tuned(t, cfg, minio.Tuned{Part: minPart})
	v, _ := pattern(8 * minPart)
	put := func(v []byte) {
		t.Helper()
		if _, err := b.Put(t.Context(), "k/1", bytes.NewReader(v), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	put(v)
	rc, _, err := b.Get(t.Context(), "k/1")
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	head := make([]byte, 100)
	if _, err := io.ReadFull(rc, head); err != nil {
		t.Fatal(err)
	}
	w := bytes.Clone(v)
	w[len(w)-1] ^= 1
	put(w)
	rest, err := io.ReadAll(rc)
	if !errors.Is(err, artifacts.ErrConflict) || !bytes.HasPrefix(v, append(head, rest...)) {
		t.Errorf("read of what is replaced: %d bytes, %v, want ErrConflict and a prefix", len(rest), err)
	}
}
