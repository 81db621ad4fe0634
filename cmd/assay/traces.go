package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newTraces() *cobra.Command {
	cmd := &cobra.Command{Use: "traces", Short: "List and export raw traces"}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "ls",
			Short: "List the traces of runs and imports",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				w, err := workspace(cmd)
				if err != nil {
					return err
				}
				traces, unreadable := w.Traces(cmd.Context())
				err = list(newPrinter(cmd), "trace", traces, "REF\tEXPERIMENT\tTRACE\tROWS\tBYTES", func(t lab.Trace) []any {
					return []any{t.Ref(), cmp.Or(t.Name, "-"), t.Digest, t.Rows, t.Bytes}
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
	var original bool
	cmd := &cobra.Command{
		Use:               "export REF",
		ValidArgsFunction: complete(completeTraces),
		Short:             "Write a trace as CSV, Parquet or JSON, or the files of an import",
		Long: `Write a trace as CSV, as Parquet (the archived bytes themselves) or as JSON, one object a line.
REF is a run's ID, an experiment's name, an import's trace (NAME/TRACE, or NAME where there is only one), or a
trace's digest. docs/trace.md gives the meaning and unit of every column of a run's, "assay show NAME" those of an
import's. With --json each object has the type "sample".

With --original REF is an import, and its files are written below the folder --output (default: NAME), each with
the bytes it was imported with. No file is replaced.`,
		Example: `  assay traces export coldstart -o coldstart.csv
  assay traces export sweep/results --format parquet -o results.parquet
  assay traces export sweep --original -o files`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			if original {
				if cmd.Flags().Changed("format") {
					return failure.Usagef("export: --original gives the files as they are: drop --format")
				}
				files, err := w.ExportOriginals(cmd.Context(), args[0], output)
				if err != nil {
					return err
				}
				return list(newPrinter(cmd), "file", files, "FILE\tBYTES\tDIGEST", func(s assay.ImportSource) []any {
					return []any{s.Path, s.Size, s.Digest}
				})
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
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write (default: stdout); the folder, with --original")
	cmd.Flags().BoolVar(&original, "original", false, "write the files of an import, bit for bit")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"csv", "parquet", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
