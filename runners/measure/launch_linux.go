package measure

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
)

// Launch is the launcher: it starts what the agent at the other end of
// descriptor 3 asks for, one command at a time, and returns when the agent is
// gone, having killed what was running. It must be called on the main
// goroutine before anything else in the process takes memory.
func Launch() error {
	runtime.LockOSThread() // a child's death signal is tied to the thread that forked it
	debug.SetGCPercent(-1) // never while a command is running
	debug.SetMemoryLimit(limit)
	unix.CloseOnExec(launchFD)
	if err := muteChildren(); err != nil {
		return fmt.Errorf("launcher: %w", err)
	}
	fd, err := unix.Open("/proc/self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("launcher: /proc/self/status: %w", err)
	}
	l := launcher{status: status{fd: fd}}
	if err := unix.SchedGetaffinity(0, &l.all); err != nil {
		return fmt.Errorf("launcher: affinity: %w", err)
	}
	c, errno := openCounters(hardware)
	if l.counts = errno == 0; l.counts {
		c.close()
	}
	rehearse()
	if err := l.keepFloor(); err != nil {
		return fmt.Errorf("launcher: %w", err)
	}
	if err := l.reply(reply{Errno: int64(errno)}); err != nil {
		return fmt.Errorf("launcher: %w", err)
	}
	idle := []unix.PollFd{{Fd: launchFD, Events: unix.POLLIN}}
	garbage := 0
	for {
		pollHere(idle) // whatever it says, receive finds out
		h, fds, err := l.receive()
		if err == nil && h.Kind != requestKill { // a kill comes too late here
			err = l.run(h, fds)
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("launcher: %w", err)
		}
		if garbage += leaves + 2*int(h.Size); garbage > collectAbove || h.Groups > 0 { // walking through control groups takes as much as many commands
			runtime.GC()
			garbage = 0
		}
	}
}

// muteChildren has the kernel send no SIGCHLD here, which is what it does by
// default: Go's handler would run between the end of a command and the look at
// the clock, and does nothing.
func muteChildren() error {
	var byDefault [4]uint64 // a struct sigaction of the kernel's: handler, flags, restorer, mask
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&byDefault)), 0,
		unsafe.Sizeof(byDefault[3]), 0, 0)
	if errno != 0 {
		return fmt.Errorf("SIGCHLD: %w", errno)
	}
	return nil
}

// limit is far more than the launcher takes, in bytes. Without one, Go expects
// a heap of any size, and from the first collection on lets the kernel make a
// huge page of its books, which raises the floor by 2 MiB in a run of seconds.
const limit = 256 << 20

// collectAbove is how many bytes may be left behind before the launcher collects
// them.
const collectAbove = 128 << 10

// leaves is what a command leaves behind in memory, in bytes, beside its request
// and the strings of that.
const leaves = 4 << 10

// rehearse takes the memory that starting commands will need, so that the
// floor is the same for the first as for the last of them. More rounds change
// nothing in that.
func rehearse() {
	none := []string{"", ""}
	for range 4 {
		var pidfd int
		syscall.ForkExec("", none, &syscall.ProcAttr{Env: none, Files: make([]uintptr, 3),
			Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd}}) // always fails
	}
	for range 4 { // what collecting itself needs, too
		for _, size := range []int{16, 128, 1 << 10, 16 << 10} { // of strings
			for left := collectAbove; left > 0; left -= size {
				runtime.KeepAlive(make([]byte, size))
			}
		}
		runtime.GC()
	}
}

// spare is by how much the peak is raised above what the launcher holds, in
// bytes, at least: more than it grows by until it collects.
const spare = 1 << 20

