package cells

import (
	"context"

	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// lint looks for defects in runs and imports.
func (x exchange) lint(ctx context.Context, req wire.Lint) (wire.Response, error) {
	found, err := x.w.Lint(ctx, req.Refs, lab.LintOptions{})
	if err != nil {
		return wire.Response{}, err
	}
	x.show(display.Findings(req.Refs, found))
	return wire.Response{Findings: found}, nil
}
