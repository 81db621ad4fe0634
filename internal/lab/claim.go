package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/strictyaml"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// ClaimsFile is the name of a workspace's claims.
const ClaimsFile = "claims.yaml"

// Claims are what claims.yaml holds: the claims as they were read, and apart
// from them, by their IDs, the checks we judge them by.
type Claims struct {
	Claims []assay.Claim          `yaml:"claims"`
	Checks map[string]assay.Check `yaml:"checks"`
}

// Claims reads the workspace's claims and reports every mistake in them. A
// workspace without the file has none.
func (w *Workspace) Claims() (Claims, error) {
	var c Claims
	b, err := os.ReadFile(filepath.Join(w.Root, ClaimsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("claims: %w", err)
	}
	if c, err = parseClaims(b); err != nil {
		return c, Usagef("%s: %w; docs/claims.md shows the file", filepath.Join(w.Root, ClaimsFile), err)
	}
	return c, nil
}

func parseClaims(b []byte) (Claims, error) {
	var c Claims
	if err := strictyaml.Decode(b, &c); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
		return Claims{}, err
	}
	var wrong []string
	ids := map[string]bool{}
	for i, claim := range c.Claims {
		switch {
		case claim.ID == "":
			wrong = append(wrong, fmt.Sprintf("claim %d has no id", i+1))
		case ids[claim.ID]:
			wrong = append(wrong, fmt.Sprintf("claim %s is there twice", claim.ID))
		}
		ids[claim.ID] = true
	}
	for _, id := range sortedKeys(c.Checks) {
		if !ids[id] {
			wrong = append(wrong, fmt.Sprintf("a check of %s, and no such claim", id))
		}
		if err := checkCheck(c.Checks[id]); err != nil {
			wrong = append(wrong, fmt.Sprintf("check of %s: %v", id, err))
		}
	}
	if len(wrong) > 0 {
		return Claims{}, errors.New(strings.Join(wrong, "; "))
	}
	return c, nil
}

// JudgeClaim judges the claim of that ID by a run; by check, or for nil by the
// one that claims.yaml has. A claim that is not in the file is one with an ID
// and nothing else.
func (w *Workspace) JudgeClaim(ctx context.Context, id string, check *assay.Check, run assay.Run) (assay.Judgement, error) {
	if id == "" {
		return assay.Judgement{}, Usagef("a claim needs an id: that of a claim in %s, or any with a check in place (docs/claims.md)", filepath.Join(w.Root, ClaimsFile))
	}
	claims, err := w.Claims()
	if err != nil {
		return assay.Judgement{}, err
	}
	claim := assay.Claim{ID: id}
	if i := slices.IndexFunc(claims.Claims, func(c assay.Claim) bool { return c.ID == id }); i >= 0 {
		claim = claims.Claims[i]
	}
	if check == nil {
		written, ok := claims.Checks[id]
		if !ok {
			return assay.Judgement{}, Usagef("claim %s has no check: write one below checks in %s, or give one in place (docs/claims.md)", id, filepath.Join(w.Root, ClaimsFile))
		}
		check = &written
	}
	return w.Judge(ctx, claim, *check, run)
}

// Judge judges claim by a run's samples. That they do not support it, or cannot
// tell, is a verdict; an error means that check is no check, or that the run
// could not be read.
func (w *Workspace) Judge(ctx context.Context, claim assay.Claim, check assay.Check, run assay.Run) (assay.Judgement, error) {
	if err := checkCheck(check); err != nil {
		return assay.Judgement{}, Usagef("claim %s: check: %w", claim.ID, err)
	}
	t, err := w.openTrace(ctx, run.Trace)
	if err != nil {
		return assay.Judgement{}, fmt.Errorf("claim %s: run %s: %w", claim.ID, run.ID, err)
	}
	j, err := judge(check, t)
	if err != nil {
		return j, fmt.Errorf("claim %s: run %s: %w", claim.ID, run.ID, err)
	}
	j.Claim, j.Check, j.Run = claim, check, run.ID
	return j, nil
}

