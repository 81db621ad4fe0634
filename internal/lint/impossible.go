package lint

import (
	"fmt"
	"math"
	"slices"

	"github.com/assay-notebooks/assay"
)

// neverNegative are the roles of quantities that cannot be below zero.
var neverNegative = []assay.Role{
	assay.RoleLoad, assay.RoleRate, assay.RoleRequests, assay.RoleFailed, assay.RoleDuration, assay.RoleThroughput, assay.RoleLatency, assay.RoleInterval,
	assay.RoleTransfer, assay.RoleSize, assay.RoleSample, assay.RoleMean, assay.RoleSpread, assay.RoleCPU, assay.RoleMemory,
}

// rateOfNothing finds throughput where no request was made, or in no time.
func (t *table) rateOfNothing(rule string) (found []assay.Finding) {
	throughput, _ := t.measured(assay.RoleThroughput, perSecond)
	if throughput == nil || t.has(assay.RoleTime) { // a row of a time series is no test
		return nil
	}
	where := t.condition()
	for _, role := range []assay.Role{assay.RoleRequests, assay.RoleDuration} {
		of := t.counted(role)
		if of == nil {
			continue
		}
		for _, rows := range group(t.rows, where...) {
			hits := slices.DeleteFunc(slices.Clone(rows), func(row int) bool { return !(throughput[row] > 0 && of[row] == 0) })
			if len(hits) == 0 {
				continue
			}
			f := t.found(rule, assay.SeverityError, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return throughput[row] })
			f.Number = plain(float64(len(hits)), "tests", "tests with a throughput of nothing", len(rows))
			f.Says = fmt.Sprintf("%d of %d tests have a throughput and %s 0", len(hits), len(rows), t.first(role).Name)
			f.Effect = "one of the two is wrong: neither can be taken for measured"
			f.Remedy = "find out how it was measured; leave these rows out and say so"
			found = append(found, f)
		}
	}
	return found
}

// impossible finds values that nothing can have: below zero, infinite, or a rate
// of nothing.
func impossible(rule string, t *table) (found []assay.Finding) {
	found = t.rateOfNothing(rule)
	where := t.condition()
	for _, role := range neverNegative {
		for _, v := range t.by[role] {
			x := numbers(v)
			for _, rows := range group(t.rows, where...) {
				var hits []int
				least := math.Inf(1)
				for _, row := range rows {
					if x[row] < 0 || math.IsInf(x[row], 0) {
						hits, least = append(hits, row), min(least, x[row])
					}
				}
				if len(hits) == 0 {
					continue
				}
				f := t.found(rule, assay.SeverityError, facts(where, rows[0]), hits, len(rows), func(row int) float64 { return x[row] })
				f.Number = plain(least, v.Unit, "lowest of these values", len(hits))
				f.Says = fmt.Sprintf("%s is %s, which no %s is", v.Name, digits(least), role)
				f.Effect = "the clock was set back, a counter overflowed, or a difference was taken the wrong way round: other values of the column may be wrong unseen"
				f.Remedy = "find out how it was measured; leave these rows out and say so"
				found = append(found, f)
			}
		}
	}
	return found
}
