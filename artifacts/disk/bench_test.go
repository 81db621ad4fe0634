package disk_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// BenchmarkPut puts 1000 blobs of 64 KiB in one batch and one by one, on the
// system's files and on the same without fsync, in turn, and reports the ratio.
func BenchmarkPut(b *testing.B) {
	for _, bench := range []struct {
		name string
		put  func(*testing.B, *artifacts.Store, [][]byte)
	}{{"batch", putBatch}, {"single", putSingle}} {
		b.Run(bench.name, func(b *testing.B) {
			blobs := make([][]byte, 1000)
			for i := range blobs {
				blobs[i] = make([]byte, 64<<10)
			}
			var durable, quick time.Duration
			for b.Loop() {
				for _, blob := range blobs {
					rand.Read(blob)
				}
				quick += timePut(b, unsynced{}, blobs, bench.put)
				durable += timePut(b, disk.System{}, blobs, bench.put)
			}
			b.ReportMetric(float64(durable.Nanoseconds())/float64(b.N)/1e6, "durable-ms")
			b.ReportMetric(float64(quick.Nanoseconds())/float64(b.N)/1e6, "no-fsync-ms")
			b.ReportMetric(float64(durable)/float64(quick), "durable/no-fsync")
		})
	}
}

func timePut(b *testing.B, files disk.Files, blobs [][]byte, put func(*testing.B, *artifacts.Store, [][]byte)) time.Duration {
	backend, err := disk.CreateFiles(files, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	put(b, artifacts.New(backend), blobs)
	return time.Since(start)
}

func putBatch(b *testing.B, s *artifacts.Store, blobs [][]byte) {
	batch := s.Batch()
	for _, blob := range blobs {
		if _, _, err := batch.Put(b.Context(), bytes.NewReader(blob)); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func putSingle(b *testing.B, s *artifacts.Store, blobs [][]byte) {
	for _, blob := range blobs {
		if _, err := s.PutBytes(b.Context(), blob); err != nil {
			b.Fatal(err)
		}
	}
}
