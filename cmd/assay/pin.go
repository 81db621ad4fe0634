package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newPin() *cobra.Command {
	return &cobra.Command{
		Use:   "pin REF...",
		Short: "Pin workloads: build or read them, archive their bytes, note their digests",
		Long: `Pin workloads: build or read them, archive their bytes, and note name and digest in assay.lock.

REF is a folder with workload.yaml (built from source), a .wasm file, LAYOUT@sha256:… (a manifest in an
OCI image layout folder), sha256:… (a manifest the archive holds), or a name in assay.lock.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			for _, ref := range args {
				wl, err := w.Pin(cmd.Context(), ref)
				if err != nil {
					return err
				}
				err = newPrinter(cmd).object("workload", wl, func(out io.Writer) {
					fmt.Fprintf(out, "%s %v\n", wl.Name, wl.Manifest)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
