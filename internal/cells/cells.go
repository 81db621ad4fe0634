// Package cells answers programs that import kernelext: it reads requests of
// kernelext/wire, has internal/lab do them, and writes responses. It keeps no
// state between requests but the workspace.
package cells

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// An Opener opens the workspace that requests are about. It is called for each
// request, so that a workspace may be made between two.
type Opener func(context.Context) (*lab.Workspace, error)

// Serve answers the requests that in holds, one after another, until it ends.
// A request that fails is answered by an error; Serve's own error is that it
// could not read or write.
func Serve(ctx context.Context, open Opener, in io.Reader, out io.Writer) error {
	s := server{enc: json.NewEncoder(out)}
	dec := json.NewDecoder(in)
	for {
		var req wire.Request
		switch err := dec.Decode(&req); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("session: read request: %w", err)
		}
		var resp wire.Response
		w, err := open(ctx)
		if err == nil {
			s.w = w
			resp, err = s.answer(ctx, req)
		}
		if err != nil {
			resp = wire.Response{Error: err.Error()}
		}
		resp.ID = req.ID
		if err := s.enc.Encode(resp); err != nil {
			return fmt.Errorf("session: write response: %w", err)
		}
	}
}

type server struct {
	w   *lab.Workspace
	enc *json.Encoder
}

func (s server) answer(ctx context.Context, req wire.Request) (wire.Response, error) {
	var resp wire.Response
	switch {
	case req.Pin != nil:
		wl, err := s.w.Pin(ctx, within(req.Pin.Dir, req.Pin.Ref))
		resp.Workload = &wl
		return resp, err
	case req.Run != nil:
		return s.run(ctx, req.ID, *req.Run)
	case req.Find != nil:
		run, err := s.w.FindRun(ctx, req.Find.Ref)
		if err != nil {
			return resp, err
		}
		resp.Ran, err = s.ran(ctx, run, true)
		return resp, err
	case req.Table != nil:
		run, err := s.w.FindRun(ctx, req.Table.Run)
		if err != nil {
			return resp, err
		}
		resp.Table, err = s.w.Table(ctx, run, req.Table.Columns)
		return resp, err
	case req.Draw != nil:
		d := lab.Drawing{Name: req.Draw.Name, Dir: req.Draw.Dir, Func: req.Draw.Func, Formats: req.Draw.Formats, WidthMM: req.Draw.WidthMM}
		for _, t := range req.Draw.Tables {
			d.Tables = append(d.Tables, lab.TableOf(t))
		}
		drawn, err := s.w.Draw(ctx, d)
		resp.Drawn = &wire.Drawn{Figure: drawn.Figure, Paths: drawn.Paths}
		return resp, err
	case req.Claim != nil:
		return s.claim(ctx, *req.Claim)
	case req.Runtimes != nil:
		var err error
		resp.Runtimes, err = s.w.Runtimes(ctx)
		return resp, err
	}
	return resp, errors.New("session: a request that this assay does not know: use the kernelext of the same version")
}

func (s server) run(ctx context.Context, id int64, req wire.Run) (wire.Response, error) {
	for i, ref := range req.Spec.Workloads {
		req.Spec.Workloads[i] = within(req.Dir, ref)
	}
	exp, err := s.w.Resolve(ctx, req.Spec)
	if err != nil {
		return wire.Response{}, err
	}
	result, err := s.w.Run(ctx, exp, lab.RunOptions{Rerun: req.Rerun}, func(p lab.Progress) {
		// A program that is gone does not end its run.
		_ = s.enc.Encode(wire.Response{ID: id, Progress: &wire.Progress{Run: p.Run, Done: p.Done, Total: p.Total, Current: p.Current}})
	})
	if err != nil {
		return wire.Response{}, err
	}
	ran, err := s.ran(ctx, result.Run, result.Archived)
	return wire.Response{Ran: ran}, err
}

func (s server) ran(ctx context.Context, run assay.Run, archived bool) (*wire.Ran, error) {
	summary, err := s.w.Summary(ctx, run)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := lab.WriteSummary(&text, summary); err != nil {
		return nil, err
	}
	return &wire.Ran{Run: run, Summary: summary, Text: text.String(), Archived: archived}, nil
}

// within makes a path relative to dir absolute; what is no path stays.
func within(dir, ref string) string {
	if !strings.ContainsAny(ref, `/\`) || filepath.IsAbs(ref) || strings.HasPrefix(ref, "sha256:") {
		return ref
	}
	return filepath.Join(dir, ref)
}
