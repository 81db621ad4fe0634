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
	divided := slices.DeleteFunc(slices.Clone(all), func(s *side) bool { return !s.divided() })
	found := append(loads(rule, divided), merged(rule, divided)...)
	classes, of := apart(all, func(s *side) string { return strings.Join(s.every(assay.RoleScope), ", ") })
	if len(classes) < 2 || shareOne(slices.Concat(slices.Collect(maps.Values(of))...)) {
		return found
	}
	f := compared(rule, assay.SeverityError, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "scopes", "scopes that are compared", len(all))
	f.Says = "times span different things: " + listed(classes, of, all)
	f.Effect = "a ratio across scopes is not one of systems: a process start holds compilation, instantiation and more"
	f.Remedy = "measure every system from the same event to the same event"
	return append(found, f)
}

// loads finds systems that compile beside systems that load what was compiled
// earlier.
func loads(rule string, all []*side) []assay.Finding {
	classes, of := apart(all, func(s *side) string {
		for _, scope := range []assay.Phase{assay.Compile, assay.Load} {
			if slices.ContainsFunc(s.every(assay.RoleScope), func(name string) bool { return slices.Contains(parts(name), string(scope)) }) {
				return string(scope)
			}
		}
		return ""
	})
	if len(classes) < 2 {
		return nil
	}
	f := compared(rule, assay.SeverityNote, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "phases", "ways to come by compiled code", len(all))
	f.Says = "some systems compile, others load what was compiled earlier: " + listed(classes, of, all)
	f.Effect = "loading is another mode and not a fast compilation: the time of compiling was spent before, by another process"
	f.Remedy = "compare compilations with each other, and loads with each other; give the time of the preparation beside the load"
	return []assay.Finding{f}
}

// merged finds systems in which phases are one that are apart in others.
func merged(rule string, all []*side) []assay.Finding {
	classes, of := apart(all, func(s *side) string {
		var joined []string
		for _, scope := range s.every(assay.RoleScope) {
			if len(parts(scope)) > 1 {
				joined = append(joined, scope)
			}
		}
		if len(joined) == 0 {
			return "each phase apart"
		}
		return strings.Join(joined, ", ")
	})
	if len(classes) < 2 {
		return nil
	}
	f := compared(rule, assay.SeverityNote, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "divisions", "ways to divide a start into phases", len(all))
	f.Says = "phases are not divided alike: " + listed(classes, of, all)
	f.Effect = "a phase of one system holds what is two phases of another: the difference of the two is not one of systems"
	f.Remedy = "add up, in every system, the phases that one of them cannot tell apart; compare the sums"
	return []assay.Finding{f}
}

// divided reports whether a side has times of the phases of a start.
func (s *side) divided() bool {
	return slices.ContainsFunc(s.every(assay.RoleScope), func(name string) bool {
		return slices.ContainsFunc(parts(name), func(part string) bool {
			return slices.Contains([]assay.Phase{assay.EngineInit, assay.Compile, assay.Load, assay.Link, assay.Instantiate}, assay.Phase(part))
		})
	})
}

// parts are the phases that a scope is of: several, if they are merged.
func parts(scope string) []string { return strings.Split(scope, "+") }

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
