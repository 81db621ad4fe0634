package lint

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

const (
	ceiling     = 0.02 // within so much of one value per unit of a factor at every value of it, the highest use is a ceiling
	aboveIt     = 1.05 // and from so much above another system's ceiling, it is not one there
	usesToJudge = 50   // samples of processor use, of a value of the factor, before its highest says anything
)

// metric finds one metric that means two things: in units that cannot be
// converted, or, of processor use, with a ceiling that one system has and
// another one passes.
func metric(rule string, tables []*table) (found []assay.Finding) {
	for _, role := range []assay.Role{assay.RoleSample, assay.RoleMean, assay.RoleLatency, assay.RoleThroughput, assay.RoleMemory} {
		found = append(found, unlikeUnits(rule, role, sides(tables, role))...)
	}
	used := slices.DeleteFunc(sides(tables, assay.RoleCPU), func(s *side) bool { // processor time is another quantity
		return units[s.parts[0].table.first(assay.RoleCPU).Unit].of == seconds
	})
	found = append(found, unlikeUnits(rule, assay.RoleCPU, used)...)
	return append(found, unlikeCeilings(rule, used)...)
}

// unlikeUnits finds sides whose values of a role cannot be converted into each
// other.
func unlikeUnits(rule string, role assay.Role, all []*side) []assay.Finding {
	classes, of := apart(all, func(s *side) string {
		v := s.parts[0].table.first(role)
		if u, ok := units[v.Unit]; ok {
			return string(u.of)
		}
		return v.Unit
	})
	if len(classes) < 2 {
		return nil
	}
	f := compared(rule, assay.SeverityError, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "units", "units of one metric", len(all))
	f.Says = fmt.Sprintf("%s is in units that cannot be converted: %s", role, listed(classes, of, all))
	f.Effect = "a ratio of these numbers has no meaning"
	f.Remedy = "compare columns of one unit, or give what converts them, such as the clock rate"
	return []assay.Finding{f}
}

// A use is how much of the processors a system used, by a factor.
type use struct {
	side     *side
	unit     string
	factor   *trace.Values
	per      map[float64]float64 // highest use / factor, by factor
	decimals int                 // with which the values are written
	highest  float64
}

func unlikeCeilings(rule string, all []*side) (found []assay.Finding) {
	var uses []use
	for _, s := range all {
		uses = append(uses, usesOf(s)...)
	}
	for _, capped := range uses {
		limit, ok := capped.ceiling()
		if !ok {
			continue
		}
		var over []use
		for _, u := range uses {
			if u.factor.Name == capped.factor.Name && u.unit == capped.unit && u.side != capped.side && u.highest > aboveIt*limit {
				over = append(over, u)
			}
		}
		if len(over) == 0 {
			continue
		}
		compare := []*side{capped.side}
		var hits []int
		var said []string
		highest := 0.0
		for _, u := range over {
			compare = append(compare, u.side)
			highest = max(highest, u.highest)
			hits = append(hits, u.above(aboveIt*limit)...)
			said = append(said, fmt.Sprintf("%s reaches %s", u.side.name(all), digits(u.highest)))
		}
		f := compared(rule, assay.SeverityWarning, compare, func(int) float64 { return 0 })
		first := over[0].side.parts[0].table
		cpu := numbers(first.first(assay.RoleCPU))
		f.Rows, f.Examples = len(hits), first.found(rule, f.Severity, nil, over[0].above(aboveIt*limit), f.Of, func(row int) float64 { return cpu[row] }).Examples
		f.Number = plain(highest/limit, "x", "highest processor use over the other's ceiling", len(over))
		f.Says = fmt.Sprintf("processor use per %s of %s stops at %s at all %d values, that of %s", capped.factor.Name, capped.side.name(all), digits(limit), len(capped.per), few(said))
		if d := over[0].decimals; d != capped.decimals && max(d, capped.decimals) <= mostDecimals {
			f.Says += fmt.Sprintf("; and it is written with %d decimals there, %d here: by another tool", capped.decimals, d)
		}
		f.Effect = fmt.Sprintf("one is limited to, or a share of, what %s counts and the other is not: use of processors, and efficiency, cannot be compared", capped.factor.Name)
		f.Remedy = "find out what each tool adds up (threads, processes, cores) and convert to core seconds a request"
		found = append(found, f)
	}
	return found
}

// usesOf returns the processor use of a side by each of its numeric factors.
func usesOf(s *side) (out []use) {
	p := s.parts[0]
	v := p.table.first(assay.RoleCPU)
	cpu := numbers(v)
	for _, factor := range p.table.by[assay.RoleFactor] {
		if !sweeps(factor) {
			continue
		}
		u := use{side: s, unit: v.Unit, factor: factor, per: map[float64]float64{}, decimals: decimals(v, p.rows)}
		for _, rows := range group(p.rows, factor) {
			x, err := strconv.ParseFloat(factor.Text(rows[0]), 64)
			if err != nil || !(x > 0) || len(rows) < usesToJudge {
				continue
			}
			highest := 0.0
			for _, row := range rows {
				if cpu[row] > highest {
					highest = cpu[row]
				}
			}
			u.per[x] = highest / x
			u.highest = max(u.highest, highest/x)
		}
		out = append(out, u)
	}
	return out
}

// above returns the rows with more use per unit of the factor than that.
func (u use) above(limit float64) []int {
	p := u.side.parts[0]
	cpu := numbers(p.table.first(assay.RoleCPU))
	var out []int
	for _, rows := range group(p.rows, u.factor) {
		x, err := strconv.ParseFloat(u.factor.Text(rows[0]), 64)
		if err != nil || !(x > 0) {
			continue
		}
		for _, row := range rows {
			if cpu[row] > limit*x {
				out = append(out, row)
			}
		}
	}
	return out
}

// ceiling returns the use per unit of the factor at which all values of it
// stop.
func (u use) ceiling() (limit float64, ok bool) {
	if len(u.per) < 2 {
		return 0, false
	}
	low := math.Inf(1)
	for _, x := range u.per {
		low = min(low, x)
	}
	return u.highest, low >= u.highest*(1-ceiling) && low > 0
}
