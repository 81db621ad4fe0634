package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
)

// checksShims gives the command check what checks a shim in place of runtimes.
func checksShims(check *cobra.Command) *cobra.Command {
	var shim, mode string
	check.Flags().StringVar(&shim, "shim", "", "check that the program `PATH` is a shim (docs/shim-protocol.md); arguments go before its options")
	check.Flags().StringVar(&mode, "mode", "", "with --shim, the mode of the shim `NAME` (default: its own)")
	runtimes := check.RunE
	check.RunE = func(cmd *cobra.Command, args []string) error {
		if shim == "" {
			if mode != "" {
				return failure.Usagef("--mode is of a shim: name it with --shim")
			}
			return runtimes(cmd, args)
		}
		p := newPrinter(cmd)
		return hosts.CheckShim(cmd.Context(), append([]string{shim}, args...), mode, func(r hosts.ShimResult) error {
			return p.object("shim-check", r, func(out io.Writer) {
				if r.OK {
					fmt.Fprintf(out, "ok    %s: %s\n", r.Check, visible(r.Seen))
				} else {
					fmt.Fprintf(out, "FAIL  %s\n      want %s\n      seen %s\n", r.Check, r.Want, visible(r.Seen))
				}
			})
		})
	}
	return check
}
