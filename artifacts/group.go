package artifacts

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/assay-notebooks/assay"
)

// A Group is a Batch for many writers at once, which commits by itself whenever
// it has become large. Nothing put is promised before
// Commit has returned; what readers see earlier, they see in the order it was put in.
type Group struct {
	s      *Store
	stager Stager

	mu         sync.Mutex // guards what follows
	placements []Placement
	bytes      int64

	commits sync.Mutex // held while a part is committed, so that parts stay in order
}

// What a group holds at most: enough for the price of a sync to vanish, and
// little enough for a copy that is killed to lose little.
const (
	groupBlobs = 256
	groupBytes = 64 << 20
)

// Group returns a new, empty group. The caller ends it by Commit or Discard,
// after every writer has ended.
func (s *Store) Group() *Group { return &Group{s: s, stager: s.stager()} }

// PutBytes adds bytes in memory that must be those of d: others are ErrCorrupt.
// An error may also be of what others have put, since the last commit.
func (g *Group) PutBytes(ctx context.Context, d assay.Digest, data []byte) error {
	staged, err := stageBytes(ctx, g.stager, d, data)
	if err != nil {
		return err
	}
	p, err := g.s.placement(ctx, d, staged)
	if err != nil {
		return err
	}
	return g.add(ctx, p, int64(len(data)))
}

// add appends a staged blob, and commits the group when it is full.
func (g *Group) add(ctx context.Context, p Placement, size int64) error {
	g.mu.Lock()
	g.placements = append(g.placements, p)
	g.bytes += size
	full := len(g.placements) >= groupBlobs || g.bytes >= groupBytes
	g.mu.Unlock()
	if !full {
		return nil
	}
	return g.Commit(ctx)
}

// Commit makes all that was put durable and visible. After an error some of it
// may be kept; putting it again is safe.
func (g *Group) Commit(ctx context.Context) error {
	g.commits.Lock()
	defer g.commits.Unlock()
	placements := g.take()
	if len(placements) == 0 {
		return nil
	}
	err := g.s.commit(ctx, placements)
	if err != nil {
		err = fmt.Errorf("put: %w", err)
	}
	return errors.Join(err, discard(placements))
}

// Discard gives up what was put and not committed.
func (g *Group) Discard() error { return discard(g.take()) }

// take empties the group.
func (g *Group) take() []Placement {
	g.mu.Lock()
	defer g.mu.Unlock()
	placements := g.placements
	g.placements, g.bytes = nil, 0
	return placements
}
