package artifacts

import (
	"context"
	"errors"
	"sync"

	"github.com/assay-notebooks/assay"
)

// A graph is blobs and what they name. Its depth costs no stack, and it may
// have cycles, though digests make none.
type graph struct {
	nodes map[assay.Digest]*node
}

// A node is a blob in a graph.
type node struct {
	digest  assay.Digest
	via     string  // the root it was first reached from
	parents []*node // that name it
	names   int     // how many it names
	bytes   []byte  // its verified content, where that was at hand and is small

	waits int // how many of what it names are not done
	done  bool

	err     error        // why it, or what it reaches, cannot be had
	because assay.Digest // of which blob that is the error
}

func (n *node) fail(because assay.Digest, err error) { n.because, n.err = because, err }

func newGraph() *graph { return &graph{nodes: map[assay.Digest]*node{}} }

func (g *graph) digests() []assay.Digest {
	ds := make([]assay.Digest, 0, len(g.nodes))
	for d := range g.nodes {
		ds = append(ds, d)
	}
	return ds
}

// add returns the node of d, and whether it is new.
func (g *graph) add(d assay.Digest, via string) (*node, bool) {
	if n, ok := g.nodes[d]; ok {
		return n, false
	}
	n := &node{digest: d, via: via}
	g.nodes[d] = n
	return n, true
}

// walk adds the roots and all they reach, looking into jobs blobs at once. An
// error of look ends the walk; what cannot be looked into it writes to the node.
func (g *graph) walk(ctx context.Context, roots []Ref, jobs int, look func(context.Context, *node) ([]assay.Digest, error)) error {
	var q queue
	for _, root := range roots {
		if n, isNew := g.add(root.Digest, root.Name); isNew {
			q.todo = append(q.todo, n)
		}
	}
	return q.run(ctx, jobs, func(ctx context.Context, n *node) ([]*node, error) {
		children, err := look(ctx, n)
		if err != nil {
			return nil, err
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		var next []*node
		seen := map[assay.Digest]bool{n.digest: true}
		for _, d := range children {
			if seen[d] {
				continue
			}
			seen[d] = true
			child, isNew := g.add(d, n.via)
			child.parents = append(child.parents, n)
			n.names++
			if isNew {
				next = append(next, child)
			}
		}
		return next, nil
	})
}

// reset prepares each: done says what needs no work.
func (g *graph) reset(done func(*node) bool) {
	for _, n := range g.nodes {
		n.waits, n.done = n.names, false
	}
	for _, n := range g.nodes {
		if n.err == nil && done(n) {
			n.done = true
		}
	}
}

// each does the work for every node that is not done, for what a node names
// before the node itself. Where work writes an error to a node, those that
// reach it are left out, with the same error. An error of work ends it all.
func (g *graph) each(ctx context.Context, jobs int, work func(context.Context, *node) error) error {
	var q queue
	var settled []*node
	for _, n := range g.nodes {
		if n.done || n.err != nil {
			settled = append(settled, n)
		} else if n.waits == 0 {
			q.todo = append(q.todo, n)
		}
	}
	q.todo = append(q.todo, g.settle(settled)...)
	for {
		err := q.run(ctx, jobs, func(ctx context.Context, n *node) ([]*node, error) {
			if err := work(ctx, n); err != nil {
				return nil, err
			}
			q.mu.Lock()
			defer q.mu.Unlock()
			n.done = n.err == nil
			return g.settle([]*node{n}), nil
		})
		if err != nil {
			return err
		}
		// What is left names itself in a circle: any order will do.
		for _, n := range g.nodes {
			if !n.done && n.err == nil {
				q.todo = append(q.todo, n)
				break
			}
		}
		if len(q.todo) == 0 {
			return nil
		}
	}
}

// settle tells those that wait for the nodes, which are done or have an error,
// and returns those that wait for nothing more.
func (g *graph) settle(nodes []*node) (ready []*node) {
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		for _, p := range n.parents {
			p.waits--
			switch {
			case p.err != nil || p.done && n.err == nil:
			case n.err != nil:
				p.done = false
				p.fail(n.because, n.err)
				nodes = append(nodes, p)
			case p.waits == 0:
				ready = append(ready, p)
			}
		}
	}
	return ready
}

// A queue is work that makes more work.
type queue struct {
	mu   sync.Mutex
	todo []*node
	busy int
	err  error
}

// run works until nothing is left, last in first out. It returns when all its
// goroutines have ended.
func (q *queue) run(ctx context.Context, jobs int, work func(context.Context, *node) ([]*node, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wake := sync.NewCond(&q.mu)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			for {
				for len(q.todo) == 0 && q.busy > 0 && q.err == nil {
					wake.Wait()
				}
				if len(q.todo) == 0 || q.err != nil {
					return
				}
				n := q.todo[len(q.todo)-1]
				q.todo = q.todo[:len(q.todo)-1]
				q.busy++
				q.mu.Unlock()
				next, err := work(ctx, n)
				q.mu.Lock()
				q.busy--
				q.todo = append(q.todo, next...)
				if err == nil && ctx.Err() != nil {
					err = context.Cause(ctx)
				}
				if err != nil && q.err == nil {
					q.err = err
					cancel(errors.New("another blob failed"))
				}
				if len(q.todo) > 1 || q.busy == 0 || q.err != nil { // this goroutine takes the first
					wake.Broadcast()
				}
			}
		})
	}
	wg.Wait()
	return q.err
}
