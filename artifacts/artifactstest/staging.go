package artifactstest

import (
	"bytes"
	"context"
	"io"

	"github.com/assay-notebooks/assay/artifacts"
)

// Staging is a Memory that is a Stager, too: with it a Store needs no files to
// stage in, and is quick.
type Staging struct{ Memory }

type staged []byte

func (staged) Discard() error { return nil }

// Stage implements artifacts.Stager.
func (*Staging) Stage(_ context.Context, r io.Reader) (artifacts.Staged, error) {
	b, err := io.ReadAll(r)
	return staged(b), err
}

// Commit implements artifacts.Stager.
func (s *Staging) Commit(ctx context.Context, placements []artifacts.Placement) error {
	for _, p := range placements {
		if _, err := s.Put(ctx, p.Key, bytes.NewReader(p.Staged.(staged)), artifacts.Condition{}); err != nil {
			return err
		}
	}
	return nil
}
