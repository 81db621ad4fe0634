package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/notebook"
)

func newNotebookStrip() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "strip NOTEBOOK...",
		Short: "Take out of notebooks what executing them puts in",
		Long: `Take outputs, counts, injected parameters and metadata of executions out of
notebooks, in place. A notebook that has none is not written.

With --check nothing is written, and a notebook that has some is exit status 4:
for a git hook.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd)
			var problems []error
			for _, path := range args {
				state, err := notebook.StripFile(path, check)
				if err != nil {
					problems = append(problems, err)
				}
				if state == "" {
					continue
				}
				v := struct {
					Notebook string `json:"notebook"`
					State    string `json:"state"`
				}{path, state}
				if err := p.object("strip", v, func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", path, state) }); err != nil {
					return err
				}
			}
			return errors.Join(problems...)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail if there is something to strip")
	return cmd
}
