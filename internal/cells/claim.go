package cells

import (
	"context"

	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// claim judges a claim by a run or an import.
func (x exchange) claim(ctx context.Context, req wire.Claim) (wire.Response, error) {
	j, err := x.w.JudgeClaim(ctx, req.ID, req.Check, req.Evidence)
	if err != nil {
		return wire.Response{}, err
	}
	x.show(display.Judgement(j.Judgement))
	return wire.Response{Judged: &j.Judgement}, nil
}
