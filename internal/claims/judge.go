package claims

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// Confidence is that of every interval.
const Confidence = 0.95

// resampling is how the interval of a ratio of medians is found.
var resampling = stats.Bootstrap{Resamples: 10_000, Seed: 1, Level: Confidence}

// Evidence is what a claim is judged by: a run or an import.
type Evidence struct {
	Run    *trace.Trace  // of a run; nil for an import
	Import *assay.Import // nil for a run

	// Open opens a trace of the import.
	Open func(assay.ImportTrace) (*trace.Trace, error)

	// Noise is the certificates of the host that a run is of, at most one for a
	// phase.
	Noise []Certificate
}

// A Certificate is how much equal treatments differ on a host, as archived.
type Certificate struct {
	assay.Noise
	Manifest assay.Digest
}

// A cannotTell is why evidence cannot tell, and what it would take.
type cannotTell struct {
	why       string
	elsewhere bool // the evidence is about something else
}

func (c cannotTell) Error() string { return c.why }

func unable(format string, args ...any) error { return cannotTell{why: fmt.Sprintf(format, args...)} }

// absent is a cannotTell of evidence in which there is nothing of what is asked.
func absent(format string, args ...any) error {
	return cannotTell{fmt.Sprintf(format, args...), true}
}

// A found is an estimate and what it is of, in words.
type found struct {
	estimate assay.Estimate
	about    string
	counted  string       // what its n counts: "pairs"
	limits   []string     // what else there is to know of it
	trace    assay.Digest // of an import
}

// Judge judges claim by the first of checks that the evidence can test. That it
// does not support the claim, or cannot tell, is a verdict; an error means that
// a check is none, or that the evidence cannot be read. Concerned is false if
// there is nothing in the evidence of what any of the checks asks.
func Judge(claim assay.Claim, checks Checks, ev Evidence) (j assay.Judgement, concerned bool, err error) {
	for i, check := range checks {
		if err := CheckCheck(check); err != nil {
			return j, false, fmt.Errorf("check: %w", err)
		}
		f, err := estimate(check, ev)
		why, cannot := errors.AsType[cannotTell](err)
		if err != nil && !cannot {
			return j, false, err
		}
		if cannot && why.elsewhere && i > 0 {
			continue // what the first says is shown, if no other can tell
		}
		j = assay.Judgement{Format: assay.JudgementFormat, Claim: claim, Check: check, Trace: f.trace, Verdict: assay.NotTestable}
		if cannot {
			j.Reason = why.why
		} else {
			if err := decide(&j, f, ev); err != nil {
				return j, false, err
			}
		}
		if !cannot || !why.elsewhere {
			return j, true, nil
		}
	}
	return j, false, nil
}

func estimate(check assay.Check, ev Evidence) (found, error) {
	if ev.Import != nil {
		return estimateImport(check, ev)
	}
	return estimateRun(check, ev.Run)
}

// decide gives a judgement its verdict: where the interval is, and whether the
// host's noise leaves it there. What is measured of something else than the
// claim's subject says where it is, and is no verdict on the claim.
func decide(j *assay.Judgement, f found, ev Evidence) error {
	check, e := j.Check, f.estimate
	j.Estimate = &e
	least, most, bound := demand(check)
	verdict, share := side(check.Comparator, *e.Low, *e.High, least, most)
	is := "is"
	if check.Instead != "" {
		is = "would be"
	}
	j.Reason = fmt.Sprintf("%s: %s of the interval [%s, %s] %s %s", f.about, share, number(*e.Low), number(*e.High), is, bound)
	if verdict == assay.Inconclusive {
		j.Reason += fmt.Sprintf("; n is %d, and more %s would narrow it", e.N, f.counted)
	}
	j.Verdict = verdict
	if ev.Run != nil {
		if err := weigh(j, ev); err != nil {
			return err
		}
	}
	for _, limit := range f.limits {
		j.Reason += "; " + limit
	}
	if check.Instead != "" {
		j.Verdict = assay.NotTestable
		j.Reason = fmt.Sprintf("of %s, not of %s: %s", check.Instead, cmp.Or(j.Claim.Subject, "what the claim is about"), j.Reason)
	}
	return nil
}

