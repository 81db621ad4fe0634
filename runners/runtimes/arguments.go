package runtimes

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// refusedArguments reads that a program written with clap, a Rust library, would
// not have its arguments: no guest has run, and so nothing was said before. Many
// guests say the like of their own: its name is wanted, or that of an option of
// its own that a workload has a say in.
func refusedArguments(program string) assay.Sign {
	return assay.Sign{Outcome: assay.RuntimeCrash, Exit: []int{2},
		Stderr: `(?s)\Aerror: (invalid value .* for '--(env|volume|dir) <|.*\n\nUsage: ` + program + ` run ).*For more information, try '--help'\.\n\z`}
}

// noEmpty refuses variables without a value for a program that takes NAME= for a
// mistake.
func noEmpty(inv runners.Invocation) error {
	for _, kv := range inv.Env {
		if name, value, _ := strings.Cut(kv, "="); value == "" {
			return fmt.Errorf("no option gives the variable %s an empty value: %w", name, runners.ErrUnsupported)
		}
	}
	return nil
}
