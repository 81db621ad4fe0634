package measure

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/assay-notebooks/assay"
)

// A Judge names the outcome of the commands of one trial.
type Judge struct {
	expect assay.Expectation
	signs  []sign
}

type sign struct {
	assay.Sign
	stdout, stderr *regexp.Regexp // nil: anything
}

// NewJudge compiles the patterns of signs. The error names the one that does
// not compile.
func NewJudge(expect assay.Expectation, signs []assay.Sign) (*Judge, error) {
	j := &Judge{expect: expect}
	for _, s := range signs {
		compiled := sign{Sign: s}
		for _, p := range []struct {
			pattern string
			into    **regexp.Regexp
		}{{s.Stdout, &compiled.stdout}, {s.Stderr, &compiled.stderr}} {
			if p.pattern == "" {
				continue
			}
			re, err := regexp.Compile(p.pattern)
			if err != nil {
				return nil, fmt.Errorf("sign of %s: %w", s.Outcome, err)
			}
			*p.into = re
		}
		j.signs = append(j.signs, compiled)
	}
	return j, nil
}

// Outcome names how r ended: what we did to it comes first, then the runtime's
// signs, then its status, then its answer and what it reported. A guest can write
// what looks like a sign: but for those of traps, signs are not of what gave the
// answer that was expected, with the status that was.
func (j *Judge) Outcome(r Result) assay.Outcome {
	switch {
	case r.Killed != "":
		return r.Killed
	case !r.Started():
		return assay.RuntimeCrash
	}
	for _, s := range j.signs {
		if s.matches(r) && !j.explains(r, s) {
			return s.Outcome
		}
	}
	switch {
	case r.Signal != "":
		return assay.Signal
	case r.Exit != j.expect.Exit:
		return assay.Exit
	case !j.Answered(r):
		return assay.WrongOutput
	case r.Wrong() != "":
		return assay.WrongOutput
	}
	return assay.OK
}

// Prepared names how a preparation of the trial ended: OK, or as its
// invocations do in its place. A guest has had no part in it: what is not for
// want of support or of time is the runtime's failure.
func (j *Judge) Prepared(r Result) assay.Outcome {
	if r.Started() && r.Killed == "" && r.Exit == 0 {
		return assay.OK // signs are of executing: a compiler may say what looks like one
	}
	switch o := (&Judge{signs: j.signs}).Outcome(r); o {
	case assay.Unsupported, assay.Timeout, assay.Limit:
		return o
	}
	return assay.RuntimeCrash
}

// Answered reports whether the answer of r is the expected one.
func (j *Judge) Answered(r Result) bool {
	return j.expect.Stdout.IsZero() || j.expect.Stdout == r.Stdout
}

// explains reports whether what was expected says as much as the sign s: the
// answer is there, which tells of the guest if it has any bytes, and so is the
// status, which tells no less than a sign that a signal ended the guest. Nothing
// explains a trap, which may come after the answer: its words are the runtime's.
func (j *Judge) explains(r Result, s sign) bool {
	if s.Outcome == assay.Trap || r.Signal != "" || r.Exit != j.expect.Exit || !j.Answered(r) {
		return false
	}
	answer := s.stdout == nil && !j.expect.Stdout.IsZero() && j.expect.Stdout != assay.DigestOf(nil)
	return answer || s.Outcome == assay.Signal && r.Exit != 0
}

func (s sign) matches(r Result) bool {
	return (s.Exit == nil || r.Signal == "" && slices.Contains(s.Exit, r.Exit)) &&
		(s.Signal == nil || r.Signal != "" && (slices.Contains(s.Signal, r.Signal) || slices.Contains(s.Signal, "*"))) &&
		(s.stdout == nil || s.stdout.Match(r.StdoutTail)) &&
		(s.stderr == nil || s.stderr.Match(r.StderrTail) || s.stderr.Match(r.StderrHead))
}
