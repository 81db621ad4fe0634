package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay"
)

func newRuntimes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List runtimes: what this host has of them, and what is missing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			versions, err := w.Runtimes(cmd.Context())
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "runtime", versions, "RUNTIME\tVERSION\tBINARY\tORIGIN", func(v assay.RuntimeVersion) string {
				if v.Absent != "" {
					return fmt.Sprintf("%s\tabsent\t\t%s", v.Name, v.Absent)
				}
				if v.Digest.IsZero() {
					return fmt.Sprintf("%s\t-\t-\t%s", v.Name, v.Origin)
				}
				return fmt.Sprintf("%s\t%s\t%s\t%s", v.Name, v.Version, v.Digest.Short(), v.Origin)
			})
		},
	}
	var phases bool
	plan := &cobra.Command{
		Use:   "plan RUNTIME WORKLOAD",
		Short: "Show the command that a runtime would execute for a workload",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			trial, err := w.RuntimePlan(cmd.Context(), args[0], args[1], phases)
			if err != nil {
				return err
			}
			return newPrinter(cmd).object("trial", trial, func(out io.Writer) {
				if trial.Unsupported != "" {
					fmt.Fprintf(out, "unsupported: %s\n", trial.Unsupported)
					return
				}
				for _, c := range append(trial.Prepare, trial.Command) {
					fmt.Fprintln(out, commandLine(c))
				}
			})
		},
	}
	plan.Flags().BoolVar(&phases, "phases", false, "the command of its shim, which tells phases")
	cmd.AddCommand(plan)
	cmd.AddCommand(&cobra.Command{Use: "ls", Short: "The same list", Args: cmd.Args, RunE: cmd.RunE}, newRuntimesInstall(), newRuntimesUninstall(), checksShims(newRuntimesCheck()))
	return cmd
}

// commandLine writes c so that a POSIX shell reads it back.
func commandLine(c assay.Command) string {
	var words []string
	for _, w := range c.Argv {
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}
