// Package stall gives up connections on which nothing moves. It does not bound
// how long a slow one takes.
package stall

import (
	"context"
	"net"
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
