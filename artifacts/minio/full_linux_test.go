package minio_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestFullServer fills a server with a disk of 48 MiB.
func TestFullServer(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		tooltest.Missing(t, "tmpfs", fmt.Errorf("mount, which needs root: %w", err))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	server := miniotest.StartWith(t, miniotest.Options{Dir: dir})
	b := create(t, server.Config("full"))
	s := artifacts.New(b)
	v, _ := pattern(1 << 20)
	fill := func() (kept []assay.Digest, err error) {
		for i := range 100 {
			v := append(fmt.Appendf(nil, "%d\n", i), v...)
			sum := assay.DigestOf(v)
			if err := upload(t.Context(), b, v, sum); err != nil {
				return kept, err
			}
			kept = append(kept, sum)
		}
		return kept, nil
	}
	kept, err := fill()
	remedied(t, err, minio.ErrFull, "free space on "+server.Endpoint)
	if len(kept) == 0 {
		t.Fatal("no blob was taken")
	}
	// A value in parts fails alike, and leaves nothing behind.
	big, sum := pattern(12 << 20)
	inParts := tuned(t, b.Config(), minio.Tuned{Part: minPart})
	remedied(t, upload(t.Context(), inParts, big, sum), minio.ErrFull, "free space")
	noLeftovers(t, b)

	report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true})
	if err != nil || report.Blobs != len(kept) || len(report.Problems) != 0 {
		t.Errorf("check of the full store = %+v, %v, want %d blobs and no problem", report, err, len(kept))
	}
	// With a little space, the collector makes the rest. How little the server
	// wants, and how long it goes by what it measured before, is its own affair.
	last := kept[len(kept)-1]
	for err = minio.ErrFull; errors.Is(err, minio.ErrFull) && t.Context().Err() == nil; {
		if len(kept) > 1 {
			if err := b.Delete(t.Context(), "blobs/sha256/"+kept[0].Hex()); err != nil {
				t.Fatal(err)
			}
			kept = kept[1:]
		}
		err = s.SetRef(t.Context(), "runs/1", last)
	}
	if err != nil {
		t.Fatal(err)
	}
	gc, err := s.GC(t.Context(), artifacts.GCOptions{Now: later})
	if err != nil || len(gc.Removed) != len(kept)-1 {
		t.Errorf("gc = %d removed, %v, want %d", len(gc.Removed), err, len(kept)-1)
	}
	if _, err := fill(); err != nil && !errors.Is(err, minio.ErrFull) || err == nil {
		t.Errorf("filling it again: %v, want ErrFull", err)
	}
	if _, err := s.ReadAll(t.Context(), last, 2<<20); err != nil {
		t.Error(err)
	}
}
