package kernelext

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Check says how a claim is judged: a metric of some trials or rows, or its
// ratio to that of others, against a value.
type Check = assay.Check

// A Selection says which trial of a run, or which rows of an import, a Check is
// about.
type Selection = assay.Selection

// OneOf are values one of which a column of a Selection must have.
type OneOf = assay.OneOf

// The verdicts of a Judged.
const (
	Holds        = assay.Holds
	Fails        = assay.Fails
	Inconclusive = assay.Inconclusive
	NotTestable  = assay.NotTestable
)

// A Claimed is a claim that can be checked.
type Claimed struct {
	id    string
	check *Check
}

// Claim names an advertised number, to be tested: a claim that assay comes with or
// that is in the workspace's claims.yaml, where it has its quote, its source and
// its checks, or, With a check, any name. "assay claims ls" lists them.
//
//	assay.Claim("wasmedge-100x").Check(assay.Imported("long2020"))
func Claim(id string) Claimed { return Claimed{id: id} }

// With gives the claim a check in place, instead of those it has:
//
//	assay.Claim("compiler-10x").With(assay.Check{
//		Metric: "wall_ns", Phase: "call",
//		Of:         assay.Selection{Workload: "matmul", Runtime: "wazero/interpreter"},
//		Over:       &assay.Selection{Workload: "matmul", Runtime: "wazero"},
//		Comparator: ">=", Value: 10, Unit: "x", Tolerance: 0.05,
//	}).Check(run)
func (c Claimed) With(check Check) Claimed {
	c.check = &check
	return c
}

// Check judges the claim by the samples of a run or an import, archives the
// verdict, and shows it in a notebook. A claim that fails is a result and ends
// nothing; a check that is none, such as one with an unknown unit, ends the
// program as every mistake does.
func (c Claimed) Check(by Evidence) Judged {
	if c.check != nil {
		if err := finite(*c.check); err != nil {
			fail(fmt.Errorf("claim %s: check: %w", c.id, err))
		}
	}
	return Judged{*ask(wire.Request{Claim: &wire.Claim{ID: c.id, Check: c.check, Evidence: by.ref()}}).Judged}
}

// finite refuses the numbers of a check that cannot be asked about: JSON has no
// NaN and no Inf.
func finite(c Check) error {
	var wrong []string
	if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) {
		wrong = append(wrong, fmt.Sprintf("value %v: want a number that is not negative", c.Value))
	}
	if math.IsNaN(c.To) || math.IsInf(c.To, 0) {
		wrong = append(wrong, fmt.Sprintf("to %v: want a number that is greater than the value", c.To))
	}
	if math.IsNaN(c.Tolerance) || math.IsInf(c.Tolerance, 0) {
		wrong = append(wrong, fmt.Sprintf("tolerance %v: want a share of the value, such as 0.05", c.Tolerance))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// A Judged is a claim judged by a run or an import: its Verdict, the Estimate the verdict is
// about (nil if there is none) and the Reason in one sentence.
type Judged struct{ assay.Judgement }

// String says the verdict and its reason.
func (j Judged) String() string { return fmt.Sprintf("%s: %s: %s", j.Claim.ID, j.Verdict, j.Reason) }

// Judgements imports the verdicts that assay.lock has, with what was advertised
// and what was found, as the trace "judgements" of an import, for Draw:
//
//	assay.Draw(Advertised, assay.Judgements().Samples("judgements", "label", "verdict", "relative", "relative_low", "relative_high", "range_end", "outcome", "detail"))
func Judgements() Imported {
	return Imported(ask(wire.Request{Judgements: &wire.Judgements{}}).Import.Name)
}
