package cells

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/summary"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// run answers an experiment by its run, and says meanwhile how far that is.
func (x exchange) run(ctx context.Context, req wire.Run) (wire.Response, error) {
	if err := x.w.CheckHosts(ctx, req.Hosts); err != nil {
		return wire.Response{}, err
	}
	for i, ref := range req.Spec.Workloads {
		req.Spec.Workloads[i] = lab.Within(req.Dir, ref)
	}
	exp, err := x.w.Resolve(ctx, req.Spec)
	if err != nil {
		return wire.Response{}, err
	}
	b := bar{exchange: x, name: exp.Name, id: "assay-" + rand.Text()}
	result, err := x.w.Run(ctx, exp, lab.RunOptions{Rerun: req.Rerun, Ready: req.Ready}, b.watch)
	b.end()
	if err != nil {
		return wire.Response{}, err
	}
	ran, err := x.ran(ctx, result.Run, result.Archived)
	if err != nil {
		return wire.Response{}, err
	}
	x.show(display.Run(result.Run, ran.Summary, result.Archived))
	return wire.Response{Ran: ran}, nil
}

func (x exchange) ran(ctx context.Context, run assay.Run, archived bool) (*wire.Ran, error) {
	s, err := x.w.Summary(ctx, run)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := summary.Write(&text, s); err != nil {
		return nil, err
	}
	return &wire.Ran{Run: run, Summary: s, Text: text.String(), Archived: archived}, nil
}

// A bar says how far a run is: in a notebook in one display, which it replaces,
// and to a program in so many words.
type bar struct {
	exchange
	name string
	id   string // of the display
	last *lab.Progress
}

func (b *bar) watch(p lab.Progress) {
	b.last = &p
	if b.req.Show {
		b.display(false)
		return
	}
	_ = b.enc.Encode(wire.Response{ID: b.req.ID, Progress: &wire.Progress{Run: p.Run, Done: p.Done, Total: p.Total, Current: p.Current, Unready: p.Unready, Waits: p.Waits}})
}

// end leaves a plain line, if there was anything to see.
func (b *bar) end() {
	if b.last != nil && b.req.Show {
		b.display(true)
	}
}

func (b *bar) display(final bool) {
	d := display.Progress(b.name, *b.last, final)
	d.ID = b.id
	b.show(d)
}
