// Package advertised draws what was advertised beside what was measured. Its
// source is in assay, which seals it for "assay claims figure"; a notebook may
// have the same function.
package advertised

import "github.com/assay-notebooks/assay/kernelext/figure"

// Advertised draws a table of judgements: for each the value that the claim
// demands, and the interval that the evidence gives, in the colour and shape of
// the verdict. What has none is listed with its reason.
func Advertised(f *figure.Figure, t figure.Table) error {
	f.Title("Advertised numbers and what the evidence gives")
	f.LogX()
	f.Distinguish(t.Group("verdict").Order("holds", "inconclusive", "fails", "unsupported"))
	f.Note("Diamond: what the claim demands, from one to the other of a range. Ratios, but where a unit is named.")
	return f.Intervals(t.Group("label"), t.Float("low"), t.Float("value"), t.Float("high"), t.Float("advertised"), t.Float("to"))
}
