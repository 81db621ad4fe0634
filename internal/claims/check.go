package claims

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// units are the units of a check by what they measure, each with its size in
// the first of its kind.
var units = map[string]map[string]float64{
	"time":  {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9},
	"bytes": {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1e3, "MB": 1e6, "GB": 1e9},
	"rate":  {"1/s": 1},
	"share": {"%": 1},
}

// ratioUnit is the unit of a ratio.
const ratioUnit = "x"

// dimension returns what a unit measures; "" for one that is not known.
func dimension(unit string) string {
	for what, all := range units {
		if all[unit] > 0 {
			return what
		}
	}
	return ""
}

// CanCheck reports whether a check can have the unit of a claim: "x", and the
// first word of "x (number not read)".
func CanCheck(unit string) bool {
	first, _, _ := strings.Cut(unit, " ")
	return first == ratioUnit || dimension(first) != ""
}

var phases = []assay.Phase{assay.Process, assay.FirstByte, assay.EngineInit, assay.Compile, assay.Load, assay.Link, assay.Instantiate, assay.FirstCall,
	assay.Call, assay.SecondInstantiate, assay.Region, assay.CallRegion, assay.Teardown, assay.Request}

// isPhase reports whether p is a phase, or several that are merged.
func isPhase(p assay.Phase) bool {
	for part := range strings.SplitSeq(string(p), "+") {
		if !slices.Contains(phases, assay.Phase(part)) {
			return false
		}
	}
	return true
}

// CheckCheck says everything that is wrong with a check whatever the evidence
// is.
func CheckCheck(c assay.Check) error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.Metric == "" {
		bad(`metric is missing: name a column of the trace, such as "wall_ns"`)
	}
	if !slices.Contains([]string{"<=", ">=", "=", "in"}, c.Comparator) {
		bad(`comparator %q: want "<=", ">=", "=" or "in"`, c.Comparator)
	}
	if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) || c.Value < 0 {
		bad("value %v: want a number that is not negative", c.Value)
	}
	switch {
	case c.Comparator == "in" && !(c.To > c.Value && !math.IsInf(c.To, 0)):
		bad(`"in" goes from %v to %v: want a number in to that is greater than the value`, c.Value, c.To)
	case c.Comparator != "in" && c.To != 0:
		bad(`to %v: only "in" has two ends`, c.To)
	}
	if !(c.Tolerance >= 0 && c.Tolerance < 1) {
		bad("tolerance %v: want a share of the value below 1; 5%% is 0.05", c.Tolerance)
	}
	if c.Comparator == "=" && !(c.Tolerance > 0 && c.Value > 0) {
		bad(`"=" needs a value and a tolerance above 0, such as 0.05: nothing measured is exactly equal`)
	}
	if c.Phase != "" && !isPhase(c.Phase) {
		bad("phase %q: want one of %v", c.Phase, phases)
	}
	for _, sel := range []*assay.Selection{&c.Of, c.Over} {
		if sel != nil && sel.Phase != "" && !isPhase(sel.Phase) {
			bad("phase %q of a selection: want one of %v", sel.Phase, phases)
		}
	}
	switch known := c.Unit == ratioUnit || dimension(c.Unit) != ""; {
	case !known:
		var all []string
		for _, what := range slices.Sorted(maps.Keys(units)) {
			all = append(all, slices.Sorted(maps.Keys(units[what]))...)
		}
		bad("unit %q: want one of %s", c.Unit, strings.Join(append(all, ratioUnit), ", "))
	case c.Over != nil && c.Unit != ratioUnit:
		bad("unit %q: a ratio has the unit %q", c.Unit, ratioUnit)
	case c.Over == nil && c.Unit == ratioUnit:
		bad("unit %q is that of a ratio, and there is no over to divide by", ratioUnit)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
