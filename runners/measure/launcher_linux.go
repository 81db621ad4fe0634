package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/shimwire"
)

// How long a stream may stay open after its command ended and its process
// group was killed: only what left the group can still hold it.
const drainGrace = 2 * time.Second

// How often memory is looked at where there is a limit.
const memoryInterval = 25 * time.Millisecond

// A Launcher runs commands, one at a time, each as a child of the same small
// process. It is not safe for concurrent use.
type Launcher struct {
	process *exec.Cmd
	socket  *os.File
	fd      int // of socket
	replies <-chan reply
	null    int // descriptor of /dev/null
	floor   int64
	perf    syscall.Errno // why it has no counters; 0: it has
}

// Floor returns what the launcher held when it was ready, in bytes. Peaks at
// or below its floor cannot be told from it; each Result has the floor of then.
func (l *Launcher) Floor() int64 { return l.floor }

// Counters returns nil if Usage will have Cycles and Instrs, or why it will not.
func (l *Launcher) Counters() error {
	switch l.perf {
	case 0:
		return nil
	case unix.EACCES, unix.EPERM:
		return fmt.Errorf("perf_event_open: %w: run as root, or lower /proc/sys/kernel/perf_event_paranoid to 2", l.perf)
	case unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV:
		return fmt.Errorf("perf_event_open: %w: this machine, a virtual one perhaps, shows no counters of its processor", l.perf)
	}
	return fmt.Errorf("perf_event_open: %w", l.perf)
}

// Start starts exe, whose "launch" command calls Launch, with dir as working
// directory of all commands. The caller must call Close.
func Start(exe, dir string) (*Launcher, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("launcher: socket: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "launcher")
	defer theirs.Close()
	if err := unix.SetNonblock(pair[0], true); err != nil {
		return nil, errors.Join(err, unix.Close(pair[0]))
	}
	l := &Launcher{fd: pair[0], socket: os.NewFile(uintptr(pair[0]), "launcher")}
	if l.null, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return nil, errors.Join(err, l.socket.Close())
	}
	l.process = exec.Command(exe, "launch")
	l.process.Dir, l.process.Env, l.process.Stderr = dir, []string{"GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1"}, os.Stderr
	l.process.ExtraFiles = []*os.File{theirs} // launchFD
	if err := l.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("launcher: %w", err), l.socket.Close(), unix.Close(l.null))
	}
	replies := make(chan reply, 2) // a command has at most two: no sender is ever left behind
	l.replies = replies
	go func() {
		defer close(replies)
		var b [replySize]byte
		for {
			if _, err := io.ReadFull(l.socket, b[:]); err != nil {
				return
			}
			replies <- parseReply(b[:])
		}
	}()
	ready, ok := <-replies
	if !ok {
		return nil, errors.Join(fmt.Errorf("launcher: %s launch ended at once", exe), l.Close())
	}
	l.floor, l.perf = ready.Floor, syscall.Errno(ready.Errno)
	return l, nil
}

// Close ends the launcher and what it may still run.
func (l *Launcher) Close() error {
	err := errors.Join(l.socket.Close(), unix.Close(l.null))
	for range l.replies {
	}
	return errors.Join(err, l.process.Wait())
}

