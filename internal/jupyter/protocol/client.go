package protocol

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/go-zeromq/zmq4"
)

// ErrClosed is matched by the error of what was asked of a kernel that has
// closed its sockets: it ended.
var ErrClosed = errors.New("the kernel has closed the connection")

// A Client talks to one running kernel. Its methods are safe for concurrent
// use.
type Client struct {
	connection Connection
	key        []byte
	session    string
	info       Info

	shell, control, iopub, stdin *socket

	readers sync.WaitGroup
	closed  chan struct{} // closed when no more can come from the kernel

	mu      sync.Mutex
	err     error // why
	pending map[string]*exchange
}

// An exchange is one request and what comes of it.
type exchange struct {
	reply  chan Message  // takes one
	idle   chan struct{} // takes one: iopub says that all is done
	output func(Message)
	input  func(Message) string
}

// Info is what a kernel says of itself.
type Info struct {
	Protocol       string `json:"protocol_version"`
	Implementation string `json:"implementation"`
	Version        string `json:"implementation_version"`
	Language       struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Mimetype  string `json:"mimetype"`
		Extension string `json:"file_extension"`
	} `json:"language_info"`
	Raw json.RawMessage `json:"-"` // all of it
}

// Dial connects to the kernel, waiting until ctx ends for one that starts. It
// returns when the kernel has answered and iopub has been proven: from then on
// no output is lost. The caller closes the client.
func Dial(ctx context.Context, connection Connection) (*Client, error) {
	// One identity for all sockets: some kernels, GoNB for one, answer on the
	// shell socket what was asked on control.
	c := &Client{connection: connection, key: []byte(connection.Key), session: rand.Text(),
		closed: make(chan struct{}), pending: map[string]*exchange{}}
	for _, s := range []struct {
		socket **socket
		port   int
		kind   zmq4.SocketType
	}{
		{&c.shell, connection.Shell, zmq4.Dealer}, {&c.control, connection.Control, zmq4.Dealer},
		{&c.stdin, connection.Stdin, zmq4.Dealer}, {&c.iopub, connection.IOPub, zmq4.Sub},
	} {
		var err error
		if *s.socket, err = dial(ctx, connection, s.port, s.kind, c.session); err != nil {
			c.hangUp()
			return nil, fmt.Errorf("kernel at %s: %w", connection.Endpoint(s.port), err)
		}
	}
	c.readers.Go(func() { c.read(c.control, c.replied) })
	c.readers.Go(func() { c.read(c.stdin, c.asked) })
	var both sync.WaitGroup
	both.Go(func() { c.read(c.shell, c.replied) })
	both.Go(func() { c.read(c.iopub, c.published) })
	c.readers.Go(func() {
		both.Wait()
		close(c.closed)
	})
	if err := c.prove(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("kernel at %s: %w", connection.Endpoint(connection.Shell), err)
	}
	return c, nil
}

// prove subscribes to iopub and asks for kernel_info until an answer is seen
// on both sockets: what a kernel publishes before it has heard of the
// subscription is lost.
func (c *Client) prove(ctx context.Context) error {
	if err := c.iopub.send([]byte{1}); err != nil { // a subscription to everything
		return err
	}
	for patience := 100 * time.Millisecond; ; patience *= 2 {
		once, cancel := context.WithTimeout(ctx, patience)
		reply, err := c.Request(once, "kernel_info_request", struct{}{}, nil)
		cancel()
		switch {
		case err == nil:
			c.info.Raw = reply.Content
			return json.Unmarshal(reply.Content, &c.info)
		case ctx.Err() != nil:
			return fmt.Errorf("no answer: %w", context.Cause(ctx))
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		}
	}
}

// Info returns what the kernel said of itself.
func (c *Client) Info() Info { return c.info }

// Closed returns a channel that is closed when the kernel has closed its
// sockets.
func (c *Client) Closed() <-chan struct{} { return c.closed }

// Close hangs up and waits for the client's goroutines. The kernel is left as
// it is.
func (c *Client) Close() {
	c.hangUp()
	c.readers.Wait()
}

func (c *Client) hangUp() {
	for _, s := range []*socket{c.shell, c.control, c.stdin, c.iopub} {
		if s != nil {
			s.conn.Close()
		}
	}
}

// drainTime is how long what a kernel wrote before it closed one socket may
// still come from another.
const drainTime = 2 * time.Second

// read hands each message that comes on s to on, until s ends.
func (c *Client) read(s *socket, on func(Message)) {
	err := func() error {
		for {
			frames, err := s.recv()
			if err != nil {
				return err
			}
			m, err := Parse(frames, c.key)
			if err != nil {
				return fmt.Errorf("message of the kernel: %w", err)
			}
			on(m)
		}
	}()
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	for _, other := range []*socket{c.shell, c.control, c.stdin, c.iopub} {
		if other != s {
			other.conn.SetReadDeadline(time.Now().Add(drainTime))
		}
	}
}

func (c *Client) exchange(parent Header) *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending[parent.ID]
}

// replied takes a message of the shell or the control socket.
func (c *Client) replied(m Message) {
	if x := c.exchange(m.Parent); x != nil {
		select {
		case x.reply <- m:
		default: // a second reply says nothing new
		}
	}
}

