// Package advertised draws what was measured beside what was advertised. Its
// source is in assay, which seals it for "assay claims figure"; a notebook may
// have the same function.
package advertised

import "github.com/assay-notebooks/assay/kernelext/figure"

// Advertised draws a table of judgements: for each what was measured, with its
// interval, divided by what the claim demands, in the colour and shape of the
// verdict. What has no such ratio is listed with its reason.
func Advertised(f *figure.Figure, t figure.Table) error {
	f.Title("Advertised numbers and what the evidence gives")
	f.LogX()
	f.Reference(1, "as advertised")
	f.Distinguish(t.Group("verdict").Order("holds", "inconclusive", "fails", "unsupported"))
	f.Note("Measured values divided by what the claim demands of them; of a range, by its lower end, and the diamond is its upper end.")
	f.Note("95% intervals: order statistics of a median, percentile bootstrap of a ratio of medians, Student's t of the logarithms over pairs.")
	f.Note("n: invocations, replicates or rows; of pairs, the machines or programs whose geometric means are averaged.")
	return f.Intervals(t.Group("label"), t.Float("relative_low"), t.Float("relative"), t.Float("relative_high"), t.Float("range_end"))
}
