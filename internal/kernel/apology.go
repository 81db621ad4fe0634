package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/go-zeromq/zmq4"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
)

// apologize is a kernel that answers each execution with why GoNB cannot run,
// until it is told to end: a kernel that only ended would leave its user with
// "the kernel died".
func apologize(ctx context.Context, connectionFile string, why error, signals <-chan os.Signal) error {
	c, err := protocol.ReadConnection(connectionFile)
	if err != nil {
		return errors.Join(why, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &apology{
		text: fmt.Sprintf("assay cannot run cells: %v; then restart the kernel", why), connection: c, stop: cancel,
		iopub: zmq4.NewPub(ctx), heartbeat: zmq4.NewRep(ctx), stdin: zmq4.NewRouter(ctx),
	}
	say(a.text)
	shell, control := zmq4.NewRouter(ctx), zmq4.NewRouter(ctx)
	var serving sync.WaitGroup
	for port, s := range map[int]zmq4.Socket{c.Shell: shell, c.Control: control, c.IOPub: a.iopub, c.Heartbeat: a.heartbeat, c.Stdin: a.stdin} {
		defer s.Close()
		if path, ok := strings.CutPrefix(c.Endpoint(port), "ipc://"); ok {
			_ = os.Remove(path) // GoNB may have left it; if not, Listen says so
		}
		if err := s.Listen(c.Endpoint(port)); err != nil {
			return errors.Join(why, fmt.Errorf("listen on %s: %w", c.Endpoint(port), err))
		}
	}
	serving.Go(func() { a.serve(ctx, shell) })
	serving.Go(func() { a.serve(ctx, control) })
	serving.Go(a.beat)
	for ctx.Err() == nil {
		select {
		case s := <-signals:
			if s != syscall.SIGINT {
				cancel()
			}
		case <-ctx.Done():
		}
	}
	for _, s := range []zmq4.Socket{shell, control, a.heartbeat} {
		s.Close()
	}
	serving.Wait()
	return nil
}

type apology struct {
	text             string
	connection       protocol.Connection
	stop             func()
	iopub, heartbeat zmq4.Socket
	stdin            zmq4.Socket

	publishing sync.Mutex
	count      int
}

// session marks the messages of this kernel.
const session = "assay-apology"

func (a *apology) beat() {
	for {
		m, err := a.heartbeat.Recv()
		if err != nil || a.heartbeat.Send(m) != nil {
			return
		}
	}
}

// serve answers the requests on s until it is closed. What is no message is
// dropped, as Jupyter's own kernels do.
func (a *apology) serve(ctx context.Context, s zmq4.Socket) {
	for {
		raw, err := s.Recv()
		if err != nil {
			return
		}
		m, err := protocol.Parse(raw.Frames, []byte(a.connection.Key))
		if err != nil {
			continue
		}
		if err := a.answer(s, m); err != nil && ctx.Err() == nil {
			say(err.Error())
		}
	}
}

func (a *apology) answer(s zmq4.Socket, m protocol.Message) error {
	kind, content := a.reply(m)
	if kind == "" {
		return nil
	}
	a.publishing.Lock()
	defer a.publishing.Unlock()
	errs := []error{a.publish(m, "status", map[string]string{"execution_state": "busy"})}
	if m.Header.Type == "execute_request" {
		a.count++
		content["execution_count"] = a.count
		var request struct{ Code string }
		_ = json.Unmarshal(m.Content, &request) // without code there is none to show
		errs = append(errs,
			a.publish(m, "execute_input", map[string]any{"code": request.Code, "execution_count": a.count}),
			a.publish(m, "error", a.failure()))
	}
	reply, err := m.Reply(session, kind, content)
	if err == nil {
		err = a.send(s, reply)
	}
	errs = append(errs, err, a.publish(m, "status", map[string]string{"execution_state": "idle"}))
	if m.Header.Type == "shutdown_request" {
		a.stop()
	}
	return errors.Join(errs...)
}

func (a *apology) failure() map[string]any {
	return map[string]any{"status": "error", "ename": "assay", "evalue": a.text, "traceback": []string{a.text}}
}

// reply returns the type and content of the reply to m, or "" if it has none.
func (a *apology) reply(m protocol.Message) (string, map[string]any) {
	switch m.Header.Type {
	case "kernel_info_request":
		return "kernel_info_reply", map[string]any{
			"status": "ok", "protocol_version": protocol.Version, "implementation": Name, "implementation_version": "0", "banner": a.text,
			"language_info": map[string]any{"name": Language, "version": "", "mimetype": "text/x-go", "file_extension": ".go"},
		}
	case "execute_request":
		return "execute_reply", a.failure()
	case "shutdown_request":
		var request struct{ Restart bool }
		_ = json.Unmarshal(m.Content, &request) // it ends in any case
		return "shutdown_reply", map[string]any{"status": "ok", "restart": request.Restart}
	case "interrupt_request":
		return "interrupt_reply", map[string]any{"status": "ok"}
	case "complete_request":
		return "complete_reply", map[string]any{"status": "ok", "matches": []string{}, "cursor_start": 0, "cursor_end": 0, "metadata": struct{}{}}
	case "inspect_request":
		return "inspect_reply", map[string]any{"status": "ok", "found": false, "data": struct{}{}, "metadata": struct{}{}}
	case "is_complete_request":
		return "is_complete_reply", map[string]any{"status": "unknown"}
	case "comm_info_request":
		return "comm_info_reply", map[string]any{"status": "ok", "comms": struct{}{}}
	case "history_request":
		return "history_reply", map[string]any{"status": "ok", "history": []string{}}
	}
	return "", nil
}

func (a *apology) publish(parent protocol.Message, kind string, content any) error {
	m, err := parent.Reply(session, kind, content)
	if err != nil {
		return err
	}
	m.Identities = [][]byte{[]byte(kind)}
	return a.send(a.iopub, m)
}

func (a *apology) send(s zmq4.Socket, m protocol.Message) error {
	frames, err := m.Frames([]byte(a.connection.Key))
	if err != nil {
		return err
	}
	return s.SendMulti(zmq4.NewMsgFrom(frames...))
}
