package main

import (
	"errors"
	"fmt"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newTraces() *cobra.Command {
	cmd := &cobra.Command{Use: "traces", Short: "List and export raw traces"}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "ls",
			Short: "List traces",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				w, err := workspace(cmd)
				if err != nil {
					return err
				}
				traces, unreadable := w.Traces(cmd.Context())
				err = list(newPrinter(cmd), "trace", traces, "RUN\tEXPERIMENT\tTRACE\tROWS\tBYTES", func(t lab.Trace) string {
					return fmt.Sprintf("%s\t%s\t%v\t%d\t%d", t.Run, t.Name, t.Digest, t.Rows, t.Bytes)
				})
				return errors.Join(err, unreadable)
			},
		},
		newTracesExport(),
	)
	return cmd
}

func newTracesExport() *cobra.Command {
	var format, output string
	cmd := &cobra.Command{
		Use:               "export RUN",
		ValidArgsFunction: complete(completeRuns),
		Short:             "Write a trace as CSV, Parquet or JSON",
		Long: `Write a run's trace as CSV, as Parquet (the archived bytes themselves) or as JSON, one object a line.
RUN is a run's ID, an experiment's name, or a trace's digest. docs/trace.md gives the meaning and unit of
every column. With --json each object has the type "sample".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if newPrinter(cmd).json && !cmd.Flags().Changed("format") {
				format, out = string(lab.JSON), &typed{out: out, kind: "sample"}
			}
			if output == "" || output == "-" {
				return w.ExportTrace(cmd.Context(), args[0], lab.TraceFormat(format), out)
			}
			f, err := renameio.NewPendingFile(output, renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			defer f.Cleanup()
			if err := w.ExportTrace(cmd.Context(), args[0], lab.TraceFormat(format), f); err != nil {
				return err
			}
			return f.CloseAtomicallyReplace()
		},
	}
	cmd.Flags().StringVar(&format, "format", "csv", "csv, parquet or json")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write (default: stdout)")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"csv", "parquet", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
