package artifacts_test

import (
	"context"
	"crypto/sha256"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
)

// vast holds one long blob of zeros.
type vast struct{ artifacts.Backend }

const vastSize = 128 << 20

func (vast) Get(context.Context, string) (io.ReadCloser, artifacts.Info, error) {
	return io.NopCloser(io.LimitReader(zeros{}, vastSize)), artifacts.Info{Size: vastSize}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// drain forgets the bytes that it stages, and keeps their names.
type drain struct{ artifactstest.Staging }

func (d *drain) Stage(ctx context.Context, r io.Reader) (artifacts.Staged, error) {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	return d.Staging.Stage(ctx, strings.NewReader(""))
}

func TestLongBlobsAreNotHeldInMemory(t *testing.T) {
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(zeros{}, vastSize)); err != nil {
		t.Fatal(err)
	}
	d := assay.Digest(h.Sum(nil))
	from := artifacts.New(vast{})
	for name, move := range map[string]func(*artifacts.Store) error{
		"copy": func(to *artifacts.Store) error {
			_, err := artifacts.Copy(t.Context(), to, from, artifacts.CopyOptions{Roots: []assay.Digest{d}})
			return err
		},
		"heal": func(to *artifacts.Store) error {
			rc, err := to.Behind(artifacts.Named{Name: "from", Store: from}).Open(t.Context(), d)
			if err != nil {
				return err
			}
			return rc.Close()
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := move(artifacts.New(new(drain))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%s of %d bytes allocated %d", name, vastSize, n)
		}
	}
}
