package measure

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync/atomic"

	"github.com/assay-notebooks/assay"
)

// An output takes in one stream of a command, in bounded memory.
type output struct {
	hash  hash.Hash // nil: not wanted
	tail  []byte    // at most 2*TailSize
	count *atomic.Int64
	limit int64
	over  func() // called, perhaps often, once count is beyond limit
}

// newOutputs returns stdout and stderr, which share the limit.
func newOutputs(limit int64, over func()) (stdout, stderr *output) {
	var count atomic.Int64
	return &output{hash: sha256.New(), count: &count, limit: limit, over: over},
		&output{count: &count, limit: limit, over: over}
}

func (o *output) Write(p []byte) (int, error) {
	if o.hash != nil {
		o.hash.Write(p)
	}
	o.tail = append(o.tail, p[max(0, len(p)-TailSize):]...)
	if len(o.tail) > 2*TailSize {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-TailSize:]...)
	}
	if o.count.Add(int64(len(p))) > o.limit {
		o.over()
	}
	return len(p), nil
}

// drain reads r to its end, into o. It reports whether it saw the end.
func (o *output) drain(r io.Reader) bool {
	_, err := io.CopyBuffer(struct{ io.Writer }{o}, struct{ io.Reader }{r}, make([]byte, 32<<10)) // no ReadFrom, no WriteTo
	return err == nil
}

// end returns the last TailSize bytes.
func (o *output) end() []byte { return o.tail[max(0, len(o.tail)-TailSize):] }

func (o *output) digest() assay.Digest { return assay.Digest(o.hash.Sum(nil)) }
