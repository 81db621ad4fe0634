package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newReplay() *cobra.Command {
	var opts lab.ReplayOptions
	var all bool
	cmd := &cobra.Command{
		Use:               "replay [NAME...|--all]",
		ValidArgsFunction: complete(completeFigures),
		Short:             "Draw figures again from the archive and compare them byte for byte",
		Long: `Draw figures again from the archive alone and compare every output byte for byte with the archived one.
Nothing is measured, and no network or compiler is used (but for --rebuild).

A figure that differs is exit status 4, with the first byte that does; bytes that are not what their
digest says (a module, a trace, a table) are exit status 5.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if all == (len(names) > 0) {
				return fmt.Errorf("replay: give names of figures, or --all: %w", errFlags)
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			if all {
				if names, err = w.FigureNames(); err != nil {
					return err
				}
				if len(names) == 0 {
					return errors.New("replay: assay.lock names no figure: draw one first (assay run EXPERIMENT.yaml)")
				}
			}
			var problems []error
			for _, name := range names {
				report, err := w.Replay(cmd.Context(), name, opts)
				if err != nil {
					problems = append(problems, err)
				}
				err = newPrinter(cmd).object("replay", report, func(out io.Writer) {
					for _, t := range report.Tables {
						fmt.Fprintf(out, "%s %s\n", report.Figure, t)
					}
					for _, o := range report.Outputs {
						fmt.Fprintf(out, "%s %s: %s\n", report.Figure, o.Format, o)
					}
				})
				if err != nil {
					return err
				}
			}
			return errors.Join(problems...)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "every figure in assay.lock")
	f.StringVar(&opts.Out, "out", "", "folder to write to (default: the workspace's figures folder)")
	f.StringVar(&opts.Engine, "engine", "wazero", "what executes the sealed module: wazero, wazero/interpreter or node")
	f.StringVar(&opts.Referee, "referee", "", "a second engine that must give the same bytes: node, wazero or wazero/interpreter")
	f.BoolVar(&opts.Rebuild, "rebuild", false, "also compile the archived source and compare the module's digest")
	f.StringVar(&opts.Trace, "trace", "", "draw from this trace instead (a Parquet file, a run or a digest): shows whether a change of data shows")
	engines := cobra.FixedCompletions([]string{"wazero", "wazero/interpreter", "node"}, cobra.ShellCompDirectiveNoFileComp)
	cmd.RegisterFlagCompletionFunc("engine", engines)
	cmd.RegisterFlagCompletionFunc("referee", engines)
	return cmd
}
