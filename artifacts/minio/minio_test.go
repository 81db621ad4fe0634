package minio_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// A storage is a folder in a bucket.
type storage struct {
	t   *testing.T
	cfg minio.Config
}

func (s storage) Open(f *artifactstest.Faults) (artifacts.Backend, error) {
	return minio.OpenTuned(s.t.Context(), s.cfg, minio.Tuned{})
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
		return storage{t, cfg}
	})
}
