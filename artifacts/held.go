package artifacts

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
)

// held returns which of the digests s holds. It lists the store when that is
// cheaper than to ask for each, and stops when the store proves to be large.
func (s *Store) held(ctx context.Context, ds []assay.Digest, jobs int) (map[assay.Digest]bool, error) {
	held := map[assay.Digest]bool{}
	if len(ds) >= listFrom {
		want := make(map[assay.Digest]bool, len(ds))
		for _, d := range ds {
			want[d] = true
		}
		seen := 0
		for e, err := range s.b.List(ctx, strings.TrimSuffix(blobPrefix, "/")) {
			if err != nil {
				return nil, err
			}
			if d, ok := parseBlobKey(e.Key); ok && want[d] {
				held[d] = true
			}
			if seen++; seen > listAtMost*len(ds) {
				break
			}
		}
		if seen <= listAtMost*len(ds) {
			return held, nil
		}
	}
	var mu sync.Mutex
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, d := range ds {
		mu.Lock()
		known := held[d]
		mu.Unlock()
		if known {
			continue
		}
		if group.Err() != nil {
			break
		}
		g.Go(func() error {
			ok, err := s.has(group, d)
			if ok {
				mu.Lock()
				held[d] = true
				mu.Unlock()
			}
			return err
		})
	}
	return held, errors.Join(g.Wait(), context.Cause(ctx))
}

// A listing of S3 gives 1000 keys for little more than a look at one.
const (
	listFrom   = 32 // digests
	listAtMost = 16 // keys a digest
)
