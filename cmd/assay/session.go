package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/cells"
)

func newSession() *cobra.Command {
	return &cobra.Command{
		Use:    "session",
		Short:  "Answer a program that imports kernelext, on stdin and stdout",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			return cells.Serve(cmd.Context(), w, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
