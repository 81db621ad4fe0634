package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newImport() *cobra.Command {
	var opts lab.ImportOptions
	var facts []string
	cmd := &cobra.Command{
		Use:   "import FORMAT PATH --name NAME",
		Short: "Turn somebody's files into traces, and keep the files to the byte",
		Long: `Turn somebody's files into traces, with what every column means and how that is known, and keep the files
themselves to the byte. PATH is a file or a folder with all below it; "assay import formats" lists the formats,
docs/import.md describes each.

Figures, claims and "assay lint" take an import by its NAME, and one of its traces as NAME/TRACE; imports/NAME is
the import where an experiment is called the same. "assay show NAME" shows the whole record, "assay traces export"
gives a trace, or the files with --original.

The same files imported again are not archived again, and heal what the archive lacks of them, as in a clone. A NAME
that means other files is an error, unless it is to be replaced: what it meant stays in the archive, under its digest.

What no file says, --set says: it becomes a column of every trace, marked as given; docs/import.md lists the names
that mean something, such as load and rate. A row that cannot be read is an error with its file and line; with
--lenient it is kept in the trace "rejected", and all others are imported.`,
		Example: `  assay import ab-sweep results/2023-03-09 --name sweep --set machine=c220g5
  assay import table results.csv --mapping results.yaml --name results
  assay import hyperfine cold.json --name cold --set workload=noop`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.Name == "" {
				return failure.Usagef("import: name it: --name NAME")
			}
			opts.Format, opts.Path = args[0], args[1]
			var err error
			if opts.Facts, err = lab.ParseFacts(facts); err != nil {
				return err
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			bar := newBar(cmd.ErrOrStderr())
			opts.Progress = bar.transfer
			imp, err := w.Import(cmd.Context(), opts)
			bar.close()
			if err != nil {
				return err
			}
			defer sayUploads(cmd, w)
			if len(imp.LeftOut) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: left out, as a workspace's, a store's or Git's own: %s\n", imp.Name, graph.Printable(strings.Join(imp.LeftOut, ", ")))
			}
			if imp.Archived {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: the archive has these files already\n", imp.Name)
			}
			return newPrinter(cmd).object("import", imp, func(out io.Writer) { lab.WriteImport(out, imp) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.Name, "name", "", "what to call the import")
	f.StringArrayVar(&facts, "set", nil, "NAME=VALUE: a fact that no file says, such as system=sledge or load=8; may be repeated")
	f.StringVar(&opts.Mapping, "mapping", "", "file that says what the columns mean, for the format table")
	f.BoolVar(&opts.Lenient, "lenient", false, "keep rows that cannot be read as rejected, and import the others")
	f.BoolVar(&opts.Replace, "replace", false, "let NAME mean these files in place of others")
	cmd.AddCommand(newImportFormats(), newImportLs())
	return cmd
}

func newImportFormats() *cobra.Command {
	return &cobra.Command{
		Use:   "formats",
		Short: "List the formats that can be imported",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(newPrinter(cmd), "format", lab.ImportFormats(), "FORMAT\tREVISION\tFILES", func(f lab.ImportFormat) []any {
				return []any{f.Name, f.Revision, f.Title}
			})
		},
	}
}

func newImportLs() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List imports",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			imports, unreadable := w.Imports(cmd.Context())
			err = list(newPrinter(cmd), "import", imports, "IMPORT\tFORMAT\tFILES\tTRACES\tMANIFEST", func(imp lab.Imported) []any {
				return []any{imp.Name, imp.Importer, len(imp.Sources), traceRows(imp.Import), imp.Manifest}
			})
			return errors.Join(err, unreadable)
		},
	}
}

// traceRows lists the traces of an import with their rows.
func traceRows(imp assay.Import) string {
	var all []string
	for _, t := range imp.Traces {
		all = append(all, fmt.Sprintf("%s %d", t.Name, t.Rows))
	}
	return strings.Join(all, ", ")
}