// published takes a message of iopub.
func (c *Client) published(m Message) {
	x := c.exchange(m.Parent)
	if x == nil {
		return
	}
	if m.Header.Type == "status" {
		var status struct {
			State string `json:"execution_state"`
		}
		if json.Unmarshal(m.Content, &status) == nil && status.State == "idle" {
			select {
			case x.idle <- struct{}{}:
			default: // a second one says nothing new
			}
		}
		return
	}
	if x.output != nil {
		x.output(m)
	}
}

// asked takes a message of the stdin socket: a cell that waits for input.
func (c *Client) asked(m Message) {
	if m.Header.Type != "input_request" {
		return
	}
	answer := ""
	if x := c.exchange(m.Parent); x != nil && x.input != nil {
		answer = x.input(m)
	}
	reply, err := m.Reply(c.session, "input_reply", map[string]string{"status": "ok", "value": answer})
	var frames [][]byte
	if err == nil {
		reply.Identities = nil
		frames, err = reply.Frames(c.key)
	}
	if err != nil || c.stdin.send(frames...) != nil {
		c.stdin.conn.Close() // and its reader says so
	}
}

// Request sends a request on the shell socket and returns its reply, after all
// that the kernel has published about it. output, unless nil, gets that,
// message by message, from another goroutine, and holds up all others while it
// works. When ctx ends the answer is given up; the kernel goes on.
func (c *Client) Request(ctx context.Context, kind string, content any, output func(Message)) (Message, error) {
	return c.ask(ctx, c.shell, kind, content, &exchange{output: output})
}

// Control sends a request on the control socket and returns its reply, which
// some kernels give on the shell socket. It does not wait for iopub.
func (c *Client) Control(ctx context.Context, kind string, content any) (Message, error) {
	return c.ask(ctx, c.control, kind, content, &exchange{})
}

func (c *Client) ask(ctx context.Context, s *socket, kind string, content any, x *exchange) (Message, error) {
	m, err := NewMessage(c.session, kind, content)
	if err != nil {
		return Message{}, err
	}
	x.reply, x.idle = make(chan Message, 1), make(chan struct{}, 1)
	c.mu.Lock()
	c.pending[m.Header.ID] = x
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.pending, m.Header.ID)
		c.mu.Unlock()
	}()
	frames, err := m.Frames(c.key)
	if err != nil {
		return Message{}, fmt.Errorf("%s: %w", kind, err)
	}
	if s.send(frames...) != nil {
		s.conn.Close() // and its reader says so
		<-c.closed
		return Message{}, c.gone(kind)
	}
	reply, err := await(ctx, c, kind, x.reply)
	if err == nil && s == c.shell {
		_, err = await(ctx, c, kind, x.idle)
	}
	return reply, err
}

// await waits for what comes on from. What had come before the kernel ended
// counts.
func await[T any](ctx context.Context, c *Client, kind string, from <-chan T) (v T, err error) {
	select {
	case v = <-from:
		return v, nil
	case <-ctx.Done():
		return v, context.Cause(ctx)
	case <-c.closed:
	}
	select {
	case v = <-from:
		return v, nil
	default:
		return v, c.gone(kind)
	}
}

func (c *Client) gone(kind string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || errors.Is(c.err, io.EOF) || errors.Is(c.err, net.ErrClosed) || errors.Is(c.err, syscall.ECONNRESET) {
		return fmt.Errorf("%s: %w", kind, ErrClosed)
	}
	return fmt.Errorf("%s: %w: %w", kind, ErrClosed, c.err)
}

// Code is what a kernel is to execute.
type Code struct {
	Code   string
	Output func(Message)        // gets what is published, in order; may be nil
	Input  func(Message) string // answers an input_request; nil gives an empty line
}

// A Reply is how an execution ended.
type Reply struct {
	Status         string   `json:"status"` // "ok", "error" or "aborted"
	ExecutionCount int      `json:"execution_count"`
	Name           string   `json:"ename"`
	Value          string   `json:"evalue"`
	Traceback      []string `json:"traceback"`
}

// Execute has the kernel execute code, and returns when it and all its output
// have ended. An execution that fails is a reply, not an error.
func (c *Client) Execute(ctx context.Context, code Code) (Reply, error) {
	m, err := c.ask(ctx, c.shell, "execute_request", map[string]any{
		"code": code.Code, "silent": false, "store_history": true, "user_expressions": struct{}{},
		"allow_stdin": code.Input != nil, "stop_on_error": true,
	}, &exchange{output: code.Output, input: code.Input})
	if err != nil {
		return Reply{}, err
	}
	var r Reply
	if err := json.Unmarshal(m.Content, &r); err != nil {
		return r, fmt.Errorf("%s: %w", m.Header.Type, err)
	}
	return r, nil
}

// Interrupt asks the kernel to interrupt what it executes.
func (c *Client) Interrupt(ctx context.Context) error {
	_, err := c.Control(ctx, "interrupt_request", struct{}{})
	return err
}

// Shutdown asks the kernel to end, and returns when it has said that it will
// or is gone.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.Control(ctx, "shutdown_request", map[string]bool{"restart": false})
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// Ping asks the heartbeat socket for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	s, err := dial(ctx, c.connection, c.connection.Heartbeat, zmq4.Req, c.session)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	defer s.conn.Close()
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	beat := []byte(rand.Text())
	if err := s.send(nil, beat); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	frames, err := s.recv()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("heartbeat: %w", context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("heartbeat: %w", err)
	case len(frames) == 0 || !bytes.Equal(frames[len(frames)-1], beat):
		return errors.New("heartbeat: the answer is not what was sent")
	}
	return nil
}
