// Package stall gives up connections on which nothing moves. It does not bound
// how long a slow one takes.
package stall

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Dialer dials as dialer does. Its connections fail with
// os.ErrDeadlineExceeded when the other side neither takes nor gives a byte
// for so long, as one that is stopped or unplugged does.
func Dialer(dialer net.Dialer, after time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn{c, after}, nil
	}
}

type conn struct {
	net.Conn
	after time.Duration
}

func (c conn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.after)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.after)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// piece is how many bytes are sent under one deadline.
const piece = 256 << 10

var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

// ReadFrom sends what r has. A file the system sends by itself; anything else
// goes through a buffer, for which without this net/http takes a smaller one.
func (c conn) ReadFrom(r io.Reader) (sent int64, err error) {
	limit, ok := r.(*io.LimitedReader)
	if !ok {
		limit = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	_, file := limit.R.(*os.File)
	buffer := pieces.Get().(*[piece]byte)
	defer pieces.Put(buffer)
	for limit.N > 0 {
		var n int64
		if file {
			n, err = c.sendFile(&io.LimitedReader{R: limit.R, N: min(limit.N, piece)})
		} else {
			n, err = c.send(limit.R, buffer[:min(limit.N, piece)])
		}
		sent, limit.N = sent+n, limit.N-n
		if err == io.EOF {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (c conn) sendFile(r *io.LimitedReader) (int64, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.after)); err != nil {
		return 0, err
	}
	n, err := io.Copy(c.Conn, r)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (c conn) send(r io.Reader, buffer []byte) (int64, error) {
	n, readErr := r.Read(buffer)
	sent, err := c.Write(buffer[:n])
	if err == nil {
		err = readErr
	}
	return int64(sent), err
}
