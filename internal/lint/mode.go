package lint

import (
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

const interpreter = "interpreter"

// modes finds an interpreter beside compiled code.
func modes(rule string, tables []*table) []assay.Finding {
	all := sides(tables, assay.RoleMode)
	classes, of := apart(all, func(s *side) string { return strings.ToLower(strings.Join(s.every(assay.RoleMode), ", ")) })
	i := slices.IndexFunc(classes, func(c string) bool { return strings.Contains(c, interpreter) })
	if i < 0 || len(classes) < 2 && classes[i] == interpreter {
		return nil
	}
	f := compared(rule, assay.SeverityNote, all, func(int) float64 { return 0 })
	f.Number = plain(float64(len(classes)), "modes", "modes of execution that are compared", len(all))
	f.Says = "code is executed in different ways: " + listed(classes, of, all)
	f.Effect = "an interpreter spares compilation and pays for it in every instruction: a difference is one of modes before it is one of systems"
	f.Remedy = "say the mode beside every number; compare like with like"
	return []assay.Finding{f}
}
