package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/measure"
)

// check reports every way in which p cannot be run.
func check(p assay.Plan) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if p.Format != assay.PlanFormat {
		fail("format %q, this agent reads %s", p.Format, assay.PlanFormat)
	}
	if p.Limits.Timeout <= 0 || p.Limits.Output <= 0 || p.Limits.Memory < 0 {
		fail("limits %+v: want a timeout and an output limit", p.Limits)
	}
	if p.Calls < 0 || p.Calls > assay.MaxCalls || p.WarmCalls < 0 || p.WarmCalls > p.Calls {
		fail("%d calls, %d of them warm-up: want at most %d", p.Calls, p.WarmCalls, assay.MaxCalls)
	}
	if p.Memory && (p.Phases || p.Count || p.Calls > 0) {
		fail("memory is measured alone: its samples have no times and no counts")
	}
	if _, err := strconv.ParseUint(p.Seed, 16, 64); err != nil && p.Padding > 0 {
		fail("seed %q: want 64 bits in hexadecimal, from which the padding is drawn", p.Seed)
	}
	if p.Padding < 0 {
		fail("%d bytes of padding", p.Padding)
	}
	if p.CPUs != "" {
		if err := measure.CheckCPUs(p.CPUs); err != nil {
			errs = append(errs, err)
		}
	}
	for i, t := range p.Trials {
		for _, c := range slices.Concat(t.Prepare, t.Clean, []assay.Command{t.Command}) {
			if c.Dir != "" && !filepath.IsLocal(c.Dir) {
				fail("trial %d: working directory %q: want one below the agent's work", i, c.Dir)
			}
		}
		for _, dir := range []string{t.Scratch, t.State} {
			if dir != "" && (!filepath.IsLocal(dir) || filepath.Clean(dir) == ".") {
				fail("trial %d: %q is emptied: want a directory below the agent's work", i, dir)
			}
		}
		if t.Unsupported == "" && (len(t.Command.Argv) == 0 || !filepath.IsAbs(t.Command.Argv[0])) {
			fail("trial %d: argv %q: want an absolute path first", i, t.Command.Argv)
		}
	}
	for b, block := range p.Order {
		seen := make(map[int]bool)
		for _, trial := range block {
			if trial < 0 || trial >= len(p.Trials) || seen[trial] {
				fail("block %d: trial %d is unknown or there twice", b, trial)
			}
			seen[trial] = true
		}
		if len(seen) != len(p.Trials) {
			fail("block %d: %d of %d trials", b, len(seen), len(p.Trials))
		}
	}
	return errors.Join(errs...)
}