// weigh makes a verdict on a run inconclusive if noise, in the phase that is
// judged, could turn it, and says what is known of that noise: by the A/A pairs
// of the run itself, or else by a certificate of its host.
func weigh(j *assay.Judgement, ev Evidence) error {
	if j.Verdict == assay.Inconclusive || !slices.Contains(noisy, j.Check.Metric) {
		return nil
	}
	phase := inPhase(j.Check.Of, j.Check.Phase).Phase
	own, err := Control(ev.Run, phase)
	if err != nil {
		return err
	}
	certificates, where := ev.Noise, "on its host"
	for _, n := range own {
		if _, measures := n.Floor(j.Check.Metric); measures {
			certificates, where = []Certificate{{Noise: n}}, "in it"
		}
	}
	for _, c := range certificates {
		f, ok := c.Floor(j.Check.Metric)
		if !ok || c.Phase != phase {
			continue
		}
		e := j.Estimate
		least, most, _ := demand(j.Check)
		low, high := min(*e.Low, e.Value/(1+f.Floor)), max(*e.High, e.Value*(1+f.Floor))
		j.Noise, j.Floor = c.Manifest, f.Floor
		j.Reason += fmt.Sprintf("; equal treatments differ by up to %s%% %s (%s on %s, n %d)", number(100*f.Floor), where, c.Workload, c.Runtime, f.N)
		if noisy, _ := side(j.Check.Comparator, low, high, least, most); noisy != j.Verdict {
			j.Verdict = assay.Inconclusive
			j.Reason += fmt.Sprintf(", and with that it is [%s, %s]: too near to the bound to tell", number(low), number(high))
		}
		return nil
	}
	j.Reason += fmt.Sprintf("; how much equal treatments differ on its host in %s of phase %s is not known", j.Check.Metric, phase)
	if phase == assay.Process || phase == assay.Call {
		j.Reason += `: "assay host noise" there measures it`
	} else {
		j.Reason += ": control: true in the protocol measures it in the run itself"
	}
	return nil
}

// demand is from where to where a check wants the value, which its tolerance has
// widened, and that in words.
func demand(c assay.Check) (least, most float64, words string) {
	value, widened := number(c.Value), "give or take"
	least, most = c.Value*(1-c.Tolerance), max(c.Value, c.To)*(1+c.Tolerance)
	switch c.Comparator {
	case "<=":
		words, widened = "at most "+number(most), "plus"
	case ">=":
		words, widened = "at least "+number(least), "less"
	case "in":
		value += " to " + number(c.To)
		fallthrough
	default:
		words = "between " + number(least) + " and " + number(most)
	}
	words += " " + c.Unit
	if c.Tolerance > 0 {
		words += fmt.Sprintf(" (%s %s %s%%)", value, widened, number(100*c.Tolerance))
	}
	return least, most, words
}

// side says on which side of the bounds, which the tolerance has widened, an
// interval is, its ends and theirs included.
func side(comparator string, low, high, least, most float64) (v assay.Verdict, share string) {
	holds, fails := high <= most, low > most
	switch comparator {
	case ">=":
		holds, fails = low >= least, high < least
	case "=", "in":
		holds, fails = low >= least && high <= most, high < least || low > most
	}
	switch {
	case holds:
		return assay.Holds, "all"
	case fails:
		return assay.Fails, "none"
	}
	return assay.Inconclusive, "only a part"
}

// number writes v with four significant digits.
func number(v float64) string {
	s, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return strconv.FormatFloat(s, 'f', -1, 64)
}

// median estimates a median in unit; low and high are nil for too few values.
func median(xs []float64, unit string) assay.Estimate {
	e := assay.Estimate{Value: stats.Median(xs), Unit: unit, N: len(xs), Confidence: Confidence, Statistic: "median", Interval: "order statistics"}
	if i, ok := stats.MedianInterval(xs, Confidence); ok {
		e.Low, e.High = &i.Low, &i.High
	}
	return e
}

// ratio estimates the ratio of two medians.
func ratio(of, over []float64) (assay.Estimate, bool) {
	e := assay.Estimate{Unit: ratioUnit, N: min(len(of), len(over)), Confidence: Confidence, Statistic: "ratio of medians",
		Interval: fmt.Sprintf("percentile bootstrap, %d resamples, seed %d", resampling.Resamples, resampling.Seed)}
	v, i, ok := resampling.RatioOfMedians(of, over)
	e.Value, e.Low, e.High = v, &i.Low, &i.High
	return e, ok
}
