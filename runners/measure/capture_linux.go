package measure

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/shimwire"
)

// How long a stream may stay open after its command ended and its process
// group was killed: only what left the group can still hold it.
const drainGrace = 2 * time.Second

// A capture takes in what a command writes.
type capture struct {
	stdout, stderr *output
	report         shimwire.Reader // of a shim, if it is one
	streams        []*stream       // of descriptors 1, 2, and of a shim 3
	drained        sync.WaitGroup
	over           chan struct{} // closed once there is more output than may be
}

// newCapture returns a capture of c, which must be opened.
func newCapture(c assay.Command, opts Options) (*capture, error) {
	said := &capture{over: make(chan struct{})}
	calls := opts.Calls // that are reported on stderr
	if opts.Shim {
		calls = 0
	}
	said.stdout, said.stderr = newOutputs(opts.Limits.Output, calls, sync.OnceFunc(func() { close(said.over) }))
	if c.Chatter != "" {
		var err error
		if said.stdout.own, err = newChatter(c.Chatter, said.stdout.answer); err != nil {
			return nil, fmt.Errorf("chatter: %w", err)
		}
	}
	said.streams = []*stream{{to: said.stdout}, {to: said.stderr}}
	if opts.Shim {
		said.report = shimwire.Reader{Calls: opts.Calls, Count: opts.Count}
		said.streams = append(said.streams, &stream{to: &said.report})
	}
	return said, nil
}

// open begins to read, and returns the descriptors that the command is to
// write to, which the caller closes, also after an error. After it the capture
// must be closed.
func (said *capture) open() (writers []int, err error) {
	for _, s := range said.streams {
		var w int
		if s.from, w, err = pipe(); err != nil {
			return writers, err
		}
		writers = append(writers, w)
		said.drained.Go(s.drain)
	}
	return writers, nil
}

// close reads what is left to its end, or for so long.
func (said *capture) close(grace time.Duration) {
	deadline := time.Now().Add(grace)
	for _, s := range said.streams {
		s.from.SetReadDeadline(deadline) // a pipe always has deadlines; nil where it was not opened
	}
	said.drained.Wait()
	for _, s := range said.streams {
		s.from.Close()
	}
	said.stdout.close()
}

// whole reports whether all streams were read to their ends.
func (said *capture) whole() bool {
	for _, s := range said.streams {
		if !s.whole {
			return false
		}
	}
	return true
}

// fill puts what was said into r, which has the times and the status.
func (said *capture) fill(r *Result, opts Options) {
	r.OutBytes = said.stdout.count.Load()
	if said.stdout.first != 0 && r.StartNS != 0 {
		r.FirstByteNS = said.stdout.first - r.StartNS
	}
	if opts.Shim {
		r.Report = said.report.Close()
		r.Report.Within(r.WallNS)
		r.Report.Exited(r.Exit)
	}
	if calls := said.stderr.calls; calls != nil {
		r.Calls = calls.close()
		r.Calls.within(r.WallNS)
	}
	r.StdoutTail, r.StderrHead, r.StderrTail = said.stdout.end(), said.stderr.head, said.stderr.end()
}

// A stream is one descriptor that a command writes to.
type stream struct {
	from  *os.File
	to    io.Writer
	whole bool // it was read to its end
}

func (s *stream) drain() {
	_, err := io.CopyBuffer(struct{ io.Writer }{s.to}, struct{ io.Reader }{s.from}, make([]byte, 32<<10)) // no ReadFrom, no WriteTo
	s.whole = err == nil
}

// pipe returns a pipe whose read end has deadlines and whose write end is a
// blocking descriptor, as a guest expects.
func pipe() (r *os.File, w int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, fmt.Errorf("pipe: %w", err)
	}
	if err := unix.SetNonblock(p[0], true); err != nil {
		return nil, -1, errors.Join(fmt.Errorf("pipe: %w", err), unix.Close(p[0]), unix.Close(p[1]))
	}
	return os.NewFile(uintptr(p[0]), "output"), p[1], nil
}
