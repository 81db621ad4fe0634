package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newLint() *cobra.Command {
	var opts lab.LintOptions
	var rules strings.Builder
	for _, r := range lab.LintRules() {
		fmt.Fprintf(&rules, "  %-11s %s\n", r.Name, r.Title)
	}
	cmd := &cobra.Command{
		Use:               "lint REF...",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Look for defects in runs and imports, with no re-run",
		Long: `Look for defects in what was measured, by anybody, with no re-run: numbers that contradict each other, unlike things
that are compared, effects that are too small for the samples. REF is a run, an import, or one of an import's traces,
NAME/TRACE; several are compared with each other, too.

Each finding has the rows that show it, the number, what it does to conclusions and what would mend it. An error is a
number that cannot be what it is said to be; a warning makes conclusions that do not account for it likely to be
wrong; a note is what a reader must know. A rule that lacks a column, its unit or its meaning finds nothing.
Status 4 means that there is an error.

The rules, which docs/lint.md has with formulas and sources:
` + strings.TrimRight(rules.String(), "\n"),
		Example: `  assay lint sweep
  assay lint sweep/results --ignore saturation
  assay lint coldstart other-coldstart --rule scope --rule cache`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			found, err := w.Lint(cmd.Context(), args, opts)
			if err != nil {
				return err
			}
			if err := printFindings(newPrinter(cmd), found); err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(f assay.Finding) bool { return f.Severity == assay.SeverityError }) {
				return fmt.Errorf("%w: %w", failure.ErrMismatch, errSaid)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&opts.Rules, "rule", nil, "only this rule; may be repeated")
	f.StringArrayVar(&opts.Ignore, "ignore", nil, "not this rule; may be repeated")
	f.Float64Var(&opts.Noise, "noise", 0, "share by which two equal treatments differ on the host, for the rule noise: 0.03")
	return cmd
}

func printFindings(p printer, found []assay.Finding) error {
	if !p.json {
		return lab.WriteFindings(p.out, found)
	}
	return list(p, "finding", found, "", func(assay.Finding) []any { return nil })
}
