package lint

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	equalSize  = 0.015 // medians of answers that differ by less are of one size
	equalRate  = 1.10  // functions whose rates differ by less, in the middle of all loads, do the same
	spreadSize = 0.25  // of the middle 90% of answers of one function, over their median
)

// responses compares the size of answers, which is transfer / throughput where
// no column has it, across workloads and within one.
func responses(rule string, t *table) (found []assay.Finding) {
	size := t.sizes()
	workload := t.first(assay.RoleWorkload)
	if size == nil || workload == nil {
		return nil
	}
	value := func(row int) float64 { return size[row] }
	known := slices.DeleteFunc(slices.Clone(t.rows), func(row int) bool { return !(size[row] > 0) || math.IsInf(size[row], 0) })
	where := t.condition()
	for _, rows := range group(known, where...) {
		found = append(found, t.sameAnswers(rule, where, rows, workload, value)...)
	}
	where = append(where, workload)
	for _, rows := range group(known, where...) {
		found = append(found, t.unlikeAnswers(rule, where, rows, value)...)
	}
	return found
}

// unlikeAnswers finds treatments, of whatever load, whose answers are of many
// sizes.
func (t *table) unlikeAnswers(rule string, where []*trace.Values, rows []int, value func(int) float64) []assay.Finding {
	var hits []int
	worst, least, most := 0.0, 0.0, 0.0
	treatment := slices.DeleteFunc(t.cell(), func(v *trace.Values) bool { return v.Role == assay.RoleRate })
	for _, rows := range group(rows, treatment...) {
		x := make([]float64, len(rows))
		for i, row := range rows {
			x[i] = value(row)
		}
		slices.Sort(x)
		middle := stats.SortedMedian(x)
		spread := (stats.SortedQuantile(x, 0.95) - stats.SortedQuantile(x, 0.05)) / middle
		if spread <= spreadSize {
			continue
		}
		for _, row := range rows {
			if math.Abs(value(row)/middle-1) > spreadSize/2 {
				hits = append(hits, row)
			}
		}
		if spread > worst {
			worst, least, most = spread, x[0], x[len(x)-1]
		}
	}
	if len(hits) == 0 {
		return nil
	}
	slices.Sort(hits)
	f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), value)
	f.Number = plain(worst, "", "(95th - 5th percentile of the sizes) / median, of the worst treatment", len(rows))
	f.Says = fmt.Sprintf("answers of one function under equal conditions are of %s to %s bytes", digits(least), digits(most))
	f.Effect = "some answers may be errors or cut short, and those are often the quick ones"
	f.Remedy = "count answers by status and length; compare only the good ones"
	return []assay.Finding{f}
}

// sizes returns the size of answers in bytes by row, nil if it is not known.
func (t *table) sizes() []float64 {
	if size, _ := t.measured(assay.RoleSize, octets); size != nil {
		return size
	}
	transfer, _ := t.measured(assay.RoleTransfer, byteRate)
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if transfer == nil || throughput == nil {
		return nil
	}
	for i := range transfer {
		transfer[i] /= throughput[i]
	}
	return transfer
}

// sameAnswers finds workloads whose answers are of one size.
func (t *table) sameAnswers(rule string, where []*trace.Values, rows []int, workload *trace.Values, value func(int) float64) []assay.Finding {
	of := group(rows, workload)
	middle := make([]float64, len(of))
	for i, rows := range of {
		middle[i] = t.median(rows, "bytes", value).Value
	}
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
	var found []assay.Finding
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && middle[order[to]] <= middle[order[from]]*(1+equalSize) {
			to++
		}
		alike := slices.Clone(order[from:to])
		from = to
		slices.Sort(alike)
		if len(alike) < 2 {
			continue
		}
		var hits []int
		var same []string
		for _, i := range alike {
			hits = append(hits, of[i]...)
			same = append(same, workload.Text(of[i][0]))
		}
		slices.Sort(hits)
		apart, points := t.ratesApart(hits, workload)
		if points == 0 || apart > equalRate {
			continue // small answers of one size are common where the work differs
		}
		f := t.found(rule, assay.SeverityError, facts(where, rows[0]), hits, len(rows), value)
		f.Number = t.median(hits, "bytes", value)
		f.Says = fmt.Sprintf("%s are answered with %s bytes each, and at one rate: in the middle of %d loads the quickest is %.2f times as quick as the slowest",
			few(same), digits(f.Number.Value), points, apart)
		f.Effect = "nothing shows that these functions ran: the same answer at the same rate is what an error page, or one and the same function, gives"
		f.Remedy = "look at the bodies of the answers; measure again with answers checked"
		found = append(found, f)
	}
	return found
}

// ratesApart returns the median, over conditions and loads that several
// workloads have, of the highest mean rate over the lowest.
func (t *table) ratesApart(rows []int, workload *trace.Values) (ratio float64, points int) {
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if throughput == nil {
		return 0, 0
	}
	var ratios []float64
	for _, point := range group(rows, slices.Concat(t.by[assay.RoleSystem], t.by[assay.RoleFactor], t.by[assay.RoleLoad])...) {
		low, high, n := math.Inf(1), 0.0, 0
		for _, rows := range group(point, workload) {
			mean := 0.0
			for _, row := range rows {
				mean += throughput[row] / float64(len(rows))
			}
			if mean > 0 {
				low, high, n = min(low, mean), max(high, mean), n+1
			}
		}
		if n > 1 {
			ratios = append(ratios, high/low)
		}
	}
	return stats.Median(ratios), len(ratios)
}
