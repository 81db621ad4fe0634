package display

import (
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Findings shows what is wrong with what refs name: those of one rule that do
// the same to conclusions together.
func Findings(refs []string, found []assay.Finding) wire.Display {
	v := lintView{Of: clean(strings.Join(refs, ", ")), Count: "nothing found"}
	if len(found) > 0 {
		v.Count = lab.CountFindings(found)
	}
	for _, f := range found {
		one := lintFinding{Says: clean(f.Says), Place: clean(lab.FindingPlace(f)), Rows: clean(lab.FindingRows(f))}
		i := slices.IndexFunc(v.Groups, func(g lintGroup) bool {
			return g.Rule == f.Rule && g.Severity == string(f.Severity) && g.Effect == clean(f.Effect) && g.Remedy == clean(f.Remedy)
		})
		if i < 0 {
			i = len(v.Groups)
			v.Groups = append(v.Groups, lintGroup{Symbol: severitySymbol(f.Severity), Severity: string(f.Severity), Rule: f.Rule, Effect: clean(f.Effect), Remedy: clean(f.Remedy)})
		}
		v.Groups[i].Found = append(v.Groups[i].Found, one)
	}
	rules := map[string]any{}
	for _, f := range found {
		n, _ := rules[f.Rule].(int)
		rules[f.Rule] = n + 1
	}
	return bundle(KindLint, v, v.text(), map[string]any{"of": refs, "rules": rules})
}

// A lintView is findings as their template and their text show them.
type lintView struct {
	Of, Count string
	Groups    []lintGroup
}

type lintGroup struct {
	Symbol, Severity, Rule, Effect, Remedy string
	Found                                  []lintFinding
}

type lintFinding struct{ Says, Place, Rows string }

func (v lintView) text() string {
	var b strings.Builder
	b.WriteString("lint " + v.Of + ": " + v.Count + "\n")
	for _, g := range v.Groups {
		b.WriteString(g.Symbol + " " + g.Severity + " " + g.Rule + "\n")
		for _, f := range g.Found {
			b.WriteString("  " + f.Says + "\n    in " + f.Place + "; rows " + f.Rows + "\n")
		}
		b.WriteString("  effect: " + g.Effect + "\n  remedy: " + g.Remedy + "\n")
	}
	return b.String()
}

// severitySymbol tells severities apart where colour does not.
func severitySymbol(s assay.Severity) string {
	switch s {
	case assay.SeverityError:
		return "✗"
	case assay.SeverityWarning:
		return "!"
	}
	return "·"
}
