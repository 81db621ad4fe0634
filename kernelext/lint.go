package kernelext

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Finding is a defect of data: the rule, the rows, the number that shows it
// and what it does to conclusions. docs/lint.md lists the rules.
type Finding = assay.Finding

// Findings are what was found, errors first. None is no proof that there is
// nothing to find.
type Findings []Finding

// Lint looks for defects in runs and imports and shows what it finds. Several
// are compared with each other, too. It measures nothing, and what it finds is
// a result: it ends no program.
func Lint(of ...Evidence) Findings {
	refs := make([]string, len(of))
	for i, e := range of {
		refs[i] = e.ref()
	}
	return ask(wire.Request{Lint: &wire.Lint{Refs: refs}}).Findings
}

// Lint is Lint(r).
func (r Ran) Lint() Findings { return Lint(r) }

// Lint is Lint(i).
func (i Imported) Lint() Findings { return Lint(i) }

// Of returns the findings of one rule.
func (f Findings) Of(rule string) Findings {
	var out Findings
	for _, one := range f {
		if one.Rule == rule {
			out = append(out, one)
		}
	}
	return out
}

// String says each finding on a line.
func (f Findings) String() string {
	if len(f) == 0 {
		return "nothing found"
	}
	lines := make([]string, len(f))
	for i, one := range f {
		where := one.Subject
		for _, w := range one.Where {
			where += ", " + w.Name + " " + w.Value
		}
		lines[i] = fmt.Sprintf("%s %s: %s (%s, %d of %d rows)", one.Severity, one.Rule, one.Says, where, one.Rows, one.Of)
	}
	return strings.Join(lines, "\n")
}
