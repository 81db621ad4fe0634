package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/notebook"
)

func newNotebookCheck() *cobra.Command {
	var opts notebook.Options
	var measure bool
	cmd := &cobra.Command{
		Use:   "check NOTEBOOK",
		Short: "Execute a copy of a notebook and compare it with what the notebook holds",
		Long: `Execute a copy of the notebook from the top and compare what comes with the
outputs it holds: text, tables, pictures, and the digests, names and verdicts of
what assay displays; progress is left aside, and whether a run was measured now
or archived. Each run, workload and figure that
the notebook shows must be in assay.lock, and whole in the archive, and the cells
numbered from 1. Every difference is printed, and is exit status 4.

The notebook, assay.lock and the figures are untouched. Nothing is measured: a
cell for which the archive has no run is a difference, and ends the check,
unless --measure allows it; the runs that it takes are archived and pinned.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := args[0]
			nb, err := notebook.Read(in)
			if err != nil {
				return err
			}
			if err := notebook.Executable(nb); err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			if opts, err = placeOptions(cmd, opts, in); err != nil {
				return err
			}
			w, err := notebookWorkspace(cmd.Context(), opts)
			if err != nil {
				return err
			}
			scratch, err := os.MkdirTemp("", "assay-check-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(scratch)
			opts.Overflow, opts.Archived = filepath.Join(scratch, "check"), !measure
			checked, err := notebook.Check(cmd.Context(), w, nb, opts, newSteps(cmd).show)
			if checked.Failure != nil {
				fmt.Fprint(cmd.ErrOrStderr(), checked.Failure.Report())
			}
			if err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			p := newPrinter(cmd)
			for _, d := range checked.Differences {
				if err := p.object("difference", d, func(w io.Writer) { printDifference(w, in, d) }); err != nil {
					return err
				}
			}
			if err := checked.Err(); err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			return p.object("checked", checked, func(w io.Writer) {
				fmt.Fprintf(w, "%s: the same: %s, %s, %s, %s\n", in, counted(checked.Cells, "cell"), counted(checked.Outputs, "output"),
					counted(checked.Runs, "run"), counted(checked.Figures, "figure"))
			})
		},
	}
	f := cmd.Flags()
	f.DurationVar(&opts.Timeout, "timeout", 0, "interrupt a cell that takes longer, and stop (default: none)")
	f.BoolVar(&measure, "measure", false, "let cells measure what the archive does not have")
	return cmd
}

func printDifference(w io.Writer, in string, d notebook.Difference) {
	where := in
	if d.Cell > 0 {
		where = fmt.Sprintf("%s: cell %d", in, d.Cell)
	}
	fmt.Fprintf(w, "%s: %s\n", where, d.What)
	if d.Want != "" || d.Got != "" {
		fmt.Fprintf(w, "  - %s\n  + %s\n", d.Want, d.Got)
	}
}
