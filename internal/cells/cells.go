// Package cells answers programs that import kernelext: it reads requests of
// kernelext/wire, has internal/lab do them, and writes responses; what can be
// seen it has formatted by internal/display. Between requests it remembers only
// what package-level variables have shown.
package cells

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// An Opener opens the workspace that requests are about. It is called for each
// request, so that a workspace may be made between two.
type Opener func(context.Context) (*lab.Workspace, error)

// A Server answers the programs of one kernel, which are its cells. It is safe
// for concurrent use.
type Server struct {
	// Grace is how long a wire.Cancel waits for the end of Serve's context: a
	// kernel that is told to end interrupts its cell first, and nobody wants
	// the run to stop for that.
	Grace time.Duration

	open Opener

	mu    sync.Mutex
	shown map[assay.Digest]bool // by package-level variables
}

// New returns a server of the workspace that open opens.
func New(open Opener) *Server { return &Server{open: open, shown: map[assay.Digest]bool{}} }

// Serve is New(open).Serve, for a single program.
func Serve(ctx context.Context, open Opener, in io.Reader, out io.Writer) error {
	return New(open).Serve(ctx, in, out)
}

var (
	errCancelled = errors.New("interrupted")
	errGone      = errors.New("the program has gone")
)

// Serve answers the requests of one program, which in holds, one after another,
// until it ends. A request that fails is answered by an error; Serve's own
// error is that it could not read.
//
// A wire.Cancel stops what is being done. A program that goes away without one
// leaves its run at work, and Serve watches that to its end; all else is given
// up. When ctx ends, runs go on by themselves, and Serve returns after the
// request that it is at, if in is closed then, as it must be.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	requests := make(chan wire.Request)
	var failed error
	var now at
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(requests)
		dec := json.NewDecoder(in)
		for {
			var req wire.Request
			if err := dec.Decode(&req); err != nil {
				if !errors.Is(err, io.EOF) {
					failed = fmt.Errorf("session: read request: %w", err)
				}
				now.gone()
				return
			}
			if req.Cancel != nil {
				select {
				case <-ctx.Done(): // interrupted because all ends: the run goes on
				case <-time.After(s.Grace):
					now.cancel(req.ID)
				}
				continue
			}
			select {
			case requests <- req:
			case <-done:
				return
			}
		}
	}()
	enc := json.NewEncoder(out)
	for {
		select {
		case <-ctx.Done():
			return nil
		case req, ok := <-requests:
			if !ok {
				return failed
			}
			resp := s.one(ctx, &now, req, enc)
			resp.ID = req.ID
			// A program that is gone reads nothing: the reader will say so.
			_ = enc.Encode(resp)
		}
	}
}

// one answers one request.
func (s *Server) one(ctx context.Context, now *at, req wire.Request, enc *json.Encoder) wire.Response {
	ctx, stop := lasting(ctx)
	defer stop(nil)
	now.begin(req, stop)
	defer now.end()
	w, err := s.open(ctx)
	if err != nil {
		return wire.Response{Error: err.Error()}
	}
	resp, err := exchange{Server: s, w: w, enc: enc, req: req}.answer(ctx, req)
	if err != nil {
		return wire.Response{Error: message(ctx, req, err)}
	}
	return resp
}

// lasting returns a context that ends, with the cause lab.ErrLeft, when ctx
// does.
func lasting(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	own, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { stop(lab.ErrLeft) })
	return own, func(cause error) {
		unhook()
		stop(cause)
	}
}

// message says what went wrong to whoever runs the cell or program.
func message(ctx context.Context, req wire.Request, err error) string {
	var incomplete *lab.IncompleteError
	switch interrupted := errors.Is(context.Cause(ctx), errCancelled); {
	case errors.As(err, &incomplete):
		what := "stopped"
		if interrupted {
			what = "interrupted"
		}
		if incomplete.LastWords != "" {
			what += " (" + incomplete.LastWords + ")"
		}
		this := "program"
		if req.Show {
			this = "cell"
		}
		return fmt.Sprintf("%s %s: %d of %d invocations are kept; run this %s again to go on, or: assay resume %s",
			incomplete.Run.Name, what, incomplete.Done, incomplete.Planned, this, incomplete.Run.ID)
	case interrupted && errors.Is(err, context.Canceled):
		return "interrupted"
	default:
		return err.Error()
	}
}

// at is the request that is being answered, for whoever reads the next ones.
type at struct {
	mu   sync.Mutex
	id   int64
	run  bool // it is a run, which outlives its program
	stop context.CancelCauseFunc
	left bool
}

func (a *at) begin(req wire.Request, stop context.CancelCauseFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id, a.run, a.stop = req.ID, req.Run != nil, stop
	if a.left && !a.run {
		stop(errGone)
	}
}

