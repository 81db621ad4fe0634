package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/assay-notebooks/assay/internal/cells"
)

// A server answers the cells, each on a connection of its own.
type server struct {
	listener *net.UnixListener
	cancel   context.CancelCauseFunc
	conns    sync.WaitGroup
}

// serve answers on a socket that nobody but its owner can use.
func serve(ctx context.Context, path string, open cells.Opener) (*server, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cells' socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	// A signal to the process is not the end of a request.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s := &server{listener: l, cancel: cancel}
	answers := cells.New(open)
	answers.Grace = grace
	s.conns.Go(func() {
		for {
			conn, err := l.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // too many open files, say: that passes
				say(err.Error())
				time.Sleep(acceptPause)
				continue
			}
			s.conns.Go(func() { answer(ctx, answers, conn) })
		}
	})
	return s, nil
}

const acceptPause = 100 * time.Millisecond

// grace is many times what GoNB takes to end after it has interrupted a cell
// for a shutdown (20 ms), and little for who waits for an interrupt.
const grace = 300 * time.Millisecond

func answer(ctx context.Context, answers *cells.Server, conn io.ReadWriteCloser) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	if err := answers.Serve(ctx, conn, conn); err != nil && ctx.Err() == nil {
		say(err.Error())
	}
}

// ending ends the requests with ErrEnding.
func (s *server) ending() { s.cancel(ErrEnding) }

// close ends the requests and waits for them.
func (s *server) close() {
	s.ending()
	s.listener.Close()
	s.conns.Wait()
}
