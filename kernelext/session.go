package kernelext

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"

	"github.com/assay-notebooks/assay/kernelext/wire"
)

// session is this program's line to assay. It is opened by the first request
// and lasts, as does its reader, as long as the program. Requests of several
// goroutines are answered one after another.
var session struct {
	sync.Mutex
	enc    *json.Encoder
	said   chan said
	pipe   *pipe // of the cell that this program is, or nil
	child  bool  // it is a child of ours that answers, not a kernel
	lastID int64
}

// said is a response, or why there are none any more.
type said struct {
	resp wire.Response
	err  error
}

// statusInterrupted is the exit status of a program that was interrupted.
const statusInterrupted = 130

// ask sends req and returns its final response, showing meanwhile what comes
// with it. It does not return if there was an error. An interrupt while it
// waits stops what was asked for; a second one ends the program.
func ask(req wire.Request) wire.Response {
	session.Lock()
	defer session.Unlock()
	if session.enc == nil {
		if err := open(); err != nil {
			fail(err)
		}
	}
	session.lastID++
	req.ID, req.Show = session.lastID, session.pipe != nil
	req.Again = req.Show && initialising()
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	if err := session.enc.Encode(req); err != nil {
		if bad, ok := errors.AsType[*json.UnsupportedValueError](err); ok {
			fail(fmt.Errorf("%s cannot be sent, and nothing was asked: give a number", bad.Str))
		}
		fail(gone(err))
	}
	for status := 1; ; {
		select {
		case <-interrupts:
			if status == statusInterrupted {
				failWith(status, errors.New("interrupted twice: what is measured goes on by itself; run this again to see it, or stop it with assay cancel"))
			}
			status = statusInterrupted
			if err := session.enc.Encode(wire.Request{ID: req.ID, Cancel: &wire.Cancel{}}); err != nil {
				failWith(status, gone(err))
			}
		case s := <-session.said:
			switch {
			case s.err != nil:
				failWith(status, gone(s.err))
			case s.resp.Progress != nil:
				tell(*s.resp.Progress)
				continue
			case s.resp.Display != nil:
				show(*s.resp.Display)
				continue
			case s.resp.Error != "":
				failWith(status, errors.New(s.resp.Error))
			case status == statusInterrupted:
				failWith(status, errors.New("interrupted; what was asked for was done before"))
			}
			flush()
			return s.resp
		}
	}
}

// open opens the session: with the kernel of the cell that this program is, or
// with an assay of our own.
func open() error {
	pipe, err := openPipe()
	if err != nil {
		return fmt.Errorf("the notebook's pipe: %w; restart the kernel", err)
	}
	var in io.Writer
	var out io.Reader
	if path := os.Getenv("ASSAY_SOCKET"); path != "" {
		conn, err := dial(path)
		if err != nil {
			return fmt.Errorf("the kernel's socket %s: %w; restart the kernel", path, err)
		}
		in, out = conn, conn
	} else if in, out, err = start(); err != nil {
		return err
	} else {
		session.child = true
	}
	session.enc, session.said, session.pipe = json.NewEncoder(in), make(chan said), pipe
	go func() {
		for dec := json.NewDecoder(out); ; {
			var s said
			s.err = dec.Decode(&s.resp)
			session.said <- s
			if s.err != nil {
				return
			}
		}
	}()
	return nil
}

// start starts assay as a child, in a process group of its own: an interrupt
// from the keyboard is for this program, which passes it on.
func start() (io.Writer, io.Reader, error) {
	bin := os.Getenv("ASSAY_BIN")
	if bin == "" {
		bin = "assay"
	}
	cmd := exec.Command(bin, "session")
	cmd.Stderr = os.Stderr
	apart(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf(`start assay: %w; put it on PATH or name it in ASSAY_BIN ("make build" makes bin/assay)`, err)
	}
	return in, out, nil
}

// gone says that nobody answers any more.
func gone(err error) error {
	switch {
	case session.child && errors.Is(err, io.EOF):
		return errors.New("assay ended before it answered; what it said is above")
	case session.child:
		return fmt.Errorf("assay went away: %w", err)
	default:
		return fmt.Errorf("the kernel went away (%w): restart it; a run that was begun goes on by itself", err)
	}
}

// tell prints progress on stderr: a line each tenth.
func tell(p wire.Progress) {
	if p.Waits {
		fmt.Fprintf(os.Stderr, "waiting for other work to end: %s\n", strings.Join(p.Unready, "; "))
		return
	}
	if p.Total > 0 && (p.Done == p.Total || p.Done%max(p.Total/10, 1) == 0) {
		last := ""
		if p.Current != "" {
			last = "; " + p.Current
		}
		fmt.Fprintf(os.Stderr, "%s: %d of %d invocations%s\n", p.Run, p.Done, p.Total, last)
	}
}

// show shows d in the notebook. If that cannot be done any more the program is
// not the worse for it.
func show(d wire.Display) {
	if session.pipe != nil {
		_ = session.pipe.show(d)
	}
}

// flush waits until the notebook has what was shown: the program may end now.
func flush() {
	if session.pipe != nil {
		_ = session.pipe.flush()
	}
}
