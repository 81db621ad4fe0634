// Package figures holds the figure functions of the command-line tests.
package figures

import "github.com/assay-notebooks/assay/kernelext/figure"

// Times draws every sample's wall time.
func Times(f *figure.Figure, s figure.Table) error {
	f.Title("Times")
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}
