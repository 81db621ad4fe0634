package registry

import (
	"context"
	"fmt"
	"sync/atomic"
)

// A flusher brings to disk what the folder's file system holds. The system tells
// of lost bytes once, and not whose they are: after that nothing is durable.
type flusher struct {
	sync  func() error
	begun atomic.Int64
	state chan error // what was lost; empty while a sync finds out
}

func newFlusher(sync func() error) *flusher {
	f := &flusher{sync: sync, state: make(chan error, 1)}
	f.state <- nil
	return f
}

// flush returns when all that was written before it is durable, or fails if
// anything was lost since the flusher was made. Those that wait share a sync.
func (f *flusher) flush(ctx context.Context) error {
	before := f.begun.Load()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case lost := <-f.state:
		if lost == nil && f.begun.Load() == before {
			f.begun.Add(1)
			lost = f.sync()
		}
		f.state <- lost
		if lost != nil {
			return fmt.Errorf("the registry's disk lost what was written since its server was started (%w): check the disk, restore the folder, start the server again", lost)
		}
		return nil
	}
}
