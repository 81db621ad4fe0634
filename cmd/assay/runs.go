package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newRuns() *cobra.Command {
	var filter lab.RunFilter
	var state, since, until string
	cmd := &cobra.Command{
		Use:               "runs [NAME]",
		ValidArgsFunction: complete(completeExperiments),
		Short:             "List runs, archived and in progress",
		Long: `List runs, archived and in progress, oldest first; of the experiments that are called NAME, or of all. NAME,
--workload and --runtime can be patterns, in which * stands for anything but a slash.

Where a store is in use, the last column says whether it has the run, too, or the run waits to be archived there.
A run is "not archived" when it was measured to its end and no process was there to see it; "assay resume" archives it.

--since and --until take a day (2026-11-24) or a time (2026-11-24T18:15:30Z), or how long ago that is (36h, 7d).`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				filter.Name = args[0]
			}
			filter.State = assay.RunState(state)
			now := time.Now()
			if filter.Since, err = parseMoment(since, now); err != nil {
				return failure.Usagef("--since %w", err)
			}
			if filter.Until, err = parseMoment(until, now); err != nil {
				return failure.Usagef("--until %w", err)
			}
			runs, unreadable := w.Runs(cmd.Context(), filter)
			defer sayUploads(cmd, w)
			if unreadable == nil {
				sayListed(cmd.ErrOrStderr(), runs)
			}
			header, row := "RUN\tEXPERIMENT\tSTATE\tSTARTED\tOUTCOMES", runRow
			if w.Stores.InUse() != "" {
				header, row = header+"\tSTORE", func(l lab.Listed) []any { return append(runRow(l), storeOf(l)) }
			}
			return errors.Join(list(newPrinter(cmd), "run", runs, header, row), unreadable)
		},
	}
	cmd.Flags().StringVar(&filter.Workload, "workload", "", "only runs of this workload")
	cmd.Flags().StringVar(&filter.Runtime, "runtime", "", "only runs on this runtime")
	cmd.Flags().StringVar(&state, "state", "", "only runs that are running, complete or interrupted")
	cmd.Flags().StringVar(&since, "since", "", "only runs that began then or later")
	cmd.Flags().StringVar(&until, "until", "", "only runs that began before")
	cmd.Flags().BoolVar(&filter.Waits, "not-archived", false, "only runs that the store in use lacks")
	cmd.Flags().IntVarP(&filter.Newest, "limit", "n", 0, "at most so many, the newest (0: all)")
	cmd.AddCommand(newRunsShow())
	return cmd
}

func newRunsShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show RUN",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Show the numbers of an archived run: n, medians and intervals, a row a trial and phase",
		Long: `Show the numbers of an archived run: n, medians and intervals, a row a trial and phase. RUN is an ID, a digest,
or an experiment's name, and then the latest. "assay show" has what is known of a run beside its numbers.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			run, err := w.FindRun(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return printRun(cmd, w, run, false)
		},
	}
}

// sayListed says what a list does not.
func sayListed(out io.Writer, runs []lab.Listed) {
	if len(runs) == 0 {
		fmt.Fprintln(out, "no such runs")
	}
	for _, l := range runs {
		if l.Ended {
			fmt.Fprintf(out, "run %s is measured to its end; to archive it: assay resume %[1]s\n", l.ID)
		}
	}
}

func runRow(l lab.Listed) []any {
	state := string(l.State)
	if l.Ended {
		state = "not archived"
	}
	return []any{l.ID, l.Name, state, l.Started.Local().Format(time.DateTime), lab.Outcomes(l.Outcomes)}
}

// storeOf says which store has a run, beside the archive.
func storeOf(l lab.Listed) string {
	switch {
	case l.Waits:
		return "waits"
	case l.Store == "":
		return "-"
	}
	return l.Store
}

// parseMoment parses a day, a time, or how long before now. "" is the zero time.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	var ago days
	if ago.Set(s) == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	return time.Time{}, fmt.Errorf("%q: want a day (2026-11-24), a time (2026-11-24T18:15:30Z), or how long ago (36h, 7d)", s)
}

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show REF",
		ValidArgsFunction: complete(completeGraph),
		Short:             "Show a run, import, workload, figure or judgement by name, ID or digest",
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
	var opts lab.ResumeOptions
	cmd := follow("resume RUN", "Go on with a run that was interrupted", func(w *lab.Workspace, ctx context.Context, ref string, watcher lab.Watcher) (assay.Run, error) {
		return w.Resume(ctx, ref, opts, watcher)
	})
	cmd.Long = `Go on with a run that was interrupted, by the programs and on the host that it began with. If these have
changed since, it is refused, with what was there and what is; assay run --rerun begins another run.`
	cmd.Flags().DurationVar(&opts.Ready, "ready", 0, "wait so long at most, such as 2m, until the host has little other work; if it still has some, measure nothing")
	return cmd
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
			defer sayUploads(cmd, w)
			if err != nil {
				return err
			}
			return printRun(cmd, w, run, false)
		},
	}
}
