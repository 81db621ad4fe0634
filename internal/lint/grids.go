package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// A design is what treatments were given: loads, and requests at each.
type design struct {
	loads      []float64 // ascending
	requests   []float64 // the most at each load; 0: not known
	treatments int
	where      []assay.Fact // conditions that all of them have
}

// grids compares the loads and requests that systems were given: only like can
// be compared with like.
func grids(rule string, tables []*table) []assay.Finding {
	all := sides(tables, assay.RoleLoad, assay.RoleThroughput)
	if len(all) < 2 {
		return nil
	}
	designs := make([][]design, len(all))
	equal := true
	for i, s := range all {
		designs[i] = designsOf(s.parts[0])
		equal = equal && sameDesigns(designs[i], designs[0])
	}
	if equal {
		return nil
	}
	shared, union := loadsOf(designs)
	var said []string
	for i, s := range all[:min(names, len(all))] {
		said = append(said, s.name(all)+": "+summary(designs[i]))
	}
	if more := len(all) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d others", more))
	}
	load := all[0].parts[0].table.counted(assay.RoleLoad)
	f := compared(rule, assay.SeverityWarning, all, func(row int) float64 { return load[row] })
	f.Number = plain(float64(shared), "loads", fmt.Sprintf("loads that every system has in every condition, of %d", union), union)
	f.Says = "not the same loads and requests: " + strings.Join(said, "; ")
	f.Effect = "peaks are taken over different loads, and short tests weigh their start more: a difference may be one of designs"
	f.Remedy = "compare at loads and request counts that all have; measure the others again"
	return []assay.Finding{f}
}

// designsOf returns the designs of a system, the commonest first.
func designsOf(p part) []design {
	load, requests := p.table.counted(assay.RoleLoad), p.table.counted(assay.RoleRequests)
	conditions := slices.DeleteFunc(p.table.condition(), func(v *trace.Values) bool { return v.Role == assay.RoleSystem })
	var out []design
	at := map[string]int{}
	for _, cell := range group(p.rows, p.table.cell()...) {
		d := design{treatments: 1, where: facts(conditions, cell[0])}
		most := map[float64]float64{}
		for _, row := range cell {
			if load[row] > 0 {
				most[load[row]] = max(most[load[row]], 0)
				if requests != nil && requests[row] > most[load[row]] {
					most[load[row]] = requests[row]
				}
			}
		}
		d.loads = slices.Sorted(maps.Keys(most))
		for _, l := range d.loads {
			d.requests = append(d.requests, most[l])
		}
		i, ok := at[d.key()]
		if !ok {
			at[d.key()], out = len(out), append(out, d)
			continue
		}
		out[i].treatments++
		out[i].where = slices.DeleteFunc(out[i].where, func(f assay.Fact) bool { return !slices.Contains(d.where, f) })
	}
	slices.SortStableFunc(out, func(a, b design) int { return b.treatments - a.treatments })
	return out
}

// key is the same for designs that are alike.
func (d design) key() string { return fmt.Sprint(d.requests, d.loads) }

func sameDesigns(a, b []design) bool {
	in := map[string]bool{}
	for _, d := range b {
		in[d.key()] = true
	}
	return len(a) == len(b) && !slices.ContainsFunc(a, func(d design) bool { return !in[d.key()] })
}

// loadsOf counts the loads that all designs have, and those that any has.
func loadsOf(designs [][]design) (shared, union int) {
	in := map[float64]int{}
	all := slices.Concat(designs...)
	for _, d := range all {
		for _, l := range d.loads {
			in[l]++
		}
	}
	for _, n := range in {
		if n == len(all) {
			shared++
		}
	}
	return shared, len(in)
}

// summary says the commonest designs of a system.
func summary(designs []design) string {
	treatments := 0
	for _, d := range designs {
		treatments += d.treatments
	}
	const shown = 2
	var said []string
	for _, d := range designs[:min(shown, len(designs))] {
		s := fmt.Sprintf("%s in %d of %d treatments", d, d.treatments, treatments)
		if len(designs) > 1 && len(d.where) > 0 {
			s += " (" + words(d.where) + ")"
		}
		said = append(said, s)
	}
	if more := len(designs) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d other designs", more))
	}
	return strings.Join(said, ", ")
}

// String says a design in words.
func (d design) String() string {
	var loads []string
	for i, l := range d.loads {
		switch {
		case i < 3 || i == len(d.loads)-1 || len(d.loads) <= 6:
			loads = append(loads, digits(l))
		case i == 3:
			loads = append(loads, "…")
		}
	}
	s := fmt.Sprintf("%d loads %s", len(d.loads), strings.Join(loads, " "))
	if len(d.loads) == 1 {
		s = "1 load " + loads[0]
	}
	if len(d.loads) > 0 && slices.Max(d.requests) > 0 {
		s += " of " + span(slices.Min(d.requests), slices.Max(d.requests)) + " requests"
	}
	return s
}
