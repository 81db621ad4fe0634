package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
)

// A kernel is a kernel made for tests: zmq4's own sockets, and what it does
// with each execute_request.
type kernel struct {
	connection     protocol.Connection
	shell, control zmq4.Socket
	iopub, stdin   zmq4.Socket
	heartbeat      zmq4.Socket
	execute        func(k *kernel, request protocol.Message, code string) (reply map[string]any)
	deaf           int // kernel_infos to answer on the shell only, as when iopub is not subscribed yet
	answered       sync.WaitGroup
	interrupted    chan struct{}
}

func start(t *testing.T, execute func(*kernel, protocol.Message, string) map[string]any) *kernel {
	t.Helper()
	c, err := protocol.NewConnection(t.TempDir(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &kernel{connection: c, execute: execute, interrupted: make(chan struct{}, 1),
		shell: zmq4.NewRouter(ctx), control: zmq4.NewRouter(ctx), stdin: zmq4.NewRouter(ctx), iopub: zmq4.NewPub(ctx), heartbeat: zmq4.NewRep(ctx)}
	for port, s := range map[int]zmq4.Socket{c.Shell: k.shell, c.Control: k.control, c.Stdin: k.stdin, c.IOPub: k.iopub, c.Heartbeat: k.heartbeat} {
		if err := s.Listen(c.Endpoint(port)); err != nil {
			t.Fatal(err)
		}
	}
	k.answered.Go(func() { k.serve(t, k.shell) })
	k.answered.Go(func() { k.serve(t, k.control) })
	k.answered.Go(func() {
		for {
			m, err := k.heartbeat.Recv()
			if err != nil {
				return
			}
			k.heartbeat.Send(m)
		}
	})
	t.Cleanup(func() {
		k.die()
		cancel()
		k.answered.Wait()
	})
	return k
}

func (k *kernel) die() {
	for _, s := range []zmq4.Socket{k.shell, k.control, k.stdin, k.iopub, k.heartbeat} {
		s.Close()
	}
}

func (k *kernel) serve(t *testing.T, s zmq4.Socket) {
	for {
		msg, err := s.Recv()
		if err != nil {
			return
		}
		m, err := protocol.Parse(msg.Frames, []byte(k.connection.Key))
		if err != nil {
			t.Error(err)
			return
		}
		if m.Header.Type == "kernel_info_request" && k.deaf > 0 {
			k.deaf--
			k.send(k.shell, m, "kernel_info_reply", map[string]any{})
			continue
		}
		k.send(k.iopub, m, "status", map[string]any{"execution_state": "busy"})
		reply := map[string]any{"status": "ok"}
		switch m.Header.Type {
		case "kernel_info_request":
			reply["protocol_version"], reply["implementation"] = "5.4", "fake"
		case "execute_request":
			var content struct{ Code string }
			json.Unmarshal(m.Content, &content)
			if reply = k.execute(k, m, content.Code); reply == nil {
				return
			}
		case "interrupt_request":
			k.interrupted <- struct{}{}
		}
		// As GoNB does it: the answer to what came on control goes out on shell.
		k.send(k.shell, m, strings.Replace(m.Header.Type, "request", "reply", 1), reply)
		k.send(k.iopub, m, "status", map[string]any{"execution_state": "idle"})
	}
}

func (k *kernel) send(s zmq4.Socket, to protocol.Message, kind string, content any) {
	m, err := to.Reply("kernel", kind, content)
	if err != nil {
		panic(err)
	}
	frames, err := m.Frames([]byte(k.connection.Key))
	if err != nil {
		panic(err)
	}
	s.SendMulti(zmq4.NewMsgFrom(frames...))
}

func dial(t *testing.T, k *kernel) *protocol.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := protocol.Dial(ctx, k.connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestExecute(t *testing.T) {
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any {
		for i := range 100 {
			k.send(k.iopub, m, "stream", map[string]any{"name": "stdout", "text": fmt.Sprintf("%s %d\n", code, i)})
		}
		return map[string]any{"status": "error", "ename": "Oops", "evalue": "no", "traceback": []string{"a", "b"}, "execution_count": 3}
	})
	c := dial(t, k)
	if got := c.Info().Implementation; got != "fake" {
		t.Errorf("Info().Implementation = %q, want fake", got)
	}
	for round := range 3 {
		var got []string
		reply, err := c.Execute(t.Context(), protocol.Code{Code: "x", Output: func(m protocol.Message) {
			var content struct{ Text string }
			if err := json.Unmarshal(m.Content, &content); err != nil {
				t.Error(err)
			}
			got = append(got, content.Text)
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := protocol.Reply{Status: "error", Name: "Oops", Value: "no", Traceback: []string{"a", "b"}, ExecutionCount: 3}
		if !reflect.DeepEqual(reply, want) {
			t.Errorf("round %d: reply %+v, want %+v", round, reply, want)
		}
		if len(got) != 100 || got[0] != "x 0\n" || got[99] != "x 99\n" {
			t.Errorf("round %d: %d outputs, first and last %q", round, len(got), got)
		}
	}
}

// A subscription takes a while to arrive: until it has, what is published is
// lost, and Dial must not return.
func TestDialProvesIOPub(t *testing.T) {
	k := start(t, nil)
	k.deaf = 2
	c := dial(t, k)
	if k.deaf != 0 || c.Info().Implementation != "fake" {
		t.Errorf("Dial returned with %d unproven answers to come and info %+v", k.deaf, c.Info())
	}
}

func TestDialWaitsForNobody(t *testing.T) {
	c, err := protocol.NewConnection(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("kernel ended: exit status 7")
	cancel(reason)
	if _, err := protocol.Dial(ctx, c); !errors.Is(err, reason) {
		t.Errorf("Dial of nothing: %v, want the cause of its context", err)
	}
}

func TestInterrupt(t *testing.T) {
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any {
		<-k.interrupted
		return map[string]any{"status": "error", "ename": "Interrupted"}
	})
	c := dial(t, k)
	replies := make(chan protocol.Reply)
	go func() {
		defer close(replies)
		r, err := c.Execute(t.Context(), protocol.Code{Code: "for {}"})
		if err != nil {
			t.Error(err)
		}
		replies <- r
	}()
	if err := c.Interrupt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := <-replies; r.Name != "Interrupted" {
		t.Errorf("reply %+v, want Interrupted", r)
	}
}

func TestInput(t *testing.T) {
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any {
		k.send(k.stdin, m, "input_request", map[string]any{"prompt": "name?"})
		msg, err := k.stdin.Recv()
		if err != nil {
			return nil
		}
		answer, err := protocol.Parse(msg.Frames, []byte(k.connection.Key))
		if err != nil {
			return nil
		}
		return map[string]any{"status": "ok", "evalue": string(answer.Content)}
	})
	c := dial(t, k)
	r, err := c.Execute(t.Context(), protocol.Code{Code: "ask", Input: func(m protocol.Message) string {
		return "asked " + m.Header.Type
	}})
	if want := `{"status":"ok","value":"asked input_request"}`; err != nil || r.Value != want {
		t.Errorf("the kernel got %s, %v; want %s", r.Value, err, want)
	}
}

func TestKernelDies(t *testing.T) {
	heard := make(chan bool, 1)
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any {
		k.send(k.iopub, m, "stream", map[string]any{"name": "stdout", "text": "last words"})
		<-heard // zmq4 publishes when it likes
		k.die()
		return nil
	})
	c := dial(t, k)
	n := 0
	_, err := c.Execute(t.Context(), protocol.Code{Code: "x", Output: func(protocol.Message) { n++; heard <- true }})
	if !errors.Is(err, protocol.ErrClosed) || n != 1 {
		t.Errorf("Execute: %d outputs and %v, want 1 and ErrClosed", n, err)
	}
	<-c.Closed()
	if err := c.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown of a dead kernel: %v", err)
	}
	if _, err := c.Execute(t.Context(), protocol.Code{}); !errors.Is(err, protocol.ErrClosed) {
		t.Errorf("Execute after the end: %v, want ErrClosed", err)
	}
}

func TestGivenUp(t *testing.T) {
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any { return nil })
	c := dial(t, k)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := c.Execute(ctx, protocol.Code{}); err == nil || err.Error() != "enough" {
		t.Errorf("Execute: %v, want the context's cause", err)
	}
}

func TestPing(t *testing.T) {
	c := dial(t, start(t, nil))
	for range 2 {
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsGoroutines(t *testing.T) {
	k := start(t, func(k *kernel, m protocol.Message, code string) map[string]any {
		for range 1000 { // more than anyone reads
			k.send(k.iopub, m, "stream", map[string]any{"name": "stdout", "text": "x"})
		}
		return nil
	})
	c := dial(t, k)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := c.Execute(ctx, protocol.Code{Output: func(protocol.Message) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c.Close()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if strings.Contains(string(stacks), "protocol.(*Client)") {
		t.Errorf("after Close:\n%s", stacks)
	}
}

func TestConnectionFile(t *testing.T) {
	dir := t.TempDir()
	want, err := protocol.NewConnection(dir, "assay")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kernel-1.json")
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	if got, err := protocol.ReadConnection(path); err != nil || got != want {
		t.Errorf("ReadConnection = %+v, %v; want %+v", got, err, want)
	}
	if _, err := protocol.NewConnection("/"+strings.Repeat("long", 30), ""); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("NewConnection in a long folder: %v, want an error that names TMPDIR", err)
	}
	for in, want := range map[string]string{
		`{}`: "transport",
		`{"transport":"tcp","ip":"127.0.0.1","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":0}`:                                 "hb_port is 0",
		`{"transport":"tcp","ip":"h","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5,"key":"k","signature_scheme":"hmac-md5"}`: "hmac-md5",
		`[]`: "cannot unmarshal",
	} {
		if _, err := protocol.ParseConnection([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseConnection(%s): %v, want %q in it", in, err, want)
		}
	}
}
