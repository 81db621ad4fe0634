package minio_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// A storage is a folder in a bucket.
type storage struct {
	t   *testing.T
	cfg minio.Config

	faults *artifactstest.Faults
}

// Open opens the store. After a fault, the locks of the process that had it
// expire: here at once, TestSilentHolders lets time do it.
func (s *storage) Open(f *artifactstest.Faults) (artifacts.Backend, error) {
	if f == nil {
		b, err := minio.OpenTuned(s.t.Context(), s.cfg, minio.Tuned{Lease: 5 * time.Second})
		if err == nil && s.faults != nil && s.faults.Crashed() {
			err = b.ExpireLocks(s.t.Context())
		}
		return b, err
	}
	s.faults = f
	b, err := minio.OpenTuned(s.t.Context(), s.cfg, minio.Tuned{
		Lease: 5 * time.Second,
		Wrap:  func(next http.RoundTripper) http.RoundTripper { return faulty{next, f} },
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Abandon implements artifactstest.Abandoner.
func (s *storage) Abandon(ctx context.Context, b artifacts.Backend, value string) error {
	return b.(*minio.Backend).Abandon(ctx, "k/abandoned", value)
}

// Every implements artifactstest.Sampler. The environment variable
// ASSAY_SWEEP=1 tests every operation.
func (s *storage) Every() int {
	if every, err := strconv.Atoi(os.Getenv("ASSAY_SWEEP")); err == nil {
		return every
	}
	return 16
}

func TestContract(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("contract")
	var n atomic.Int64
	artifactstest.Run(t, func(t *testing.T) artifactstest.Storage {
		cfg := cfg
		cfg.Prefix = fmt.Sprintf("store/%d", n.Add(1))
		if _, err := minio.Create(t.Context(), cfg, minio.CreateOptions{MakeBucket: true}); err != nil {
			t.Fatal(err)
		}
		return &storage{t: t, cfg: cfg}
	})
}

// TestNested makes stores beside one another, and none around or inside of one.
func TestNested(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("nested")
	for _, tt := range []struct{ prefix, refused string }{
		{"a/b", ""},
		{"a/b", ""}, // it is there already
		{"a/bb", ""},
		{"a", "around store s3://nested/a/b;"},
		{"", "around store s3://nested/a/b;"},
		{"a/b/c", "inside of store s3://nested/a/b;"},
	} {
		cfg.Prefix = tt.prefix
		_, err := minio.Create(t.Context(), cfg, minio.CreateOptions{MakeBucket: true})
		if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("create a store at %q: %v, want %q", tt.prefix, err, tt.refused)
		}
	}
}
