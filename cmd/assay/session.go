package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/cells"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newSession() *cobra.Command {
	return &cobra.Command{
		Use:    "session",
		Short:  "Answer a program that imports kernelext, on stdin and stdout",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			open := func(context.Context) (*lab.Workspace, error) { return workspace(cmd) }
			return cells.Serve(cmd.Context(), open, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
