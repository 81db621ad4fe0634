package lab

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

// buildOptions returns what the workload in dir is built with.
func (w *Workspace) buildOptions(ctx context.Context, dir string) (images.Options, error) {
	language, err := images.LanguageOf(dir)
	if err != nil {
		return images.Options{}, err
	}
	return w.optionsFor(ctx, language)
}

// optionsFor returns what workloads in a language are built with.
func (w *Workspace) optionsFor(ctx context.Context, l images.Language) (o images.Options, err error) {
	switch l {
	case images.C:
		o.Zig, err = Zig(ctx, w.Config.Cache)
	case images.Rust:
		o.Rust, err = Rust(ctx, w.Config.Cache)
	}
	return o, err
}
