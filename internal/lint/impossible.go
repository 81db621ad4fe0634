package lint

import (
	"fmt"
	"math"

	"github.com/assay-notebooks/assay"
)

// neverNegative are the roles of quantities that cannot be below zero.
var neverNegative = []assay.Role{
	assay.RoleLoad, assay.RoleRate, assay.RoleRequests, assay.RoleFailed, assay.RoleDuration, assay.RoleThroughput, assay.RoleLatency, assay.RoleInterval,
	assay.RoleTransfer, assay.RoleSize, assay.RoleSample, assay.RoleMean, assay.RoleSpread, assay.RoleCPU, assay.RoleMemory,
}

// impossible finds values that nothing can have: below zero, or infinite.
func impossible(rule string, t *table) (found []assay.Finding) {
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
