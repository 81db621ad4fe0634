package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/summary"
)

func newRun() *cobra.Command {
	var opts lab.RunOptions
	cmd := &cobra.Command{
		Use:   "run EXPERIMENT.yaml",
		Short: "Run an experiment, or show the archived run of it; then draw its figures",
		Long: `Run an experiment and draw the figures it names.

If assay.lock has a run of the same experiment, that one is shown and nothing is measured: --rerun takes
new samples. If a run of it was begun and not finished, it goes on where it stopped. Ctrl-C stops the
agent after it has made sure of every finished invocation; running the command again goes on.

What of the host is not as one wants it for measuring (load, clock rate, shared cores, a virtual machine) is
printed when a run begins, one thing a line, and recorded with it. --ready 2m waits until the load has fallen.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			spec, err := lab.LoadSpec(args[0])
			if err != nil {
				return err
			}
			exp, err := w.Resolve(cmd.Context(), spec)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			result, err := w.Run(cmd.Context(), exp, opts, bar.show)
			bar.close()
			if err != nil {
				return err
			}
			defer sayUploads(cmd, w)
			if opts.Detach && !result.Archived {
				return newPrinter(cmd).object("run", result.Run, func(out io.Writer) {
					fmt.Fprintf(out, "run %s goes on by itself\nwatch it: assay attach %[1]s\nstop it: assay cancel %[1]s\n", result.Run.ID)
				})
			}
			if err := printRun(cmd, w, result.Run, result.Archived); err != nil {
				return err
			}
			for _, f := range spec.Figures {
				drawn, err := w.Draw(cmd.Context(), lab.DrawingOf(f, result.Run.ID))
				if err != nil {
					return err
				}
				if err := printDrawn(newPrinter(cmd), drawn); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&opts.Rerun, "rerun", false, "take new samples though the archive has a run of this experiment")
	cmd.Flags().DurationVar(&opts.Ready, "ready", 0, "wait so long at most, such as 2m, until the host has little other work; if it still has some, measure nothing")
	cmd.Flags().BoolVar(&opts.Detach, "detach", false, "return as soon as the agent runs; assay attach watches it")
	return cmd
}

// printRun prints a run's summary.
func printRun(cmd *cobra.Command, w *lab.Workspace, run assay.Run, archived bool) error {
	s, err := w.Summary(cmd.Context(), run)
	if err != nil {
		return err
	}
	p := newPrinter(cmd)
	if p.json {
		if err := p.object("run", run, nil); err != nil {
			return err
		}
	}
	return p.object("summary", s, func(out io.Writer) {
		summary.Write(out, s)
		if archived {
			fmt.Fprintf(out, "\nfrom the archive; nothing was measured now (--rerun takes new samples)\n")
		}
	})
}

func printDrawn(p printer, d lab.Drawn) error {
	return p.object("figure", d, func(out io.Writer) {
		for _, format := range d.Formats() {
			fmt.Fprintf(out, "figure %s %s %v\n", d.Figure.Name, d.Paths[format], d.Figure.Outputs[format])
		}
	})
}
