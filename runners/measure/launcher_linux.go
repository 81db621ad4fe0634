package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
)

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
	header, body, err := encodeRun(opts.flags(), order{command: c, cpus: opts.CPUs, groups: opts.Group})
	if err != nil {
		return Result{Exit: -1, Reason: err.Error()}, nil
	}
	rights := []int{l.null}
	if c.Stdin != "" {
		f, err := os.Open(c.Stdin)
		if err != nil {
			return Result{Exit: -1, Reason: fmt.Sprintf("stdin: %v", err)}, nil
		}
		defer f.Close()
		rights[0] = int(f.Fd())
	}
	said, err := newCapture(c, opts)
	if err != nil {
		return Result{Exit: -1, Reason: err.Error()}, nil
	}
	writers, err := said.open()
	runtime.Gosched() // so that reading has begun, and nothing is done here when the command starts
	var e ending
	if err == nil {
		if err = l.send(append(header, body...), append(rights, writers...)); err == nil {
			e, err = l.await(ctx, opts, said.over)
		}
	}
	// Not before: the end of the last writer wakes us, and that may not be the command's, just before its own end.
	for _, fd := range writers {
		unix.Close(fd)
	}
	if err != nil {
		said.close(0)
		return Result{}, err
	}
	said.close(drainGrace)
	return e.result(c, opts, said), nil
}

// flags returns those of the request.
func (o Options) flags() (flags uint32) {
	if o.Limits.Memory > 0 {
		flags |= flagWatch
	}
	if o.Memory {
		flags |= flagMemory
	}
	return flags
}

// An ending is how a command ended, and why we killed it, if we did.
type ending struct {
	reply
	killed assay.Outcome
	reason string
}

// result returns what is known of a command that ended and said this.
func (e ending) result(c assay.Command, opts Options, said *capture) Result {
	r := Result{
		StartNS: e.Start, WallNS: e.End - e.Start, FloorBytes: e.Floor, Exit: int(e.Exit),
	}
	said.fill(&r, opts)
	if e.Errno != 0 {
		r.Reason = fmt.Sprintf("start %s: %v", c.Argv[0], syscall.Errno(e.Errno))
		return r
	}
	r.Usage = e.usage()
	if e.Signal != 0 {
		r.Signal = unix.SignalName(unix.Signal(e.Signal))
	}
	peak := int64(unknown) // of the command: what is not above the floor may be handed on by the launcher
	if e.MaxRSS > e.Floor {
		peak = e.MaxRSS
	}
	r.RSSBytes = known(peak)
	if opts.Memory {
		r.RSSBytes, r.PSSBytes = known(e.HeldRSS), known(e.HeldPSS)
		peak = max(peak, e.HeldRSS)
	}
	if said.streams[0].whole {
		r.Stdout = said.stdout.digest()
	}
	limits := opts.Limits
	switch {
	case e.killed == assay.Timeout && e.Signal == int64(unix.SIGKILL), e.killed == assay.Limit:
		r.Killed, r.Reason = e.killed, e.reason
	case r.OutBytes > limits.Output:
		r.Killed, r.Reason = assay.Limit, outputReason(limits)
	case limits.Memory > 0 && peak > limits.Memory:
		r.Killed, r.Reason = assay.Limit, memoryReason(peak, limits)
	case !said.whole():
		r.Reason = "a process that left the process group kept the output open"
	}
	return r
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
func (l *Launcher) await(ctx context.Context, opts Options, over <-chan struct{}) (ending, error) {
	limits := opts.Limits
	timeout := time.NewTimer(limits.Timeout)
	defer timeout.Stop()
	var look <-chan time.Time // nil: never
	var pid int
	cancelled := ctx.Done()
	var e ending
	kill := func(o assay.Outcome, why string) error {
		if e.killed == "" {
			e.killed, e.reason = o, why
		}
		look, over, cancelled = nil, nil, nil
		if _, err := l.socket.Write(requestHeader{Kind: requestKill}.bytes()); err != nil {
			return fmt.Errorf("launcher: %w", err)
		}
		return nil
	}
	for {
		var err error
		select {
		case r, ok := <-l.replies:
			switch {
			case !ok:
				return e, errors.New("launcher: it died; was it killed for want of memory?")
			case r.Ended == 0:
				pid = int(r.PID)
				ticker := time.NewTicker(memoryInterval)
				defer ticker.Stop()
				look = ticker.C
				continue
			}
			e.reply = r
			return e, ctx.Err()
		case <-cancelled:
			err = kill("", "")
		case <-timeout.C:
			err = kill(assay.Timeout, fmt.Sprintf("still running after %v", limits.Timeout))
		case <-over:
			err = kill(assay.Limit, outputReason(limits))
		case <-look:
			if used, pids := resident(pid, l.process.Process.Pid, opts.Group); used > limits.Memory {
				unix.Kill(-pid, unix.SIGKILL) // first: it could end by itself when it sees the others end
				for _, pid := range pids {    // also what left the process group, and would go on
					unix.Kill(pid, unix.SIGKILL)
				}
				err = kill(assay.Limit, memoryReason(used, limits))
			}
		}
		if err != nil {
			return e, err
		}
	}
}

func outputReason(limits assay.Limits) string {
	return fmt.Sprintf("more than %d bytes of output", limits.Output)
}

func memoryReason(used int64, limits assay.Limits) string {
	return fmt.Sprintf("%d bytes resident, limit %d", used, limits.Memory)
}
