package hosts

import (
	"context"
	"path/filepath"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/images"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/runners/install"
)

// Zig returns the compiler of the workloads in C, and installs it below cache
// if it is not there. Its digest is that of the list of its releases for all
// platforms, so that every host gives a workload the same facts.
func Zig(ctx context.Context, cache string) (images.Zig, error) {
	p := install.Embedded()["zig"]
	releases, err := canonical.JSON(p.Wheel.Files)
	if err != nil {
		return images.Zig{}, err
	}
	in, err := install.Install(ctx, p, install.Options{Cache: cache})
	if err != nil {
		return images.Zig{}, err
	}
	return images.Zig{Program: in.Program, Digest: assay.DigestOf(releases), Cache: filepath.Join(cache, "zig")}, nil
}