// keepFloor takes memory and gives it back where the peak is not well above what
// is held, so that the peak which children are handed on is the floor. Otherwise
// it is what is held when a child executes its program, by counts that the
// kernel keeps apart for each processor and adds up in batches of pages: seen
// from 356 KiB below what /proc says to 52 above. A peak in the past is the same
// number for both. Where batches are large, for many processors or large pages,
// it takes more to raise it.
func (l *launcher) keepFloor() error {
	peak, held, err := l.status.memory()
	if err != nil || peak <= l.floor && held+l.spare/4 <= l.floor {
		return err
	}
	for l.spare = max(l.spare, spare); ; l.spare *= 2 {
		b, err := unix.Mmap(-1, 0, int(l.spare), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
		if err == nil {
			err = unix.Munmap(b)
		}
		if err == nil {
			l.floor, held, err = l.status.memory()
		}
		if err != nil {
			return fmt.Errorf("peak memory: %w", err)
		}
		if held+l.spare/4 <= l.floor || l.spare >= limit/4 {
			return nil
		}
	}
}

type launcher struct {
	body   []byte // of the latest request
	status status
	counts bool   // there are counters
	cpus   string // that commands are pinned to; "": all
	all    unix.CPUSet
	floor  int64 // the peak that children are handed on, in bytes
	spare  int64 // by which that was raised
}

// reply sends r with the floor.
func (l *launcher) reply(r reply) error {
	r.Floor = l.floor
	return send(r.bytes())
}

// receive reads one request and the descriptors that came with it.
func (l *launcher) receive() (requestHeader, []int, error) {
	var header [requestHeaderSize]byte
	var oob [64]byte
	n, oobn, _, _, err := recvmsg(header[:], oob[:])
	if err != nil {
		return requestHeader{}, nil, err
	}
	if n == 0 {
		return requestHeader{}, nil, io.EOF
	}
	if err := readFull(header[n:]); err != nil {
		return requestHeader{}, nil, err
	}
	h := parseRequestHeader(header[:])
	if uint32(cap(l.body)) < h.Size {
		l.body = make([]byte, h.Size)
	}
	l.body = l.body[:h.Size]
	if err := readFull(l.body); err != nil || oobn == 0 {
		return h, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return h, nil, fmt.Errorf("descriptors: %d control messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	return h, fds, err
}

// run starts a command, waits for its end and replies.
func (l *launcher) run(h requestHeader, fds []int) error {
	o := decodeRun(h, l.body)
	if err := l.pin(o.cpus); err != nil {
		return err
	}
	if err := enter(o.groups); err != nil {
		return err
	}
	pidfd := -1
	attr := &syscall.ProcAttr{
		Dir: o.command.Dir,
		Env: o.command.Env,
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd, Ptrace: h.Flags&flagMemory != 0},
	}
	for _, fd := range fds {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	var counters counters
	if l.counts {
		var errno syscall.Errno
		if counters, errno = openCounters(hardware); errno != 0 {
			return fmt.Errorf("perf_event_open: %w", errno)
		}
	}
	start := Now()
	pid, err := syscall.ForkExec(o.command.Argv[0], o.command.Argv, attr)
	if err != nil {
		closeAll(fds)
		if err := leave(o.groups); err != nil {
			return err
		}
		if l.counts {
			counters.close()
		}
		errno, ok := err.(syscall.Errno)
		if !ok {
			errno = syscall.EINVAL
		}
		if err := l.keepFloor(); err != nil {
			return err
		}
		return l.reply(reply{Ended: 1, Errno: int64(errno), Exit: -1})
	}
	if pidfd < 0 {
		unix.Kill(-pid, unix.SIGKILL)
		return ErrNeedsLinux
	}
	defer unix.Close(pidfd)
	if h.Flags&flagWatch != 0 {
		if err := l.reply(reply{PID: int64(pid), Start: start}); err != nil {
			return err
		}
	}
	r := reply{Ended: 1, PID: int64(pid), Start: start, Cycles: unknown, Instrs: unknown, HeldRSS: unknown, HeldPSS: unknown}
	if h.Flags&flagMemory != 0 {
		r.HeldRSS, r.HeldPSS, r.End, err = l.hold(pid, pidfd)
	} else {
		r.End, err = l.wait(pid, pidfd, pollHere)
	}
	if err != nil {
		return errors.Join(err, abandon(o.groups)) // the agent is gone, and will not do it
	}
	closeAll(fds)                 // not before its end: it has just begun when we come to know that it was started
	unix.Kill(-pid, unix.SIGKILL) // what it left behind; the number is ours until we reap it
	var status unix.WaitStatus
	var usage unix.Rusage
	for {
		if _, err = unix.Wait4(pid, &status, 0, &usage); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("wait: %w", err)
	}
	if err := leave(o.groups); err != nil { // not before the end: it may take longer than the command
		return err
	}
	killAll(o.groups) // a container leaves the process group, and would hold its output open
	r.User, r.System, r.MaxRSS = usage.Utime.Nano(), usage.Stime.Nano(), usage.Maxrss<<10
	r.Minor, r.Major, r.Waits, r.Preempts = usage.Minflt, usage.Majflt, usage.Nvcsw, usage.Nivcsw
	r.Reads, r.Writes = usage.Inblock*rusageBlock, usage.Oublock*rusageBlock
	if l.counts {
		counted := counters.close()
		r.Cycles, r.Instrs = counted[0], counted[1]
	}
	r.Exit = int64(status.ExitStatus())
	if status.Signaled() {
		r.Signal = int64(status.Signal())
	}
	if err := l.keepFloor(); err != nil { // not before: this command was handed on what is told with it
		return err
	}
	return l.reply(r)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// rusageBlock is the unit of rusage's blocks, whatever the storage has.
const rusageBlock = 512

// pin makes this thread, and so what it forks, run on the processors of the
// list only, or on all that it may if that is "".
func (l *launcher) pin(list string) error {
	if list == l.cpus {
		return nil
	}
	set := l.all
	if list != "" {
		cpus, err := assay.ParseCPUs(list)
		if err != nil {
			return err
		}
		set.Zero()
		for _, cpu := range cpus {
			set.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("processors %s: %w", list, err)
	}
	l.cpus = list
	return nil
}

// wait returns the time at which pid ended, and meanwhile heeds the agent.
// poll is pollHere where nothing else is to be done in this process.
func (l *launcher) wait(pid, pidfd int, poll func([]unix.PollFd) (int64, syscall.Errno)) (end int64, err error) {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}, {Fd: launchFD, Events: unix.POLLIN}}
	for {
		end, errno := poll(fds)
		if errno == unix.EINTR {
			continue
		} else if errno != 0 {
			return 0, fmt.Errorf("poll: %w", errno)
		}
		if fds[0].Revents != 0 {
			return end, nil
		}
		h, _, err := l.receive()
		if err == nil && h.Kind != requestKill {
			err = fmt.Errorf("request %d while a command is running", h.Kind)
		}
		unix.Kill(-pid, unix.SIGKILL)
		if err != nil {
			return 0, err // the agent is gone
		}
	}
}

// pollHere waits until one of fds is ready and returns the time then. It keeps
// Go's scheduler out of it: told of a thread that waits, that would look after
// it every 20 µs, beside the command; and asked for nothing, it takes nothing
// between the end of a command and the look at the clock.
//
//go:nosplit
func pollHere(fds []unix.PollFd) (now int64, errno syscall.Errno) {
	var t unix.Timespec
	_, _, errno = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), 0, 0, 0, 0)
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&t)), 0)
	return t.Sec*1e9 + t.Nsec, errno
}