func (a *at) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop = nil
}

func (a *at) cancel(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stop != nil && a.id == id {
		a.stop(errCancelled)
	}
}

func (a *at) gone() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = true
	if a.stop != nil && !a.run {
		a.stop(errGone)
	}
}

// An exchange is one request and what is said to it.
type exchange struct {
	*Server
	w   *lab.Workspace
	enc *json.Encoder
	req wire.Request
}

// show sends displays, if the program can show them. What the initialisers of
// package-level variables show, each later cell would show again: it is sent
// once.
func (x exchange) show(displays ...wire.Display) {
	if !x.req.Show || x.req.Again && x.seen(displays) {
		return
	}
	for _, d := range displays {
		_ = x.enc.Encode(wire.Response{ID: x.req.ID, Display: &d})
	}
}

func (x exchange) seen(displays []wire.Display) bool {
	b, err := json.Marshal(displays)
	if err != nil {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	d := assay.DigestOf(b)
	seen := x.shown[d]
	x.shown[d] = true
	return seen
}

func (x exchange) answer(ctx context.Context, req wire.Request) (wire.Response, error) {
	var resp wire.Response
	switch {
	case req.Pin != nil:
		wl, err := x.w.PinOnce(ctx, lab.Within(req.Pin.Dir, req.Pin.Ref))
		if err != nil {
			return resp, err
		}
		x.show(display.Workload(wl))
		resp.Workload = &wl
		return resp, nil
	case req.Run != nil:
		return x.run(ctx, *req.Run)
	case req.Find != nil:
		run, err := x.w.FindRun(ctx, req.Find.Ref)
		if err != nil {
			return resp, err
		}
		resp.Ran, err = x.ran(ctx, run, true)
		return resp, err
	case req.Table != nil:
		var err error
		resp.Table, err = x.w.Project(ctx, lab.TableOf(*req.Table))
		return resp, err
	case req.Import != nil:
		return x.importFiles(ctx, *req.Import)
	case req.Judgements != nil:
		imp, err := x.w.ClaimsTable(ctx)
		resp.Import = &imp.Import
		return resp, err
	case req.Imported != nil:
		imp, err := x.w.FindImport(ctx, "imports/"+req.Imported.Name)
		resp.Import = &imp
		return resp, err
	case req.Trace != nil:
		run, err := x.w.FindRun(ctx, req.Trace.Run)
		if err != nil {
			return resp, err
		}
		path, err := x.w.TraceFile(ctx, run)
		resp.Trace = &wire.TraceFile{Digest: run.Trace, Path: path}
		return resp, err
	case req.Draw != nil:
		return x.draw(ctx, *req.Draw)
	case req.Claim != nil:
		return x.claim(ctx, *req.Claim)
	case req.Lint != nil:
		return x.lint(ctx, *req.Lint)
	case req.Runtimes != nil:
		versions, err := x.w.Runtimes(ctx)
		if err != nil {
			return resp, err
		}
		x.show(display.Runtimes(versions))
		resp.Runtimes = versions
		return resp, nil
	case req.Hosts != nil:
		hosts, err := x.w.Hosts(ctx)
		if err != nil {
			return resp, err
		}
		x.show(display.Hosts(hosts))
		resp.Hosts = hosts
		return resp, nil
	case req.Status != nil:
		runs, err := x.w.Unfinished(ctx)
		if err != nil {
			return resp, err
		}
		for _, r := range runs {
			resp.Status = append(resp.Status, wire.Live(r))
		}
		x.show(display.Status(resp.Status))
		return resp, nil
	}
	return resp, errors.New("session: a request that this assay does not know: use the kernelext of the same version")
}

func (x exchange) draw(ctx context.Context, req wire.Draw) (wire.Response, error) {
	d := lab.Drawing{Name: req.Name, Dir: req.Dir, Func: req.Func, Formats: req.Formats, WidthMM: req.WidthMM}
	for _, t := range req.Tables {
		d.Tables = append(d.Tables, lab.TableOf(t))
	}
	drawn, err := x.w.Draw(ctx, d)
	if err != nil {
		return wire.Response{}, err
	}
	if x.req.Show {
		outputs, err := x.w.Outputs(ctx, drawn.Figure)
		if err != nil {
			return wire.Response{}, err
		}
		badge := display.Sealed
		switch {
		case drawn.Stale:
			badge = display.Stale
		case drawn.Replayed:
			badge = display.Replayed
		}
		x.show(display.Figure(drawn, badge, outputs)...)
	}
	return wire.Response{Drawn: &wire.Drawn{Figure: drawn.Figure, Paths: drawn.Paths}}, nil
}
