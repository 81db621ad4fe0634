package cells

import (
	"context"

	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// claim judges a claim by a run.
func (x exchange) claim(ctx context.Context, req wire.Claim) (wire.Response, error) {
	run, err := x.w.FindRun(ctx, req.Run)
	if err != nil {
		return wire.Response{}, err
	}
	j, err := x.w.JudgeClaim(ctx, req.ID, req.Check, run)
	if err != nil {
		return wire.Response{}, err
	}
	x.show(display.Judgement(j))
	return wire.Response{Judged: &j}, nil
}
