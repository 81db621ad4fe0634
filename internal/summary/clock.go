package summary

import (
	"fmt"
	"slices"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// steps says whether a clock was too coarse for the times ns: how many are 0,
// and in what steps they come, if these are not small against the median; both
// are 0 where it was fine enough.
func steps(ns []float64) (zeros int, step float64) {
	distinct := slices.Compact(slices.Sorted(slices.Values(ns)))
	if len(distinct) == 0 || 2*len(distinct) > len(ns) && distinct[0] > 0 {
		return 0, 0 // where a clock rounds, times are equal
	}
	for _, v := range ns {
		if v == 0 {
			zeros++
		}
	}
	step = distinct[0]
	for i := 1; i < len(distinct); i++ {
		step = min(step, distinct[i]-distinct[i-1])
	}
	if step <= stats.Median(ns)/100 {
		step = 0
	}
	return zeros, step
}

// coarseness says in words that the clock was too coarse for the call times ns;
// "" if it was not.
func coarseness(ns []float64) string {
	switch zeros, step := steps(ns); {
	case zeros > 0:
		return fmt.Sprintf("%d of %d call times are 0: the guest's clock is too coarse for them; let a call do more", zeros, len(ns))
	case step > 0:
		return fmt.Sprintf("call times come in steps of %.0f ns, and their median is %.0f ns: the guest's clock is coarse for them; let a call do more", step, stats.Median(ns))
	}
	return ""
}
