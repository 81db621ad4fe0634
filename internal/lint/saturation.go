package lint

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
)

const (
	saturated   = 0.95 // of the peak: from the first load that reaches it, more load is a longer queue
	beyond      = 2    // times that load
	proportions = 0.9  // of what latency grows by if it is all queue
)

// saturation finds loads of a closed loop that only lengthen the queue: there
// latency is load / peak by arithmetic. Schroeder, Wierman and Harchol-Balter,
// "Open versus closed: a cautionary tale", NSDI 2006.
func saturation(rule string, t *table) (found []assay.Finding) {
	load := t.counted(assay.RoleLoad)
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if load == nil || throughput == nil || !t.has(assay.RoleLatency) || t.has(assay.RoleRate) {
		return nil
	}
	where := t.condition()
	for _, rows := range group(t.rows, where...) {
		var hits []int
		var knees []float64
		longest := 0.0
		treatments := 0
		for _, cell := range group(rows, t.cell()...) {
			all := levels(cell, load, throughput)
			if len(all) < 2 {
				continue
			}
			treatments++
			peak := slices.MaxFunc(all, func(a, b level) int { return cmp.Compare(a.rate, b.rate) }).rate
			knee := all[slices.IndexFunc(all, func(l level) bool { return l.rate >= saturated*peak })]
			past := false
			for _, l := range all {
				if l.load >= beyond*knee.load && l.time/knee.time >= proportions*l.load/knee.load {
					hits, past = append(hits, l.rows...), true
					longest = max(longest, l.load/knee.load)
				}
			}
			if past {
				knees = append(knees, knee.load)
			}
		}
		if len(hits) == 0 {
			continue
		}
		slices.Sort(hits)
		slices.Sort(knees)
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return load[row] })
		f.Number = plain(longest, "x", "highest load / load at which throughput reaches 95% of its peak", len(knees))
		f.Says = fmt.Sprintf("%d of %d treatments reach 95%% of their peak at a load of %s and go on to %s times that", len(knees), treatments, spanOf(knees), digits(math.Round(longest*10)/10))
		f.Effect = "latency there is the length of the load generator's own queue, load / peak throughput: it says nothing more than throughput does"
		f.Remedy = "report latency below saturation, or at a fixed rate of an open loop"
		found = append(found, f)
	}
	return found
}

func spanOf(ascending []float64) string {
	low, high := ascending[0], ascending[len(ascending)-1]
	if low == high {
		return digits(low)
	}
	return digits(low) + " to " + digits(high)
}
