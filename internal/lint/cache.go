package lint

import (
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// startup are the scopes in which the state of caches decides.
var startup = []string{string(assay.Process), string(assay.FirstByte), string(assay.Compile), string(assay.Instantiate), string(assay.FirstCall)}

// caches finds times of a start of which nobody knows, or differs, what was
// cached.
func caches(rule string, tables []*table) (found []assay.Finding) {
	all := sides(tables, assay.RoleScope)
	all = slices.DeleteFunc(all, func(s *side) bool {
		return !slices.ContainsFunc(s.every(assay.RoleScope), func(scope string) bool { return slices.Contains(startup, scope) })
	})
	if len(all) == 0 {
		return nil
	}
	classes, of := apart(all, func(s *side) string { return strings.Join(s.every(assay.RoleCache), ", ") })
	var unknown []*side
	for _, s := range all {
		if len(s.every(assay.RoleCache)) == 0 {
			unknown = append(unknown, s)
		}
	}
	if len(unknown) > 0 {
		f := compared(rule, assay.SeverityNote, unknown, func(int) float64 { return 0 })
		f.Number = plain(float64(len(unknown)), "systems", "systems with an unknown state of caches", len(all))
		f.Says = "nothing says whether caches were cold or warm: " + namesOf(unknown, all)
		f.Effect = "a start with compiled code from a cache leaves out the compilation, which the others do: start-up times cannot be compared"
		f.Remedy = "find out how it was measured and give it as a fact, cache=cold or cache=warm; measure with caches off"
		found = append(found, f)
	}
	if len(classes) > 1 {
		severity := assay.SeverityError
		if len(classes) == 2 && precompiled(of[classes[0]]) != precompiled(of[classes[1]]) {
			severity = assay.SeverityNote // that of a mode, which the systems say
		}
		f := compared(rule, severity, all, func(int) float64 { return 0 })
		f.Number = plain(float64(len(classes)), "states", "states of caches that are compared", len(all))
		f.Says = "caches were not alike: " + listed(classes, of, all)
		f.Effect = "the difference is one of caches before it is one of systems"
		f.Remedy = "compare systems with caches in one state"
		found = append(found, f)
	}
	return found
}

// precompiled reports whether all of some sides load code compiled earlier.
func precompiled(some []*side) bool {
	return !slices.ContainsFunc(some, func(s *side) bool { return !slices.Equal(s.every(assay.RoleMode), []string{"precompiled"}) })
}
