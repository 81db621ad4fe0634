package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A design is what a treatment was given: loads, and requests at each.
type design struct {
	loads    []float64
	requests float64 // 0: not known
}

// key says a design in words; designs of equal words are equal.
func (d design) key() string {
	loads := make([]string, len(d.loads))
	for i, l := range d.loads {
		loads[i] = digits(l)
	}
	s := "loads " + strings.Join(loads, " ")
	if d.requests > 0 {
		s += fmt.Sprintf(" of %.0f requests", d.requests)
	}
	return s
}

// grids compares the loads and requests that systems were given: Fleming and
// Wallace's and everybody's rule that only like is compared with like.
func grids(rule string, tables []*table, _ Options) []assay.Finding {
	all := sides(tables, assay.RoleLoad, assay.RoleThroughput)
	if len(all) < 2 {
		return nil
	}
	designs := make([]map[string]int, len(all)) // of each side: treatments by design
	loads := make([]map[float64]bool, len(all))
	for i, s := range all {
		designs[i], loads[i] = map[string]int{}, map[float64]bool{}
		for _, p := range s.parts[:1] {
			for _, cell := range group(p.rows, p.table.cell()...) {
				d := designOf(p.table, cell)
				designs[i][d.key()]++
				for _, l := range d.loads {
					loads[i][l] = true
				}
			}
		}
	}
	equal := true
	for _, d := range designs[1:] {
		equal = equal && sameKeys(d, designs[0])
	}
	if equal {
		return nil
	}
	shared, union := 0, map[float64]bool{}
	for _, l := range loads {
		for load := range l {
			union[load] = true
		}
	}
	for load := range union {
		if !slices.ContainsFunc(loads, func(l map[float64]bool) bool { return !l[load] }) {
			shared++
		}
	}
	said := make([]string, len(all))
	for i, s := range all {
		said[i] = s.name(all) + ": " + summary(designs[i])
	}
	first := all[0].parts[0].table
	load := first.counted(assay.RoleLoad)
	f := compared(rule, assay.SeverityWarning, all, func(row int) float64 { return load[row] })
	f.Number = plain(float64(shared), "loads", fmt.Sprintf("loads that all systems have, of %d", len(union)), len(union))
	f.Says = "not the same loads and requests: " + strings.Join(said, "; ")
	f.Effect = "peaks are taken over different loads, and short tests weigh their start more: a difference may be one of designs"
	f.Remedy = "compare at loads and request counts that all have; measure the others again"
	return []assay.Finding{f}
}

func designOf(t *table, rows []int) design {
	load, requests := t.counted(assay.RoleLoad), t.counted(assay.RoleRequests)
	var d design
	for _, row := range rows {
		if !slices.Contains(d.loads, load[row]) && load[row] > 0 {
			d.loads = append(d.loads, load[row])
		}
		if requests != nil && requests[row] > d.requests {
			d.requests = requests[row]
		}
	}
	slices.Sort(d.loads)
	return d
}

func sameKeys(a, b map[string]int) bool {
	for k := range a {
		if b[k] == 0 {
			return false
		}
	}
	return len(a) == len(b)
}

// summary says the commonest designs of a side.
func summary(designs map[string]int) string {
	keys := make([]string, 0, len(designs))
	treatments := 0
	for k, n := range designs {
		keys = append(keys, k)
		treatments += n
	}
	slices.SortFunc(keys, func(a, b string) int {
		if designs[a] != designs[b] {
			return designs[b] - designs[a]
		}
		return strings.Compare(a, b)
	})
	var said []string
	for _, k := range keys[:min(2, len(keys))] {
		said = append(said, fmt.Sprintf("%s in %d of %d treatments", k, designs[k], treatments))
	}
	if more := len(keys) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d other designs", more))
	}
	return strings.Join(said, ", ")
}
