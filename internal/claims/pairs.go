package claims

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// minClusters is how many clusters give an interval: two have one, which says
// little but that two numbers differ.
const minClusters = 3

// Pairs are one value for each combination of what they are paired by. Those of
// one machine, or of one program, are not independent of each other: an interval
// is over the clusters of whichever has the fewest, at least minClusters.
type pairs struct {
	by     []string
	values []float64
	names  [][]string // of each value: what it is paired by
}

// add adds a pair, which has a name of each of by.
func (p *pairs) add(value float64, names []string) {
	p.values, p.names = append(p.values, value), append(p.names, names)
}

// clusters are the values by their name of each, in order of appearance.
func (p *pairs) clusters(of int) [][]float64 {
	var all [][]float64
	at := map[string]int{}
	for i, names := range p.names {
		k, ok := at[names[of]]
		if !ok {
			k = len(all)
			at[names[of]], all = k, append(all, nil)
		}
		all[k] = append(all[k], p.values[i])
	}
	return all
}

// coarsest returns which of by makes the fewest clusters that give an interval,
// and them; none, if none does.
func (p *pairs) coarsest() (by string, clusters [][]float64) {
	for i, name := range p.by {
		if c := p.clusters(i); len(c) >= minClusters && (clusters == nil || len(c) < len(clusters)) {
			by, clusters = name, c
		}
	}
	return by, clusters
}

// estimate estimates the geometric mean of the clusters' geometric means, and
// says what its n counts; ok is false for too few.
func (p *pairs) estimate(unit string) (e assay.Estimate, counted string, ok bool) {
	by, clusters := p.coarsest()
	var means []float64
	for _, c := range clusters {
		means = append(means, stats.GeometricMean(c))
	}
	i, ok := stats.GeometricMeanInterval(means, Confidence)
	if !ok {
		return e, "", false
	}
	e = assay.Estimate{Value: stats.GeometricMean(means), Unit: unit, N: len(means), Low: &i.Low, High: &i.High, Confidence: Confidence,
		Statistic: "geometric mean over pairs", Interval: "Student's t of the logarithms"}
	if len(means) < len(p.values) {
		e.Statistic = fmt.Sprintf("geometric mean over the values of %s, each the geometric mean of its pairs", by)
	}
	return e, "values of " + by, true
}

// String says "geometric mean over 40 pairs by machine (2), program (20), scope".
func (p *pairs) String() string {
	by := make([]string, len(p.by))
	for i, name := range p.by {
		by[i] = name
		if n := len(p.clusters(i)); n > 1 && len(by) > 1 {
			by[i] += fmt.Sprintf(" (%d)", n)
		}
	}
	text := fmt.Sprintf("geometric mean over %d pairs by %s", len(p.values), strings.Join(by, ", "))
	if name, clusters := p.coarsest(); len(clusters) < len(p.values) && len(clusters) > 0 {
		text += fmt.Sprintf(", those of one %s first", name)
	}
	return text
}

// few says that there are too few pairs, and why others are none.
func (p *pairs) few(out []leftPair) string {
	text := fmt.Sprintf("%d pairs have no interval: it takes %d", len(p.values), minClusters)
	if len(p.values) >= minClusters {
		text = fmt.Sprintf("%d pairs are too few for an interval: those of one %s are not independent, and it takes %d values of one of these",
			len(p.values), strings.Join(p.by, " or "), minClusters)
	}
	if len(out) > 0 {
		text += "; " + leftOut(out)
	}
	return text
}
