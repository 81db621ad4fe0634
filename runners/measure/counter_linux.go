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

// counters count what one child of a thread does, from its exec on, and what
// that starts. They are opened for each child anew: between fork and exec the
// kernel may exchange the counters of parent and child, which are alike then,
// and ours would end with the child.
type counters [2]int

// openCounters opens counters of what this thread's next child will do in user
// mode. The errno says why there are none.
func openCounters(attrs [2]unix.PerfEventAttr) (counters, syscall.Errno) {
	var c counters
	for i, a := range attrs {
		a.Size = uint32(unsafe.Sizeof(a))
		a.Bits = unix.PerfBitDisabled | unix.PerfBitInherit | unix.PerfBitEnableOnExec | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv
		a.Read_format = unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING
		fd, err := unix.PerfEventOpen(&a, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			for _, fd := range c[:i] {
				unix.Close(fd)
			}
			errno, ok := err.(syscall.Errno)
			if !ok {
				errno = syscall.EINVAL
			}
			return counters{}, errno
		}
		c[i] = fd
	}
	return c, 0
}

// close returns what was counted, unknown where it is not known exactly: more
// counters were wanted than the processor has, and they took turns.
func (c counters) close() (values [2]int64) {
	for i, fd := range c {
		var b [3 * 8]byte // the value, how long it was to count, how long it did
		n, err := unix.Read(fd, b[:])
		enabled, running := binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[16:])
		values[i] = int64(binary.NativeEndian.Uint64(b[:]))
		if err != nil || n != len(b) || enabled == 0 || running != enabled {
			values[i] = unknown
		}
		unix.Close(fd)
	}
	return values
}
