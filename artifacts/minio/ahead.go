package minio

import (
	"context"
	"errors"
	"io"
	"sync"
)

// An ahead reads a large value, in order, while the parts that come next are
// on their way, each over a connection of its own.
//
// There is memory for a few. Nobody waits for it: who opens several values and
// reads the last first would wait for himself.
type ahead struct {
	b      *Backend
	cancel context.CancelFunc
	wg     sync.WaitGroup
	fetch  func(i int) // starts part i
	slots  []slot      // part i goes to slot i modulo their number
	count  int         // of parts
	i      int         // the part to read
	open   bool        // its bytes are there,
	rest   []byte      // and these are left
	err    error       // what every Read after the last returns
	once   sync.Once
}

// A slot has room for one part.
type slot struct {
	buf  []byte
	done chan error // when the part is there, or failed
}

// readAhead takes over what was opened. If there is no memory for its parts it
// returns it as it is.
func readAhead(first *reader) io.ReadCloser {
	select {
	case first.b.ahead <- struct{}{}:
	default:
		return first
	}
	b, size, part := first.b, first.end, first.b.limits.part
	a := &ahead{b: b, cancel: first.cancel, slots: make([]slot, b.limits.parallel), count: int((size + part - 1) / part)}
	for i := range a.slots {
		a.slots[i] = slot{make([]byte, part), make(chan error, 1)}
	}
	a.fetch = func(i int) {
		s := &a.slots[i%len(a.slots)]
		at := int64(i) * part
		r := &reader{ctx: first.ctx, b: b, key: first.key, version: first.version, etag: first.etag, at: at, end: min(at+part, size)}
		if i == 0 {
			r.body = first.body // has all of the value; it is left after the part
		}
		a.wg.Go(func() {
			s.buf = s.buf[:r.end-at]
			_, err := io.ReadFull(r, s.buf)
			s.done <- errors.Join(err, r.Close())
		})
	}
	for i := range min(len(a.slots), a.count) {
		a.fetch(i)
	}
	return a
}

func (a *ahead) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	s := &a.slots[a.i%len(a.slots)]
	if !a.open {
		if a.err = <-s.done; a.err != nil {
			return 0, a.err
		}
		a.rest, a.open = s.buf, true
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	if len(a.rest) == 0 {
		if next := a.i + len(a.slots); next < a.count {
			a.fetch(next)
		}
		if a.i, a.open = a.i+1, false; a.i == a.count {
			a.err = io.EOF
		}
	}
	return n, nil
}

// Close ends what is on its way.
func (a *ahead) Close() error {
	a.once.Do(func() {
		a.cancel()
		a.wg.Wait()
		<-a.b.ahead
		if a.err == nil {
			a.err = io.ErrClosedPipe
		}
	})
	return nil
}
