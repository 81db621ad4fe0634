package hosts

import (
	"context"

	"github.com/assay-notebooks/assay/images"
)

// BuildOptions returns what workloads in a language are built with, and installs
// it below cache if it is not there.
func BuildOptions(ctx context.Context, cache string, l images.Language) (o images.Options, err error) {
	switch l {
	case images.C:
		o.Zig, err = Zig(ctx, cache)
	case images.Rust:
		o.Rust, err = Rust(ctx, cache)
	}
	return o, err
}
