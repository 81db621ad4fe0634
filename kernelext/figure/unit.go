package figure

import (
	"fmt"
	"maps"
	"slices"
)

// durations and sizes hold what one unit is in the smallest.
var (
	durations = map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
	sizes     = map[string]float64{"B": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
)

// conversion returns the factor from one unit to another of the same family.
func conversion(from, to string) (float64, error) {
	for _, family := range []map[string]float64{durations, sizes} {
		a, ok := family[from]
		if !ok {
			continue
		}
		b, ok := family[to]
		if !ok {
			return 0, fmt.Errorf("unit %q does not become %q; there are %q", from, to, slices.Sorted(maps.Keys(family)))
		}
		return a / b, nil
	}
	return 0, fmt.Errorf("unit %q does not become %q", from, to)
}

// printedUnit returns how a unit is written in a drawing.
func printedUnit(unit string) string {
	switch unit {
	case "us":
		return "µs"
	case "bytes":
		return "B"
	}
	return unit
}
