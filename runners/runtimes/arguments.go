package runtimes

import (
	"fmt"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// refusedArguments reads that a program written with clap, a Rust library, would
// not have its arguments: no guest has run.
var refusedArguments = assay.Sign{Outcome: assay.RuntimeCrash, Exit: []int{2}, Stderr: `(?ms)^error: .*^For more information, try '--help'`}

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
