package sandbox

import (
	"fmt"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// A memory is the linear memory of one module: address space for the most it
// may use, of which the system provides what is touched. Wazero's own copies
// everything when it grows: measured, a figure over ten million rows takes
// twice as long.
type memory []byte

func reserve(bytes int64) (memory, error) {
	b, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space for the module: %w; lower its memory limit or raise ulimit -v", bytes, err)
	}
	return b, nil
}

// Allocate gives the memory to the one module that is run.
func (m memory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate makes the memory larger, or refuses beyond the limit.
func (m memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m)) {
		return nil
	}
	return m[:size:size]
}

// Free does nothing: release is called also if the module never began.
func (m memory) Free() {}

func (m memory) release() { unix.Munmap(m) }