// Run runs c to its end. When ctx ends first the command is killed and the
// error is the context's: it was not measured. After any other error the
// Launcher is of no more use.
func (l *Launcher) Run(ctx context.Context, c assay.Command, opts Options) (Result, error) {
	limits := opts.Limits
	var flags uint32
	if limits.Memory > 0 {
		flags |= flagWatch
	}
	if opts.Memory {
		flags |= flagMemory
	}
	header, body, err := encodeRun(flags, order{command: c, cpus: opts.CPUs, groups: opts.Group})
	if err != nil {
		return Result{Exit: -1, Reason: err.Error()}, nil
	}
	stdin := l.null
	if c.Stdin != "" {
		f, err := os.Open(c.Stdin)
		if err != nil {
			return Result{Exit: -1, Reason: fmt.Sprintf("stdin: %v", err)}, nil
		}
		defer f.Close()
		stdin = int(f.Fd())
	}
	over := make(chan struct{})
	calls := opts.Calls // that are reported on stderr
	if opts.Shim {
		calls = 0
	}
	stdout, stderr := newOutputs(limits.Output, calls, sync.OnceFunc(func() { close(over) }))
	if c.Chatter != "" {
		if stdout.own, err = newChatter(c.Chatter, stdout.answer); err != nil {
			return Result{Exit: -1, Reason: fmt.Sprintf("chatter: %v", err)}, nil
		}
	}
	streams := []*stream{{to: stdout}, {to: stderr}}
	var report shimwire.Reader
	if opts.Shim {
		report = shimwire.Reader{Calls: opts.Calls, Count: opts.Count}
		streams = append(streams, &stream{to: &report})
	}
	rights := []int{stdin}
	defer func() {
		for _, s := range streams {
			s.from.Close() // nil where it was not opened
		}
	}()
	var drained sync.WaitGroup
	for _, s := range streams {
		var w int
		if s.from, w, err = pipe(); err != nil {
			break
		}
		rights = append(rights, w)
		drained.Go(s.drain)
	}
	runtime.Gosched() // so that reading has begun, and nothing is done here when the command starts
	var end reply
	var killed assay.Outcome
	var reason string
	if err == nil {
		if err = l.send(append(header, body...), rights); err == nil {
			end, killed, reason, err = l.await(ctx, limits, opts.Group, over)
		}
	}
	// Not before: the end of the last writer wakes us, and that may not be the command's, just before its own end.
	for _, fd := range rights[1:] {
		unix.Close(fd)
	}
	deadline := time.Now().Add(drainGrace)
	if err != nil {
		deadline = time.Now()
	}
	whole := true
	for _, s := range streams {
		s.from.SetReadDeadline(deadline) // a pipe always has deadlines
	}
	drained.Wait()
	stdout.close()
	for _, s := range streams {
		whole = whole && s.whole
	}
	if err != nil {
		return Result{}, err
	}

	r := Result{
		StartNS: end.Start, WallNS: end.End - end.Start, FloorBytes: end.Floor, Exit: int(end.Exit), OutBytes: stdout.count.Load(),
	}
	if stdout.first != 0 && end.Start != 0 {
		r.FirstByteNS = stdout.first - end.Start
	}
	if opts.Shim {
		r.Report = report.Close()
		r.Report.Within(r.WallNS)
		r.Report.Exited(r.Exit)
	}
	if stderr.calls != nil {
		r.Calls = stderr.calls.close()
		r.Calls.within(r.WallNS)
	}
	r.StdoutTail, r.StderrTail = stdout.end(), stderr.end()
	if end.Errno != 0 {
		r.Reason = fmt.Sprintf("start %s: %v", c.Argv[0], syscall.Errno(end.Errno))
		return r, nil
	}
	r.Usage = end.usage()
	if end.Signal != 0 {
		r.Signal = unix.SignalName(unix.Signal(end.Signal))
	}
	switch {
	case opts.Memory:
		r.RSSBytes, r.PSSBytes = known(end.HeldRSS), known(end.HeldPSS)
	case end.MaxRSS > end.Floor:
		r.RSSBytes = &end.MaxRSS
	}
	if streams[0].whole {
		r.Stdout = stdout.digest()
	}
	switch {
	case killed == assay.Timeout && end.Signal == int64(unix.SIGKILL), killed == assay.Limit:
		r.Killed, r.Reason = killed, reason
	case r.OutBytes > limits.Output:
		r.Killed, r.Reason = assay.Limit, outputReason(limits)
	case limits.Memory > 0 && end.MaxRSS > limits.Memory:
		r.Killed, r.Reason = assay.Limit, memoryReason(end.MaxRSS, limits)
	case !whole:
		r.Reason = "a process that left the process group kept the output open"
	}
	return r, nil
}

// send sends a request with descriptors.
func (l *Launcher) send(request []byte, fds []int) error {
	n, err := unix.SendmsgN(l.fd, request, unix.UnixRights(fds...), nil, 0)
	if err == nil && n < len(request) {
		_, err = l.socket.Write(request[n:])
	}
	if err != nil {
		return fmt.Errorf("launcher: %w", err)
	}
	return nil
}

// usage returns what r says of what was used.
func (r reply) usage() Usage {
	return Usage{
		UserNS: r.User, SystemNS: r.System, Minor: r.Minor, Major: r.Major, Waits: r.Waits, Preempts: r.Preempts,
		Reads: r.Reads, Writes: r.Writes, Cycles: known(r.Cycles), Instrs: known(r.Instrs),
	}
}

func known(v int64) *int64 {
	if v == unknown {
		return nil
	}
	return &v
}

// await waits for the end of the running command, and kills it when it must.
// The outcome says why it did.
func (l *Launcher) await(ctx context.Context, limits assay.Limits, groups []string, over <-chan struct{}) (end reply, killed assay.Outcome, reason string, err error) {
	timeout := time.NewTimer(limits.Timeout)
	defer timeout.Stop()
	var look <-chan time.Time // nil: never
	var pid int
	cancelled := ctx.Done()
	kill := func(o assay.Outcome, why string) {
		if killed == "" {
			killed, reason = o, why
		}
		look, over, cancelled = nil, nil, nil
		if _, werr := l.socket.Write(requestHeader{Kind: requestKill}.bytes()); werr != nil {
			err = fmt.Errorf("launcher: %w", werr)
		}
	}
	for err == nil {
		select {
		case r, ok := <-l.replies:
			switch {
			case !ok:
				return r, killed, reason, errors.New("launcher: it died; was it killed for want of memory?")
			case r.Ended == 0:
				pid = int(r.PID)
				ticker := time.NewTicker(memoryInterval)
				defer ticker.Stop()
				look = ticker.C
				continue
			}
			return r, killed, reason, ctx.Err()
		case <-cancelled:
			kill("", "")
		case <-timeout.C:
			kill(assay.Timeout, fmt.Sprintf("still running after %v", limits.Timeout))
		case <-over:
			kill(assay.Limit, outputReason(limits))
		case <-look:
			if used, pids := resident(pid, l.process.Process.Pid, groups); used > limits.Memory {
				for _, pid := range pids { // also what left the process group, and would go on
					unix.Kill(pid, unix.SIGKILL)
				}
				kill(assay.Limit, memoryReason(used, limits))
			}
		}
	}
	return reply{}, "", "", err
}

func outputReason(limits assay.Limits) string {
	return fmt.Sprintf("more than %d bytes of output", limits.Output)
}

func memoryReason(used int64, limits assay.Limits) string {
	return fmt.Sprintf("%d bytes resident, limit %d", used, limits.Memory)
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
