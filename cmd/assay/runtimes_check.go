package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/hosts"
)

func newRuntimesCheck() *cobra.Command {
	var all bool
	var markdown string
	cmd := &cobra.Command{
		Use:   "check {RUNTIME... | --all | --shim PATH [-- WORD...]}",
		Short: "Check what runs modules against its contract",
		Long: `check runs real modules and compares how each ends, and what it is given, with what a runtime must do:
statuses, traps, signals, arguments, environment, directories, stdin, 100 MB of stdout, limits, modules of C and of Go.
It prints a table of cases and runtimes: ok, "-" where a case says nothing of the runtime, the number of a note where
it is known to deviate, or FAIL, which is exit status 4. With --shim it holds a program against docs/shim-protocol.md, and
says of each check that fails what was wanted and what was seen; WORDs go before the program's options.`,
		Example: `  assay runtimes check wasmtime wasmtime/winch
  assay runtimes check --shim ./my-shim --mode interpreter`,
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case len(names) == 0 && !all:
				return failure.Usagef("name what to check: runtimes, --all or --shim PATH")
			case len(names) > 0 && (all || markdown != ""):
				return failure.Usagef("--all and --markdown are of all runtimes: name none")
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			p := newPrinter(cmd)
			last := ""
			done, failed := w.CheckRuntimes(cmd.Context(), names, func(r hosts.RuntimeResult) error {
				if r.Runtime != last {
					last = r.Runtime
					fmt.Fprintf(cmd.ErrOrStderr(), "checking %s\n", r.Runtime)
				}
				if p.json {
					return p.object("runtime-check", r, nil)
				}
				return nil
			})
			if failed != nil && !errors.Is(failed, failure.ErrMismatch) {
				return failed
			}
			if markdown != "" && failed == nil {
				if err := hosts.WriteConformance(markdown, done, time.Now()); err != nil {
					return err
				}
			}
			if p.json {
				return failed
			}
			return errors.Join(writeConformance(p.out, done), failed)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "check all runtimes that this host has")
	cmd.Flags().StringVar(&markdown, "markdown", "", "with --all, write the result into `FILE` too, between its marks: docs/runtimes.md")
	return cmd
}

// writeConformance prints the table, what its numbers mean, and each failure.
func writeConformance(out io.Writer, c hosts.Conformance) error {
	header, rows, notes := c.Matrix()
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for i, note := range notes {
		fmt.Fprintf(out, "[%d] %s\n", i+1, note)
	}
	for _, r := range c.Results {
		if r.Verdict == "FAIL" {
			fmt.Fprintf(out, "FAIL %s: %s: %s: %s\n", r.Runtime, r.Case, r.Got, r.Why)
			for line := range strings.Lines(visible(r.Detail)) {
				fmt.Fprintf(out, "     %s\n", strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return nil
}