// The units of a check by what they measure, each with its size in the unit
// that traces have.
var units = map[string]map[string]float64{
	"ns":    timeUnits,
	"bytes": {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1e3, "MB": 1e6, "GB": 1e9},
}

// ratioUnit is the unit of a ratio.
const ratioUnit = "x"

var phases = []assay.Phase{assay.Process, assay.Compile, assay.Instantiate, assay.FirstCall, assay.Call, assay.Request, assay.Teardown}

// checkCheck says everything that is wrong with a check whatever the run is.
func checkCheck(c assay.Check) error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.Metric == "" {
		bad(`metric is missing: name a column of the trace, such as "wall_ns"`)
	}
	if !slices.Contains([]string{"<=", ">=", "="}, c.Comparator) {
		bad(`comparator %q: want "<=", ">=" or "="`, c.Comparator)
	}
	if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) || c.Value < 0 {
		bad("value %v: want a number that is not negative", c.Value)
	}
	if !(c.Tolerance >= 0) || math.IsInf(c.Tolerance, 0) {
		bad("tolerance %v: want a share of the value, such as 0.05", c.Tolerance)
	}
	if c.Comparator == "=" && !(c.Tolerance > 0 && c.Value > 0) {
		bad(`"=" needs a value and a tolerance above 0, such as 0.05: nothing measured is exactly equal`)
	}
	if c.Phase != "" && !slices.Contains(phases, c.Phase) {
		bad("phase %q: want one of %v", c.Phase, phases)
	}
	switch known := c.Unit == ratioUnit || units["ns"][c.Unit] > 0 || units["bytes"][c.Unit] > 0; {
	case !known:
		all := slices.Concat(slices.Sorted(maps.Keys(units["ns"])), slices.Sorted(maps.Keys(units["bytes"])), []string{ratioUnit})
		bad("unit %q: want one of %s", c.Unit, strings.Join(all, ", "))
	case c.Over != nil && c.Unit != ratioUnit:
		bad("unit %q: a ratio has the unit %q", c.Unit, ratioUnit)
	case c.Over == nil && c.Unit == ratioUnit:
		bad("unit %q is that of a ratio, and there is no over to divide by", ratioUnit)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// cannotTell is why a run cannot tell, and what it would take.
type cannotTell string

func (c cannotTell) Error() string { return string(c) }

// judge judges by a trace a check that checkCheck has passed.
func judge(check assay.Check, t *trace.Trace) (assay.Judgement, error) {
	e, about, err := estimate(check, t)
	if why := cannotTell(""); errors.As(err, &why) {
		return assay.Judgement{Verdict: assay.NotTestable, Estimate: e, Reason: string(why)}, nil
	}
	if err != nil {
		return assay.Judgement{}, err
	}
	low, high := check.Value*(1-check.Tolerance), check.Value*(1+check.Tolerance)
	verdict, share, hint := decide(check.Comparator, *e.Low, *e.High, low, high)
	bound := map[string]string{
		"<=": "at most " + number(high), ">=": "at least " + number(low), "=": "between " + number(low) + " and " + number(high),
	}[check.Comparator]
	if check.Tolerance > 0 {
		bound += fmt.Sprintf(" %s (%s with %s%% of tolerance)", check.Unit, number(check.Value), number(100*check.Tolerance))
	} else {
		bound += " " + check.Unit
	}
	return assay.Judgement{Verdict: verdict, Estimate: e, Reason: fmt.Sprintf("%s: %s of the interval [%s, %s] is %s%s",
		about, share, number(*e.Low), number(*e.High), bound, hint)}, nil
}

// decide says on which side of the bounds, which the tolerance has widened, an
// interval is, its ends and theirs included.
func decide(comparator string, low, high, least, most float64) (v assay.Verdict, share, hint string) {
	holds, fails := high <= most, low > most
	switch comparator {
	case ">=":
		holds, fails = low >= least, high < least
	case "=":
		holds, fails = low >= least && high <= most, high < least || low > most
	}
	switch {
	case holds:
		return assay.Holds, "all", ""
	case fails:
		return assay.Fails, "none", ""
	}
	return assay.Inconclusive, "a part", "; more invocations would narrow it"
}

// number writes v with four significant digits.
func number(v float64) string {
	s, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return strconv.FormatFloat(s, 'f', -1, 64)
}

// resampling is how the interval of a ratio is found.
var resampling = stats.Bootstrap{Resamples: 10_000, Seed: 1, Level: confidence}

// estimate estimates what check is about, with an interval, and says in words
// what it is. The error is a cannotTell where the samples do not give one.
func estimate(check assay.Check, t *trace.Trace) (*assay.Estimate, string, error) {
	of, err := choose(check, check.Of, t)
	if err != nil {
		return nil, "", err
	}
	what := "median " + check.Metric + " of " + of.name
	if check.Over == nil {
		scale := units[of.unit][check.Unit]
		if scale == 0 {
			return nil, "", cannotTell(fmt.Sprintf("%s is in %s, which is not a thing that %s can say: check it against one of %s",
				check.Metric, of.unit, check.Unit, strings.Join(slices.Sorted(maps.Keys(units[of.unit])), ", ")))
		}
		e := median(of.values, check.Unit)
		e.Value /= scale // after the median, not before: the ends are samples, and shall be found exactly
		if of.of != "" {
			e.Statistic, e.Interval = "median of the invocations' medians", "order statistics of the invocations' medians"
		}
		if e.Low == nil {
			return e, "", cannotTell(fmt.Sprintf("%s: %d ok invocations are too few for a 95%% interval: it takes 6", of.name, e.N))
		}
		low, high := *e.Low/scale, *e.High/scale
		e.Low, e.High = &low, &high
		return e, what + of.account(), nil
	}
	over, err := choose(check, *check.Over, t)
	if err != nil {
		return nil, "", err
	}
	if of.index == over.index {
		return nil, "", cannotTell(fmt.Sprintf("%s would be divided by itself: let over select another trial", of.name))
	}
	e := &assay.Estimate{Unit: ratioUnit, N: min(len(of.values), len(over.values)), Confidence: confidence, Statistic: "ratio of medians",
		Interval: fmt.Sprintf("percentile bootstrap, %d resamples, seed %d", resampling.Resamples, resampling.Seed)}
	ratio, i, ok := resampling.RatioOfMedians(of.values, over.values)
	if !ok {
		return nil, "", cannotTell(fmt.Sprintf("%s over %s: %d and %d ok invocations give no 95%% interval of the ratio: it takes 5 of each, and values above 0",
			of.name, over.name, len(of.values), len(over.values)))
	}
	if of.of != "" {
		e.Statistic = "ratio of medians of the invocations' medians"
	}
	e.Value, e.Low, e.High = ratio, &i.Low, &i.High
	return e, what + of.account() + " over that of " + over.name + over.account(), nil
}

// A chosen is the ok samples of one trial: a value for each invocation.
type chosen struct {
	name   string
	index  int64     // of the trial
	values []float64 // of calls, the medians of invocations
	unit   string    // of the trace
	of     string    // "50 calls": what the values are medians of; "" where they are samples
	failed string    // "2 timeout": invocations that are not among the values; "" for none
}

// account says how many invocations the values are of.
func (c chosen) account() string {
	s := fmt.Sprintf(" (%d ok invocations", len(c.values))
	if c.of != "" {
		s += ", " + c.of
	}
	if c.failed != "" {
		s += "; left out: " + c.failed
	}
	return s + ")"
}

// choose takes out of a trace what a selection selects of a check's metric and
// phase. It must be one trial: a median over several is the median of nothing
// that exists.
func choose(check assay.Check, sel assay.Selection, t *trace.Trace) (chosen, error) {
	var c chosen
	metric := slices.IndexFunc(t.Meta().Columns, func(col trace.Column) bool { return col.Name == check.Metric })
	var measures []string
	for _, col := range t.Meta().Columns {
		if units[col.Unit] != nil && col.Name != "start_ns" {
			measures = append(measures, col.Name)
		}
	}
	if metric < 0 || !slices.Contains(measures, check.Metric) {
		return c, cannotTell(fmt.Sprintf("the trace has no measure %q: it has %s", check.Metric, strings.Join(measures, ", ")))
	}
	c.unit = t.Meta().Columns[metric].Unit
	v, err := t.Project([]string{check.Metric})
	if err != nil {
		return c, err
	}
	phase := check.Phase
	if phase == "" {
		phase = assay.Process
	}
	var names, there []string // of the trials that are selected, and of all; in order of appearance
	var values []float64
	var seqs []int64
	seen := map[assay.Phase]bool{}
	failed := map[assay.Outcome]int{}
	detail, unmeasured, row := "", 0, -1
	for s, err := range t.Samples() {
		if err != nil {
			return c, err
		}
		row++
		name := title(assay.SummaryRow{Workload: s.Workload, Params: s.Params}) + " on " + s.Runtime
		if !slices.Contains(there, name) {
			there = append(there, name)
		}
		if !selects(sel, s) {
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		c.name, c.index = name, int64(s.Trial)
		if s.Outcome == assay.OK {
			seen[s.Phase] = true
		} else if s.Phase == assay.Process && !s.Warmup {
			failed[s.Outcome]++
			if detail == "" {
				detail, _, _ = strings.Cut(s.Detail, "\n")
			}
		}
		switch {
		case s.Warmup || s.Phase != phase || s.Outcome != assay.OK:
		case v[0].IsNull(row):
			unmeasured++
		default:
			values, seqs = append(values, float64(v[0].Ints[row])), append(seqs, s.Seq)
		}
	}
	c.failed = Outcomes(failed)
	switch {
	case len(names) == 0:
		return c, cannotTell(fmt.Sprintf("no trial of the run is %s: run an experiment that has it; this one has %s", spoken(sel), strings.Join(there, ", ")))
	case len(names) > 1:
		return c, cannotTell(fmt.Sprintf("%s selects %d trials, %s: let it select one, by workload, runtime and params", spoken(sel), len(names), strings.Join(names, ", ")))
	case len(seen) == 0:
		return c, cannotTell(strings.TrimSuffix(fmt.Sprintf("%s has no ok samples: %s: %s", c.name, c.failed, detail), ": "))
	case !seen[phase]:
		return c, cannotTell(fmt.Sprintf("%s has no samples of phase %s, which is another scope than %v: run an experiment whose protocol measures it",
			c.name, phase, slices.Sorted(maps.Keys(seen))))
	case unmeasured > 0 && check.Metric == "peak_rss_bytes" && phase == assay.Process:
		return c, cannotTell(fmt.Sprintf("%s: the peak memory of %d samples is too small to be told from the launcher's own: a larger workload could tell", c.name, unmeasured))
	case unmeasured > 0 || phase == assay.Call && check.Metric != "wall_ns":
		return c, cannotTell(fmt.Sprintf("%s is not measured in phase %s: check it in phase process", check.Metric, phase))
	case len(values) == 0:
		return c, cannotTell(c.name + " has warm-up samples only")
	}
	if phase == assay.Process {
		c.values = values
		return c, nil
	}
	c.of = fmt.Sprintf("%d calls", len(values))
	c.values = stats.GroupMedians(values, seqs)
	return c, nil
}

func selects(sel assay.Selection, s assay.Sample) bool {
	for k, v := range sel.Params {
		if got, ok := s.Params[k]; !ok || got != v {
			return false
		}
	}
	return (sel.Workload == "" || sel.Workload == s.Workload) && (sel.Runtime == "" || sel.Runtime == s.Runtime)
}

// spoken says in words what a selection selects.
func spoken(sel assay.Selection) string {
	name := sel.Workload
	if name == "" {
		name = "any workload"
	}
	name = title(assay.SummaryRow{Workload: name, Params: sel.Params})
	if sel.Runtime == "" {
		return name + " on any runtime"
	}
	return name + " on " + sel.Runtime
}
