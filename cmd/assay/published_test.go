package main

import (
	"testing"

	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestPublished executes the notebooks of published figures on the synthetic
// archives beside them.
func TestPublished(t *testing.T) {
	prepareKernel(t)
	runScripts(t, "published")
}

// TestPublishedData executes them on the published data, in $SHARED.
func TestPublishedData(t *testing.T) {
	t.Setenv("SHARED", tooltest.Shared(t, "data"))
	prepareKernel(t)
	runScripts(t, "publisheddata")
}

// TestRuntimesNotebook executes the notebook of runtimes with those that are
// here.
func TestRuntimesNotebook(t *testing.T) {
	o := prepareKernel(t)
	if _, err := hosts.Zig(t.Context(), o.Cache); err != nil {
		tooltest.Missing(t, "zig", err)
	}
	runScripts(t, "runtimes")
}
