package artifacts

import "sync"

// tellEach is after how many bytes of a blob it is told how far it is.
const tellEach = 256 << 10

// An underway tells how much of one blob is read by who copies it. It is safe
// for concurrent use.
type underway struct {
	c    *copier
	mu   sync.Mutex // guards what follows
	told int64      // bytes
}

// reached says that the blob is read up to there. What is read again is not
// counted again.
func (u *underway) reached(at int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if more := at - u.told; more >= tellEach {
		u.told = at
		u.c.advance(0, more)
	}
}

// undo takes back what was told of a blob that is not copied.
func (u *underway) undo() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.told > 0 {
		u.c.advance(0, -u.told)
		u.told = 0
	}
}

// A counted reader tells how much was read.
type counted struct {
	*counter
	way *underway
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.counter.Read(p)
	c.way.reached(c.n)
	return n, err
}
