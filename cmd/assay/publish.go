package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newPublish() *cobra.Command {
	var opts lab.PublishOptions
	var until string
	cmd := &cobra.Command{
		Use:               "publish [REF...|--lock]",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Archive results in a store that refuses to delete them before a date",
		Long: `Archive runs, imports, figures, workloads or verdicts in a store, and have the server refuse to delete them
before a date: a year from now if none is given. Publishing again can only make that later. With each goes all
it reaches and all that is about it: a workload's runs, a run's figures and verdicts. With --lock, what
assay.lock names goes with all it reaches. Everything is read back from the store before it is retained.

The store's bucket must have object lock, which can be given only when it is made: assay store add … --create
--object-lock. In mode governance the server's administrators can lift the retention, in mode compliance nobody
can, the administrators neither.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.Lock == (len(args) > 0) {
				return fmt.Errorf("publish: give references, or --lock: %w", errFlags)
			}
			if until != "" {
				day, err := time.Parse(time.DateOnly, until)
				if err != nil {
					return fmt.Errorf("publish: --until %q: want a date, such as 2027-12-31: %w", until, errFlags)
				}
				opts.Until = day.AddDate(0, 0, 1) // to the end of that day, UTC
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			all, err := w.Publish(cmd.Context(), args, opts, bar.transfer)
			bar.close()
			for _, p := range all {
				sayUnread(cmd, p.Name, p.Unread)
			}
			printErr := list(newPrinter(cmd), "publication", all, "PUBLISHED\tWITH\tBLOBS\tSIZE\tRETAINED UNTIL\tMODE\tMANIFEST", func(p lab.Published) []any {
				return []any{p.Name, len(p.With), p.Blobs, size(p.Bytes), p.Until.Format(time.RFC3339), p.Mode, p.Digest}
			})
			if err != nil {
				return err
			}
			return printErr
		},
	}
	cmd.Flags().BoolVar(&opts.Lock, "lock", false, "everything that assay.lock names")
	cmd.Flags().StringVar(&opts.Store, "store", "", "the store (default: the one in use, or the only one)")
	cmd.Flags().StringVar(&until, "until", "", "the last day of the retention, such as 2027-12-31 (default: a year from now)")
	cmd.Flags().StringVar(&opts.Mode, "mode", "governance", "governance or compliance")
	return cmd
}
