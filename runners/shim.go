package runners

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A Shim is a program around one engine that reports, on descriptor 3, how long
// each phase took. docs/shim-protocol.md is its contract; every shim has the
// same command line.
type Shim struct {
	Tool   Tool
	Mode   string       // what selects this runtime's way of executing, "interpreter"; "": the shim has one; Precompiled: it runs what it compiled before
	Counts bool         // what the guest executes, where it is asked to
	Signs  []assay.Sign // before ShimSigns: what its engine says of an end that the shim does not tell apart
	Note   string       // what a reader of its numbers must know: "WAMR of December 2020, not a release"; "": nothing
	Untold string       // phases that it cannot tell though its engine has them, and why; "": none
}

// An Ask is what a shim is asked to do with a module.
type Ask struct {
	Calls int  // of the export run, after the first
	Count bool // count what the guest executes
}

// Plan spells inv for the shim; inv.Tool is the shim.
func (s Shim) Plan(inv Invocation, ask Ask) (Plan, error) {
	switch {
	case ask.Count && !s.Counts:
		return Plan{}, fmt.Errorf("the shim counts nothing: %w", ErrUnsupported)
	case inv.Memory > 0:
		return Plan{}, fmt.Errorf("the shim limits no memory: %w", ErrUnsupported)
	}
	start := slices.Concat(inv.Tool.Loader, []string{inv.Tool.Path})
	if s.Tool.Script != nil {
		if len(inv.Tool.Files) < 2 {
			return Plan{}, fmt.Errorf("want the script and the entry of its package in Tool.Files, got %d files", len(inv.Tool.Files))
		}
		start = append(start, inv.Tool.Files[0].Path, inv.Tool.Files[1].Path)
	}
	var options []string
	if s.Mode != "" {
		options = append(options, "--mode", s.Mode)
	}
	plan := Plan{Signs: slices.Concat(s.Signs, ShimSigns)}
	module := inv.Module
	if s.Mode == string(Precompiled) {
		module = inv.Scratch
		plan.Prepare = []assay.Command{{Argv: slices.Concat(start, options, []string{"--precompile", inv.Scratch, inv.Module})}}
	}
	if ask.Calls > 0 {
		options = append(options, "--calls", strconv.Itoa(ask.Calls))
	}
	if ask.Count {
		options = append(options, "--count")
	}
	options = append(options, Each("--env", inv.Env...)...)
	for _, d := range inv.Dirs {
		if strings.Contains(d.Host+d.Guest, "::") {
			return Plan{}, fmt.Errorf("a shim splits directories at \"::\", which %q has: %w", d.Host+d.Guest, ErrUnsupported)
		}
		spelled := d.Host + "::" + d.Guest
		if d.ReadOnly {
			spelled += "::ro"
		}
		options = append(options, "--dir", spelled)
	}
	argv := slices.Concat(start, options, []string{module}, inv.Args)
	plan.Command = assay.Command{Argv: argv, Stdin: inv.Stdin}
	return plan, nil
}

// ShimSigns read the end of any shim: its exit status is the guest's, but for
// these, which go with a line on standard error. It may begin with the guest's
// last words, if those have no line end; so may what any program says of a trap.
var ShimSigns = []assay.Sign{
	{Outcome: assay.Trap, Exit: []int{134}, Stderr: `assay-shim: trap: `},
	{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: `assay-shim: unsupported: `},
	{Outcome: assay.RuntimeCrash, Exit: []int{70}, Stderr: `assay-shim: cannot run: `},
	{Outcome: assay.WrongOutput, Exit: []int{65}, Stderr: `assay-shim: wrong: `},
	{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
}

// ShimSaid matches what stands between the guest's last words, if those have no
// line end, and the reason in the line of standard error that ShimSigns look for.
var ShimSaid = regexp.MustCompile(`assay-shim: (trap|unsupported|cannot run|wrong): `)
