// Package figures has the figure that replaying is timed with. It is the one
// of notebooks/coldstart, in a package that the benchmark can import, so that
// the same function is drawn sealed and natively.
package figures

import "github.com/assay-notebooks/assay/kernelext/figure"

// ColdStart draws the distribution of times for each runtime.
func ColdStart(f *figure.Figure, s figure.Table) error {
	f.Title("Process cold start: start to exit of a fresh process")
	f.LogX()
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms").Named("wall time"))
}
