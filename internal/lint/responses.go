package lint

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

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
	where = append(slices.Clone(where), workload)
	for _, rows := range group(known, where...) {
		x := make([]float64, len(rows))
		for i, row := range rows {
			x[i] = size[row]
		}
		slices.Sort(x)
		middle := stats.SortedMedian(x)
		spread := (stats.SortedQuantile(x, 0.95) - stats.SortedQuantile(x, 0.05)) / middle
		if spread <= spreadSize {
			continue
		}
		var hits []int
		for _, row := range rows {
			if math.Abs(size[row]/middle-1) > spreadSize/2 {
				hits = append(hits, row)
			}
		}
		f := t.found(rule, assay.SeverityWarning, facts(where, rows[0]), hits, len(rows), value)
		f.Number = plain(spread, "", "(95th - 5th percentile of the sizes) / median", len(rows))
		f.Says = fmt.Sprintf("answers of one function are of %s to %s bytes", digits(x[0]), digits(x[len(x)-1]))
		f.Effect = "some answers may be errors or cut short, and those are often the quick ones"
		f.Remedy = "count answers by status and length; compare only the good ones"
		found = append(found, f)
	}
	return found
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
		middle[i] = median(rows, "bytes", value).Value
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
		same := slices.Clone(order[from:to])
		from = to
		slices.Sort(same)
		if len(same) < 2 {
			continue
		}
		var hits []int
		var names []string
		for _, i := range same {
			hits = append(hits, of[i]...)
			names = append(names, workload.Text(of[i][0]))
		}
		slices.Sort(hits)
		apart, points := t.ratesApart(hits, workload)
		if points == 0 || apart > equalRate {
			continue // small answers of one size are common where the work differs
		}
		f := t.found(rule, assay.SeverityError, facts(where, rows[0]), hits, len(rows), value)
		f.Number = median(hits, "bytes", value)
		f.Says = fmt.Sprintf("%s are answered with %s bytes each, and at one rate: in the middle of %d loads the quickest is %.2f times as quick as the slowest",
			strings.Join(names, ", "), digits(f.Number.Value), points, apart)
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
