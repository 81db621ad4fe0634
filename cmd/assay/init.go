package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a folder a workspace",
		Long:  "Make a folder a workspace: an archive in .assay and, beside it, assay.lock. Doing it again changes nothing.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			w, err := lab.Init(cmd.Context(), dir)
			if err != nil {
				return err
			}
			v := struct {
				Root string `json:"root"`
			}{w.Root}
			return newPrinter(cmd).object("workspace", v, func(out io.Writer) {
				fmt.Fprintf(out, "workspace %s\nnext: assay pin FOLDER, then assay run EXPERIMENT.yaml\n", w.Root)
			})
		},
	}
}
