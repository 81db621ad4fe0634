package artifacts

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// A Marker is a Backend that can say at once whether keys came, went or were
// given another value.
type Marker interface {
	// Mark returns a value that is another one if a key was put or deleted
	// since, for the keys of one element below prefix. It is "" where that
	// cannot be known, or not yet.
	Mark(ctx context.Context, prefix string) (string, error)
}

// RefsMark returns a value that is another one when a reference of one element
// below prefix ("runs") was set or deleted since: whoever remembers what was
// there and the mark it then had need not look again. It is "" where the
// backend cannot tell, or not yet.
func (s *Store) RefsMark(ctx context.Context, prefix string) (string, error) {
	m, ok := s.b.(Marker)
	if !ok {
		return "", nil
	}
	mark, err := m.Mark(ctx, refPrefix+prefix)
	if err != nil {
		return "", fmt.Errorf("references %s: %w", prefix, err)
	}
	return mark, nil
}

// RefNames is Refs without the digests, for which every reference is read.
func (s *Store) RefNames(ctx context.Context, prefix string) iter.Seq2[Ref, error] {
	return func(yield func(Ref, error) bool) {
		for e, err := range s.b.List(ctx, strings.TrimSuffix(refPrefix+prefix, "/")) {
			if !yield(Ref{Name: strings.TrimPrefix(e.Key, refPrefix), ModTime: e.ModTime}, err) {
				return
			}
		}
	}
}
