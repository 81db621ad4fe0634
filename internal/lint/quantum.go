package lint

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

const (
	stuckRatio  = 1.5  // time in the system at a load over that at a higher one: queueing cannot make it fall
	samePeriod  = 0.03 // times that differ by less are one
	fewestStuck = 3    // treatments and loads that show the period
)

// quantum finds systems in which a request takes one and the same time at
// several low loads, and much less at a higher one: then it waits for a timer
// or a poll, not for service. The time is load / throughput, by Little's law;
// that it cannot fall with the load of a closed loop is Denning and Buzen, "The
// operational analysis of queueing network models", Computing Surveys 10(3),
// 1978.
func quantum(rule string, t *table) (found []assay.Finding) {
	load := t.counted(assay.RoleLoad)
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if load == nil || throughput == nil || t.has(assay.RoleRate) {
		return nil
	}
	where := t.condition()
	for _, rows := range group(t.rows, where...) {
		var stuck []level
		var proof []float64 // of treatments that show one period at two loads
		for _, cell := range group(rows, t.cell()...) {
			s := falling(levels(cell, load, throughput))
			stuck = append(stuck, s...)
			for i := 1; i < len(s); i++ {
				if near(s[i-1].time, s[i].time) {
					proof = append(proof, s[i-1].time, s[i].time)
				}
			}
		}
		period, n := densest(proof)
		if n == 0 {
			continue
		}
		var hits []int
		places := 0
		for _, l := range stuck {
			if near(l.time, period) {
				hits, places = append(hits, l.rows...), places+1
			}
		}
		if places < fewestStuck {
			continue
		}
		slices.Sort(hits)
		time := func(row int) float64 { return load[row] / throughput[row] * 1e3 }
		f := t.found(rule, assay.SeverityError, facts(where, rows[0]), hits, len(rows), time)
		f.Number = t.median(hits, "ms", time)
		f.Says = fmt.Sprintf("a request takes %s at %d combinations of treatment and load, whatever the load, and less at higher loads: throughput is load / %[1]s",
			duration(f.Number.Value/1e3), places)
		f.Effect = "the rate there is that of a timer, a poll or a sleep and not of the system's work; low-load latency and efficiency cannot be compared"
		f.Remedy = "find what waits that long (a poll interval, a scheduler quantum, delayed acknowledgements) and compare with it switched off, or above those loads"
		found = append(found, f)
	}
	return found
}

// A level is one load of a treatment.
type level struct {
	load, rate, time float64 // mean throughput, and load / rate in seconds
	rows             []int
}

// levels returns the loads of a treatment in ascending order.
func levels(rows []int, load, throughput []float64) []level {
	at := map[float64]int{}
	var out []level
	for _, row := range rows {
		l, x := load[row], throughput[row]
		if !(l > 0 && x > 0) || math.IsInf(x, 0) {
			continue
		}
		i, ok := at[l]
		if !ok {
			i = len(out)
			at[l], out = i, append(out, level{load: l})
		}
		out[i].rate += x
		out[i].rows = append(out[i].rows, row)
	}
	for i := range out {
		out[i].rate /= float64(len(out[i].rows))
		out[i].time = out[i].load / out[i].rate
	}
	slices.SortFunc(out, func(a, b level) int { return cmp.Compare(a.load, b.load) })
	return out
}

// falling returns the levels at which a request takes far longer than at a
// higher load, in ascending order.
func falling(all []level) (out []level) {
	least := math.Inf(1) // of the higher loads
	for _, l := range slices.Backward(all) {
		if l.time > stuckRatio*least {
			out = append(out, l)
		}
		least = min(least, l.time)
	}
	slices.Reverse(out)
	return out
}

func near(a, b float64) bool { return math.Abs(a-b) <= samePeriod*max(a, b) }

// densest returns the middle of the most values that are near to each other.
func densest(x []float64) (value float64, n int) {
	slices.Sort(x)
	from := 0
	for to := range x {
		for !near(x[from], x[to]) {
			from++
		}
		if count := to - from + 1; count > n {
			value, n = stats.SortedMedian(x[from:to+1]), count
		}
	}
	return value, n
}
