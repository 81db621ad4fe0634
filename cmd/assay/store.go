package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newStore() *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Check and clean the archive"}
	var readData bool
	check := &cobra.Command{
		Use:   "check",
		Short: "Report every problem of the archive",
		Long: `Report every problem of the archive: references to nothing, blobs that name missing ones, malformed and
stray files and, unless --read-data=false, blobs whose bytes are not what their digest says. Exit status 5
if there is one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			report, err := w.Check(cmd.Context(), readData)
			if perr := newPrinter(cmd).object("check", report, func(out io.Writer) { lab.WriteCheck(out, report) }); perr != nil {
				return perr
			}
			return err
		},
	}
	check.Flags().BoolVar(&readData, "read-data", true, "read and hash every blob")
	var opts lab.GCOptions
	gc := &cobra.Command{
		Use:   "gc",
		Short: "Delete what no reference and no pin in assay.lock reaches",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			report, err := w.GC(cmd.Context(), opts)
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("gc", report, func(out io.Writer) { lab.WriteGC(out, report) })
		},
	}
	gc.Flags().BoolVar(&opts.DryRun, "dry-run", false, "say what would be deleted, delete nothing")
	gc.Flags().DurationVar(&opts.MinAge, "min-age", 24*time.Hour, "keep what is younger: another process may be about to name it")
	cmd.AddCommand(check, gc)
	return cmd
}

func newExportOCI() *cobra.Command {
	return &cobra.Command{
		Use:   "export-oci DIR",
		Short: "Write workloads, runs and figures as an OCI image layout folder",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			roots, err := w.ExportOCI(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "root", roots, "TAG\tMANIFEST", func(r lab.ExportedRoot) string {
				return fmt.Sprintf("%s\t%v", r.Name, r.Digest)
			})
		},
	}
}
