package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// scopes finds systems whose times span different things, and have no scope in
// common: a process start is not an instantiation.
func scopes(rule string, tables []*table) []assay.Finding {
	all := sides(tables, assay.RoleScope)
	classes, of := apart(all, func(s *side) string { return strings.Join(s.every(assay.RoleScope), ", ") })
	if len(classes) < 2 || shareOne(slices.Concat(slices.Collect(maps.Values(of))...)) {
		return nil
	}
	f := compared(rule, assay.SeverityError, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "scopes", "scopes that are compared", len(all))
	f.Says = "times span different things: " + listed(classes, of, all)
	f.Effect = "a ratio across scopes is not one of systems: a process start holds compilation, instantiation and more"
	f.Remedy = "measure every system from the same event to the same event"
	return []assay.Finding{f}
}

// shareOne reports whether there is a scope that every side has.
func shareOne(all []*side) bool {
	shared := all[0].every(assay.RoleScope)
	for _, s := range all[1:] {
		has := s.every(assay.RoleScope)
		shared = slices.DeleteFunc(shared, func(scope string) bool {
			_, found := slices.BinarySearch(has, scope)
			return !found
		})
	}
	return len(shared) > 0
}
