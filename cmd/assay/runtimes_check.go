package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

func newRuntimesCheck() *cobra.Command {
	return &cobra.Command{
		Use:     "check --shim PATH [ARG]...",
		Short:   "Check what runs modules against its contract",
		Example: `  assay runtimes check --shim ./my-shim --mode interpreter`,
		RunE: func(*cobra.Command, []string) error {
			return lab.Usagef("name what to check: --shim PATH")
		},
	}
}