// pollShared does the same and lets other goroutines run meanwhile.
func pollShared(fds []unix.PollFd) (now int64, errno syscall.Errno) {
	_, err := unix.Poll(fds, -1)
	errno, _ = err.(syscall.Errno)
	return Now(), errno
}

func recvmsg(p, oob []byte) (n, oobn, flags int, from unix.Sockaddr, err error) {
	for {
		n, oobn, flags, from, err = unix.Recvmsg(launchFD, p, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			return n, oobn, flags, from, err
		}
	}
}

func readFull(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Read(launchFD, p)
		if err == unix.EINTR {
			continue
		} else if err != nil {
			return err
		} else if n == 0 {
			return io.EOF
		}
		p = p[n:]
	}
	return nil
}

func send(p []byte) error {
	for {
		_, err := unix.Write(launchFD, p) // so few bytes go whole
		if err == unix.EPIPE {
			return io.EOF
		}
		if err != unix.EINTR {
			return err
		}
	}
}

// A status is /proc/self/status, kept open.
type status struct {
	fd  int
	buf [4 << 10]byte
}

// memory returns the peak resident set of this process, which its children start
// with, and what it holds, in bytes. The peak is not ru_maxrss, which the agent
// handed on to us.
func (s *status) memory() (peak, held int64, err error) {
	n, err := unix.Pread(s.fd, s.buf[:], 0)
	if err != nil {
		return 0, 0, fmt.Errorf("/proc/self/status: %w", err)
	}
	peak, hasPeak := field(s.buf[:n], "VmHWM:")
	held, hasHeld := field(s.buf[:n], "VmRSS:")
	if !hasPeak || !hasHeld {
		return 0, 0, errors.New("/proc/self/status: no VmHWM or no VmRSS")
	}
	return peak << 10, held << 10, nil
}

// Now returns CLOCK_MONOTONIC in nanoseconds.
func Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("measure: no monotonic clock: " + err.Error()) // no Linux is without
	}
	return t.Nano()
}
