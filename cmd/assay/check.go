package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newCheck() *cobra.Command {
	var workloads bool
	cmd := &cobra.Command{
		Use:   "check --workloads [FOLDER...]",
		Short: "Build workloads again, and compare digests with what is pinned",
		Long: `Build workloads again, and compare digests with what is pinned.

Each is built from its archived source, in a new place, with the toolchain of this machine; every form is compared.
With folders it is the workloads in these: as assay.lock has them, or as they are built if it has them not. One that
was pinned as a .wasm file has no source, and is said to be not built. One that cannot be built is, too, with the
reason, and the others are checked all the same: the exit status is 1 then, and 4 where a digest differs.`,
		Example: `  assay check --workloads
  assay check --workloads images/workloads/*`,
		RunE: func(cmd *cobra.Command, folders []string) error {
			if !workloads {
				return failure.Usagef("check: say what: --workloads")
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			return w.CheckWorkloads(cmd.Context(), folders, func(c lab.WorkloadCheck) error {
				return newPrinter(cmd).object("workload-check", c, func(out io.Writer) {
					verdict := "same"
					switch {
					case c.Reason != "":
						verdict = "not built: " + c.Reason
					case len(c.Differs) > 0:
						verdict = "differs: " + strings.Join(c.Differs, ", ")
					}
					pinned := "-"
					if !c.Pinned.IsZero() {
						pinned = c.Pinned.Short()
					}
					fmt.Fprintf(out, "%-20s %-12s  %s\n", c.Name, pinned, verdict)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&workloads, "workloads", false, "check the workloads: those in the folders, or all in assay.lock")
	return cmd
}
