package artifacts

import (
	"context"
	"errors"
	"sync"
)

// A group is staged blobs that become durable together, in order.
type group struct {
	mu         sync.Mutex // guards what follows
	placements []Placement
	bytes      int64

	commits sync.Mutex // held while a group is committed, so that groups stay in order
}

// What a group holds at most: enough for the price of a sync to vanish, and
// little enough for a copy that is killed to lose little.
const (
	groupBlobs = 256
	groupBytes = 64 << 20
)

// add appends a staged blob, and commits the group when it is full.
func (g *group) add(ctx context.Context, to *Store, p Placement, size int64) error {
	g.mu.Lock()
	g.placements = append(g.placements, p)
	g.bytes += size
	full := len(g.placements) >= groupBlobs || g.bytes >= groupBytes
	g.mu.Unlock()
	if !full {
		return nil
	}
	return g.commit(ctx, to)
}

func (g *group) commit(ctx context.Context, to *Store) error {
	g.commits.Lock()
	defer g.commits.Unlock()
	g.mu.Lock()
	placements := g.placements
	g.placements, g.bytes = nil, 0
	g.mu.Unlock()
	if len(placements) == 0 {
		return nil
	}
	errs := []error{to.commit(ctx, placements)}
	for _, p := range placements {
		errs = append(errs, p.Staged.Discard())
	}
	return errors.Join(errs...)
}

// end commits what is left, or gives it up.
func (g *group) end(ctx context.Context, to *Store, keep bool) error {
	if keep {
		return g.commit(ctx, to)
	}
	var errs []error
	for _, p := range g.placements {
		errs = append(errs, p.Staged.Discard())
	}
	g.placements, g.bytes = nil, 0
	return errors.Join(errs...)
}
