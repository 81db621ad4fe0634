// Package underway tells how far a large blob is while it is moved. It knows
// neither how long it is, nor how long that takes.
package underway

import (
	"io"
	"sync"
)

// each is after how many bytes it is told how far it is.
const each = 256 << 10

// A Blob is on its way. It is safe for concurrent use.
type Blob struct {
	// Tell is called with how many bytes moved since it was called before, by
	// one goroutine at a time.
	Tell func(bytes int64)

	mu   sync.Mutex // guards told
	told int64
}

// Reached says that the blob is read up to there. What is read again, to be
// sent again, is not counted again.
func (b *Blob) Reached(at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if more := at - b.told; more >= each {
		b.told = at
		b.Tell(more)
	}
}

// Told returns how many bytes were told of.
func (b *Blob) Told() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told
}

// Undo takes back what was told, of a blob that did not arrive.
func (b *Blob) Undo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told > 0 {
		b.Tell(-b.told)
		b.told = 0
	}
}

// Reader returns a reader of r, which reads the blob from its beginning.
func (b *Blob) Reader(r io.Reader) io.Reader { return &reader{r: r, blob: b} }

type reader struct {
	r    io.Reader
	at   int64
	blob *Blob
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.at += int64(n)
	r.blob.Reached(r.at)
	return n, err
}
