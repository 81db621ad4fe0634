package measure

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hardware are the counters of the processor that are read, in this order:
// cycles and instructions in user mode.
var hardware = [2]unix.PerfEventAttr{
	{Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_CPU_CYCLES},
	{Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_INSTRUCTIONS},
}

// counters count what the children of one thread do, from their exec on. They
// are opened once: the kernel adds what a child counted when it ends.
type counters struct {
	fds  [2]int // meaningless unless open
	last [2]count
	open bool
}

// A count is what a counter says: its value, how long it was to count, and how
// long it did, which is less where more counters are wanted than there are.
type count struct{ value, enabled, running uint64 }

// openCounters opens counters of what this thread's children will do in user
// mode. The errno says why there are none.
func openCounters(attrs [2]unix.PerfEventAttr) (c counters, errno syscall.Errno) {
	for i := range attrs {
		a := attrs[i]
		a.Size = uint32(unsafe.Sizeof(a))
		a.Bits = unix.PerfBitDisabled | unix.PerfBitInherit | unix.PerfBitEnableOnExec | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv
		a.Read_format = unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING
		fd, err := unix.PerfEventOpen(&a, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			for _, fd := range c.fds[:i] {
				unix.Close(fd)
			}
			errno, _ = err.(syscall.Errno)
			return counters{}, errno
		}
		c.fds[i] = fd
	}
	c.open = true
	return c, 0
}

// read returns what the children that ended since the last call counted,
// unknown where that is not known exactly.
func (c *counters) read() (first, second int64) {
	values := [2]int64{unknown, unknown}
	if c.open {
		for i, fd := range c.fds {
			values[i] = c.last[i].advance(fd)
		}
	}
	return values[0], values[1]
}

func (c *count) advance(fd int) int64 {
	var b [24]byte
	if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
		return unknown
	}
	now := count{binary.NativeEndian.Uint64(b[:]), binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[16:])}
	before := *c
	*c = now
	if enabled := now.enabled - before.enabled; enabled == 0 || now.running-before.running != enabled {
		return unknown
	}
	return int64(now.value - before.value)
}
