package lint

import (
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// roles says what the columns of a run's own trace are.
var roles = map[string]assay.Role{
	"runtime": assay.RoleSystem, "workload": assay.RoleWorkload, "host": assay.RoleFactor, "phase": assay.RoleScope,
	"block": assay.RoleBlock, "warmup": assay.RoleWarmup, "outcome": assay.RoleOutcome, "wall_ns": assay.RoleSample,
}

// RunTraces makes the trace of a run one that can be looked at: the samples of
// each phase in a table, the replicates of calls being processes. Left out are
// controls, for that they are like their runtime is no finding, and what is
// unsupported, which is no sample that failed. mode and cache say of a runtime
// how it executes code and what it has cached, for a row that does not say it
// itself; "" is not known.
func RunTraces(columns []trace.Values, mode, cache func(runtime string) string) []Trace {
	named := map[string]*trace.Values{}
	for i := range columns {
		named[columns[i].Name] = &columns[i]
	}
	runtime, phase, outcome := named["runtime"], named["phase"], named["outcome"]
	if runtime == nil || phase == nil || outcome == nil {
		return nil
	}
	var rows []int
	for _, row := range every(phase.Len()) {
		if !strings.HasSuffix(runtime.Strings[row], assay.ControlSuffix) && outcome.Strings[row] != string(assay.Unsupported) {
			rows = append(rows, row)
		}
	}
	var out []Trace
	phase = spans(phase, named["call"])
	for _, rows := range group(rows, phase) {
		calls := assay.Phase(phase.Strings[rows[0]]).Repeats()
		t := Trace{Name: phase.Text(rows[0])}
		for i := range columns {
			v := pick(&columns[i], rows)
			if columns[i].Name == "phase" {
				v = pick(phase, rows)
			}
			v.Role = roles[v.Name]
			switch {
			case v.Name == "mode", v.Name == "cache":
				continue
			case calls && v.Name == "seq":
				v.Role = assay.RoleReplicate
			case calls && v.Name == "call":
				v.Role = assay.RoleIteration
			case strings.HasPrefix(v.Name, "param."):
				v.Role = assay.RoleFactor
			}
			t.Columns = append(t.Columns, v)
		}
		modes, caches := said(runtime, rows, "mode", assay.RoleMode, mode), said(runtime, rows, "cache", assay.RoleCache, cache)
		for i, row := range rows {
			if own := named["mode"]; own != nil && !own.IsNull(row) { // then it says of its cache, too, what there is to say
				modes.Strings[i], modes.Null[i] = own.Strings[row], false
				caches.Strings[i], caches.Null[i] = cacheOf(named["cache"], row), false
			}
		}
		t.Columns = append(t.Columns, modes, caches)
		out = append(out, t)
	}
	return out
}

// spans returns the column of phases with what assay.Sample.Span makes of them.
func spans(phase, call *trace.Values) *trace.Values {
	if call == nil {
		return phase
	}
	out := *phase
	out.Strings = slices.Clone(phase.Strings)
	for row, p := range out.Strings {
		if !call.IsNull(row) {
			out.Strings[row] = string(assay.Sample{Phase: assay.Phase(p), Call: int32(call.Ints[row])}.Span())
		}
	}
	return &out
}

// cacheOf says what was cached in a row that says how code was executed: code
// that another process had compiled, or nothing.
func cacheOf(cache *trace.Values, row int) string {
	if cache != nil && !cache.IsNull(row) && cache.Strings[row] == "prepared" {
		return "compiled code prepared, page cache warm"
	}
	return "compiled code off, page cache warm"
}

func every(rows int) []int {
	out := make([]int, rows)
	for i := range out {
		out[i] = i
	}
	return out
}

// pick returns a column of some rows.
func pick(v *trace.Values, rows []int) *trace.Values {
	out := &trace.Values{Column: v.Column}
	for _, row := range rows {
		switch v.Kind {
		case trace.Int:
			out.Ints = append(out.Ints, v.Ints[row])
		case trace.Float:
			out.Floats = append(out.Floats, v.Floats[row])
		case trace.String:
			out.Strings = append(out.Strings, v.Strings[row])
		case trace.Bool:
			out.Bools = append(out.Bools, v.Bools[row])
		}
		if v.Null != nil {
			out.Null = append(out.Null, v.Null[row])
		}
	}
	return out
}

// said makes a column of what is known of each runtime.
func said(runtime *trace.Values, rows []int, name string, role assay.Role, of func(string) string) *trace.Values {
	out := &trace.Values{Column: trace.Column{Name: name, Kind: trace.String, Role: role}}
	for _, row := range rows {
		s := of(runtime.Strings[row])
		out.Strings, out.Null = append(out.Strings, s), append(out.Null, s == "")
	}
	return out
}
