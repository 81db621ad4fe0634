package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newFigures() *cobra.Command {
	return &cobra.Command{
		Use:   "figures",
		Short: "List sealed figures",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			figures, unreadable := w.Figures(cmd.Context())
			err = list(newPrinter(cmd), "figure", figures, "FIGURE\tOF\tMODULE\tOUTPUTS", func(f lab.Drawn) []any {
				var outputs []string
				for _, format := range f.Formats() {
					outputs = append(outputs, fmt.Sprintf("%s %s", format, f.Figure.Outputs[format].Short()))
				}
				return []any{f.Figure.Name, tablesFrom(f.Figure), f.Figure.Module.Short(), strings.Join(outputs, "  ")}
			})
			return errors.Join(err, unreadable)
		},
	}
}

// tablesFrom lists what a figure's tables are of, each once.
func tablesFrom(f assay.Figure) string {
	var all []string
	for _, t := range f.Tables {
		if !slices.Contains(all, t.From()) {
			all = append(all, t.From())
		}
	}
	return strings.Join(all, ", ")
}
