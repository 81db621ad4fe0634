package protocol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// A socket is one ZeroMQ connection. zmq4 makes its handshake; the frames after
// that are read and written here, because zmq4's own sockets allocate what the
// peer announces, queue ten messages with a goroutine that never ends, and
// redial by themselves: a client of one kernel wants none of it.
type socket struct {
	conn net.Conn
	r    *bufio.Reader

	writing sync.Mutex
}

// dial connects to a kernel that may still be starting: it tries until ctx
// ends.
func dial(ctx context.Context, c Connection, port int, kind zmq4.SocketType, identity string) (*socket, error) {
	network, address := c.address(port)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			return greet(ctx, conn, kind, identity)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

func greet(ctx context.Context, conn net.Conn, kind zmq4.SocketType, identity string) (*socket, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	_, err := zmq4.Open(conn, null.Security(), kind, zmq4.SocketIdentity(identity), false, nil)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &socket{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// The bits of a frame's first byte.
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// send writes one message. It is safe for concurrent use.
func (s *socket) send(frames ...[]byte) error {
	var b []byte
	for i, f := range frames {
		var flags byte
		if i < len(frames)-1 {
			flags |= flagMore
		}
		if len(f) > 255 {
			b = binary.BigEndian.AppendUint64(append(b, flags|flagLong), uint64(len(f)))
		} else {
			b = append(b, flags, byte(len(f)))
		}
		b = append(b, f...)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.conn.Write(b)
	return err
}

func (s *socket) recv() ([][]byte, error) { return readMessage(s.r) }

// maxFrames bounds the frames of a message.
const maxFrames = 1 << 10

// readMessage reads the frames of the next message; commands are skipped.
func readMessage(r *bufio.Reader) ([][]byte, error) {
	var frames [][]byte
	left := maxMessage
	for {
		flags, err := r.ReadByte()
		if err != nil {
			if len(frames) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		head := make([]byte, 1, 8)
		if flags&flagLong != 0 {
			head = head[:8]
		}
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, unexpected(err)
		}
		size := uint64(head[0])
		if len(head) == 8 {
			size = binary.BigEndian.Uint64(head)
		}
		if size > uint64(left) || len(frames) == maxFrames {
			return nil, fmt.Errorf("%w: more than %d bytes or %d frames", errFrames, maxMessage, maxFrames)
		}
		left -= int(size)
		var body bytes.Buffer
		if _, err := io.CopyN(&body, r, int64(size)); err != nil {
			return nil, unexpected(err)
		}
		if flags&flagCommand != 0 {
			continue
		}
		frames = append(frames, body.Bytes())
		if flags&flagMore == 0 {
			return frames, nil
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
