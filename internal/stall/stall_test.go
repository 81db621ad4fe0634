package stall_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/stall"
)

// TestDialer reads from and writes to a side that does nothing but accept.
func TestDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := stall.Dialer(net.Dialer{}, time.Millisecond)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v, want ErrDeadlineExceeded", err)
	}
	for err == nil {
		_, err = c.Write(make([]byte, 1<<20)) // until the system keeps no more
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v, want ErrDeadlineExceeded", err)
	}
}
