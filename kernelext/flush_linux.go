package kernelext

import (
	"syscall"
	"time"
	"unsafe"
)

// flushPatience bounds how long flush waits for a kernel that does not read.
const flushPatience = 2 * time.Second

// flush returns when GoNB has passed on all that was shown: what is in the
// pipe when a cell ends, GoNB may not read any more. The kernel reads a message
// only after it has passed on the one before; so when it has read one more
// that means nothing, all is done.
func (p *pipe) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return nil
	}
	p.shown = false
	deadline := time.Now().Add(flushPatience)
	if err := p.drained(deadline); err != nil {
		return err
	}
	if err := p.write(p.nothing()); err != nil {
		return err
	}
	return p.drained(deadline)
}

// drained waits until nothing is in the pipe.
func (p *pipe) drained(deadline time.Time) error {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		var unread int32
		var errno syscall.Errno
		err := conn.Control(func(fd uintptr) {
			_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&unread)))
		})
		if err != nil {
			return err
		}
		if errno != 0 {
			return errno
		}
		if unread == 0 || time.Now().After(deadline) {
			return nil
		}
		time.Sleep(pause)
	}
}
