package cells

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// importFiles imports files, or finds the import that has them. Files that are
// gone are those that were imported.
func (x exchange) importFiles(ctx context.Context, req wire.Import) (wire.Response, error) {
	at := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(req.Dir, path)
	}
	opts := lab.ImportOptions{Name: req.Name, Format: req.Format, Path: at(req.Path), Mapping: at(req.Mapping), Facts: req.Facts, Lenient: req.Lenient, AnyRevision: true}
	_, gone := os.Stat(opts.Path)
	var imp lab.Imported
	var err error
	if req.Path == "" || errors.Is(gone, fs.ErrNotExist) {
		imp, err = x.w.ArchivedImport(ctx, opts)
	} else {
		imp, err = x.w.Import(ctx, opts)
	}
	if err != nil {
		return wire.Response{}, err
	}
	x.show(display.Import(imp))
	return wire.Response{Import: &imp.Import}, nil
}
