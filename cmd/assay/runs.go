package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newRuns() *cobra.Command {
	return &cobra.Command{
		Use:   "runs",
		Short: "List runs, archived and in progress",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			runs, unreadable := w.Runs(cmd.Context())
			err = list(newPrinter(cmd), "run", runs, "RUN\tEXPERIMENT\tSTATE\tSTARTED\tOUTCOMES", func(r assay.Run) string {
				return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", r.ID, r.Name, r.State, r.Started.Local().Format(time.DateTime), lab.Outcomes(r.Outcomes))
			})
			return errors.Join(err, unreadable)
		},
	}
}

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show REF",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Show a run, workload or figure by name, ID or digest",
		Args:              cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			shown, err := w.Show(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return newPrinter(cmd).object(shown.Kind, shown.Value, func(out io.Writer) { lab.WriteShown(out, shown) })
		},
	}
}

func newAttach() *cobra.Command {
	return follow("attach RUN", "Watch a run in progress to its end", (*lab.Workspace).Attach)
}

func newResume() *cobra.Command {
	return follow("resume RUN", "Go on with a run that was interrupted", (*lab.Workspace).Resume)
}

func newCancel() *cobra.Command {
	return &cobra.Command{
		Use:               "cancel RUN",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Stop a run in progress; what was measured is kept and it can be resumed",
		Args:              cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			run, err := w.Cancel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("run", run, func(out io.Writer) {
				fmt.Fprintf(out, "run %s is stopped; go on with: assay resume %[1]s\n", run.ID)
			})
		},
	}
}

// follow is a command that watches a run to its end and prints its summary.
func follow(use, short string, do func(*lab.Workspace, context.Context, string, lab.Watcher) (assay.Run, error)) *cobra.Command {
	return &cobra.Command{
		Use:               use,
		ValidArgsFunction: complete(completeRuns),
		Short:             short,
		Args:              cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			run, err := do(w, cmd.Context(), args[0], bar.show)
			bar.close()
			if err != nil {
				return err
			}
			return printRun(cmd, w, run, false)
		},
	}
}
