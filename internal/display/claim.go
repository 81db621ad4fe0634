package display

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Judgement shows a claim, its check and the verdict.
func Judgement(j assay.Judgement) wire.Display {
	c := j.Claim
	v := claimView{ID: clean(c.ID), Symbol: verdictSymbol(j.Verdict), Verdict: string(j.Verdict), Reason: clean(j.Reason), Check: checkText(j.Check)}
	claimed := ""
	if c.Value != nil {
		claimed = strings.Join(strings.Fields(strings.Join([]string{c.Metric, comparator(c.Comparator), amount(c.Value), c.Unit}, " ")), " ")
	}
	v.Said = card(
		fact{"claim", quoted(c.Quote)},
		fact{"about", c.Subject}, fact{"value", claimed}, fact{"scope", c.Scope}, fact{"conditions", c.Conditions},
		fact{"said", joined(prefixed("from ", c.From), prefixed("until ", c.Until))}, fact{"source", c.Source},
		fact{"against it", strings.Join(c.CounterEvidence, "; ")}, fact{"policy", j.Check.Note}, fact{"measured instead", j.Check.Instead})
	if e := j.Estimate; e != nil {
		bounds := []float64{j.Check.Value}
		if j.Check.Comparator == "in" {
			bounds = append(bounds, j.Check.To)
		}
		v.Found = spell(e).String() + " " + clean(e.Unit)
		v.How = joined(clean(e.Statistic), fmt.Sprintf("n = %d", e.N))
		if e.Low != nil {
			v.How = joined(clean(e.Statistic), fmt.Sprintf("%g%% interval by %s", 100*e.Confidence, clean(e.Interval)), fmt.Sprintf("n = %d", e.N))
		}
		if e.Unit == j.Check.Unit {
			if a, ok := axisOf([]*assay.Estimate{e}, bounds...); ok {
				v.Strip, v.Axis = a.strip(e, bounds...), a.ends(clean(e.Unit))
			}
		}
	}
	return bundle(KindClaim, v, v.text(), map[string]any{"claim": c.ID, "verdict": string(j.Verdict), "run": j.Run, "import": j.Import, "check": v.Check})
}

// A claimView is a judgement as its template and its text show it.
type claimView struct {
	ID, Symbol, Verdict, Reason string
	Said                        []fact
	Check, Found, How           string
	Strip, Axis                 string // the estimate beside the bound
}

func (v claimView) text() string {
	var rows [][]string
	for _, f := range append(v.Said, card(fact{"check", v.Check}, fact{"found", joined(v.Found, v.How)})...) {
		rows = append(rows, []string{f.Name, f.Value})
	}
	return fmt.Sprintf("%s: %s %s: %s\n", v.ID, v.Symbol, v.Verdict, v.Reason) + columns(rows)
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return "“" + s + "”"
}

// verdictSymbol tells verdicts apart where colour does not.
func verdictSymbol(v assay.Verdict) string {
	switch v {
	case assay.Holds:
		return "✓"
	case assay.Fails:
		return "✗"
	case assay.Inconclusive:
		return "≈"
	default:
		return "–"
	}
}

// checkText is a check in words; "" for none.
func checkText(c assay.Check) string {
	if c.Metric == "" {
		return ""
	}
	text := c.Metric
	if c.Phase != "" {
		text += " (" + string(c.Phase) + ")"
	}
	text += " of " + selection(c.Of)
	if c.Over != nil {
		text += " ÷ that of " + selection(*c.Over)
	}
	if len(c.Pair) > 0 {
		text += ", by " + strings.Join(c.Pair, ", ")
	}
	value := assay.Amount{c.Value}
	if c.Comparator == "in" {
		value = append(value, c.To)
	}
	text += fmt.Sprintf(" %s %s %s", comparator(c.Comparator), amount(value), c.Unit)
	if c.Tolerance != 0 {
		text += fmt.Sprintf(", give or take %g%%", 100*c.Tolerance)
	}
	return clean(text)
}

func comparator(c string) string {
	switch c {
	case "<=":
		return "≤"
	case ">=":
		return "≥"
	default:
		return c
	}
}

// amount is a number, or a range in words.
func amount(a assay.Amount) string {
	var numbers []string
	for _, v := range a {
		numbers = append(numbers, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(numbers, " to ")
}

func selection(s assay.Selection) string {
	text := s.Workload
	if text == "" && len(s.Where) == 0 {
		text = "every workload"
	}
	if text == "" {
		text = s.Runtime
	} else {
		text += prefixed(" on ", s.Runtime)
	}
	text += prefixed(" with ", params(s.Params)) + prefixed(" in phase ", string(s.Phase))
	for _, key := range slices.Sorted(maps.Keys(s.Where)) {
		text += prefixed(", ", key+" "+strings.Join(s.Where[key], "|"))
	}
	return strings.TrimLeft(text, ", ")
}
