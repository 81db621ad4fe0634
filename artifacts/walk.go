package artifacts

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/assay-notebooks/assay"
)

// A walk follows blobs of one store for a copy to another. Children reads the
// store that is copied from; under a walk's context that store hands out what
// the other holds already, if that is nearer, and remembers the small blobs it
// reads, so that nothing crosses the network twice.
type walk struct {
	from  *Store
	near  *Store       // asked first; nil: nothing is nearer
	spare atomic.Int64 // bytes that may be kept in memory
}

// walkMemory is how many bytes a walk keeps in memory.
const walkMemory = 64 << 20

func newWalk(to, from *Store) *walk {
	w := &walk{from: from}
	if _, remote := to.b.(Uploader); !remote {
		w.near = to
	}
	w.spare.Store(walkMemory)
	return w
}

// look returns what n names. What of n cannot be read is the node's error.
func (w *walk) look(ctx context.Context, n *node, children Children) ([]assay.Digest, error) {
	if children == nil {
		return nil, nil
	}
	ds, err := children(context.WithValue(ctx, walkKey{}, &walked{walk: w, node: n}), n.digest)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, ErrUnavailable):
		return nil, err
	case err != nil:
		n.fail(n.digest, err)
	}
	if len(ds) > 0 {
		w.spare.Add(int64(len(n.bytes)))
		n.bytes = nil // the many it names are first
	}
	return ds, nil
}

// walked is one look, in the context that Children gets.
type walked struct {
	*walk
	node *node
}

type walkKey struct{}

// walkOf returns the look that reads s, or nil.
func walkOf(ctx context.Context, s *Store) *walked {
	if w, ok := ctx.Value(walkKey{}).(*walked); ok && w.from.b == s.b {
		return w
	}
	return nil
}

func (w *walked) readAll(ctx context.Context, d assay.Digest, limit int64) ([]byte, error) {
	if w.near != nil {
		if b, err := w.near.readAll(ctx, d, limit); err == nil {
			return b, nil
		}
	}
	b, err := w.from.readAll(ctx, d, limit)
	if err != nil && len(w.from.copies) > 0 {
		b, err = w.from.readBehind(ctx, d, limit, err)
	}
	if err == nil && d == w.node.digest && w.node.bytes == nil {
		if w.spare.Add(-int64(len(b))) < 0 {
			w.spare.Add(int64(len(b)))
			return b, nil
		}
		w.node.bytes = b
	}
	return b, err
}
