package measure

import (
	"crypto/sha256"
	"hash"
	"sync/atomic"

	"github.com/assay-notebooks/assay"
)

// An output takes in one stream of a command, in bounded memory.
type output struct {
	hash  hash.Hash // of the answer; nil: not wanted
	own   *chatter  // takes what the program itself writes out of the answer; nil: nothing
	calls *reports  // takes what it knows out of the tail; nil: none are wanted
	head  []byte    // at most HeadSize
	tail  []byte    // at most 2*TailSize
	count *atomic.Int64
	limit int64
	over  func() // called, perhaps often, once count is beyond limit
	first int64  // Now when the first byte of the answer was read; 0: there was none
}

// newOutputs returns stdout and stderr, which share the limit. The reports of
// calls, if there shall be any, are taken out of stderr.
func newOutputs(limit int64, calls int, over func()) (stdout, stderr *output) {
	var count atomic.Int64
	stdout = &output{hash: sha256.New(), count: &count, limit: limit, over: over}
	stderr = &output{count: &count, limit: limit, over: over}
	if calls > 0 {
		stderr.calls = &reports{want: calls, rest: stderr.keep}
	}
	return stdout, stderr
}

func (o *output) Write(p []byte) (int, error) {
	switch {
	case o.own != nil:
		o.own.write(p, Now())
	case o.hash != nil:
		o.answer(p, Now())
	}
	if o.calls != nil {
		o.calls.write(p)
	} else {
		o.keep(p)
	}
	if o.count.Add(int64(len(p))) > o.limit {
		o.over()
	}
	return len(p), nil
}

// answer takes in bytes of the answer, read at a time.
func (o *output) answer(p []byte, at int64) {
	if o.first == 0 {
		o.first = at
	}
	o.hash.Write(p)
}

// keep appends p to the head and the tail.
func (o *output) keep(p []byte) {
	o.head = append(o.head, p[:min(len(p), HeadSize-len(o.head))]...)
	o.tail = append(o.tail, p[max(0, len(p)-TailSize):]...)
	if len(o.tail) > 2*TailSize {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-TailSize:]...)
	}
}

// end returns the last TailSize bytes.
func (o *output) end() []byte { return o.tail[max(0, len(o.tail)-TailSize):] }

// close takes in what was held back; nothing may be written afterwards.
func (o *output) close() {
	if o.own != nil {
		o.own.end()
	}
}

func (o *output) digest() assay.Digest { return assay.Digest(o.hash.Sum(nil)) }
