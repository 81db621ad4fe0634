package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/notebook"
)

func newNotebookRun() *cobra.Command {
	var out string
	var settings []string
	var inPlace, list bool
	var opts notebook.Options
	cmd := &cobra.Command{
		Use:   "run NOTEBOOK",
		Short: "Execute a notebook from the top",
		Long: `Execute the cells of a notebook from the top, in a kernel of its own, in the
folder of the notebook. The result is written also when a cell fails, and after
Ctrl-C: with what there is; not if the kernel does not come up. It goes to
NAME.executed.ipynb beside the notebook unless -o or --inplace says otherwise;
the notebook itself is untouched but for --inplace.

Cells use the workspace that the notebook's folder is in; if it is in none, that
of the working directory.

It stops at the first cell that fails, with the cell's source and its output so
far. A cell with the tag raises-exception may fail; one with the tag
skip-execution is left as it is. Of a cell that writes more than a mebibyte the
notebook keeps the begin and the end, and a file beside it all.

A cell with the tag "parameters" declares what -p sets, in Go:
var invocations = 30. Values are as in Go, times as 1.5s, lists of strings as
a,b. The environment variable ASSAY_PARAM_INVOCATIONS sets it
where no -p does. --parameters lists them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if inPlace && out != "" {
				return fmt.Errorf("notebook run: -o and --inplace exclude each other: %w", errFlags)
			}
			in := args[0]
			nb, err := notebook.Read(in)
			if err != nil {
				return err
			}
			if list {
				return printParameters(cmd, nb)
			}
			if err := notebook.Executable(nb); err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			values, err := notebook.Assign(nb, settings, os.Environ())
			if err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			values.Inject(nb)
			if out == "" {
				out = strings.TrimSuffix(in, ".ipynb") + ".executed.ipynb"
			}
			if inPlace {
				out, err = notebook.Target(in, "")
			} else {
				out, err = notebook.Target(out, in)
			}
			if err != nil {
				return fmt.Errorf("notebook run: %w", err)
			}
			if opts, err = placeOptions(cmd, opts, in); err != nil {
				return err
			}
			opts.Overflow = strings.TrimSuffix(out, ".ipynb")
			began := time.Now()
			steps := newSteps(cmd)
			failure := notebook.Run(cmd.Context(), nb, values, opts, steps.show)
			if errors.Is(failure, notebook.ErrNotStarted) {
				return fmt.Errorf("%s: %w", in, failure)
			}
			if err := notebook.Write(out, nb); err != nil {
				return errors.Join(failure, err)
			}
			if cell, ok := errors.AsType[*notebook.CellError](failure); ok {
				fmt.Fprint(cmd.ErrOrStderr(), cell.Report())
			}
			v := struct {
				Notebook string        `json:"notebook"`
				Output   string        `json:"output"`
				Cells    int           `json:"cells"`
				Elapsed  time.Duration `json:"elapsed_ns"`
				Error    string        `json:"error,omitempty"`
			}{Notebook: in, Output: out, Cells: steps.done, Elapsed: time.Since(began)}
			if failure != nil {
				failure = fmt.Errorf("%s: %w", in, failure)
				v.Error = failure.Error()
			}
			err = newPrinter(cmd).object("notebook", v, func(w io.Writer) {
				if failure != nil {
					fmt.Fprintf(w, "%s: as far as it went\n", out)
					return
				}
				fmt.Fprintf(w, "%s: %s in %v\n", out, counted(v.Cells, "cell"), v.Elapsed.Round(100*time.Millisecond))
			})
			return errors.Join(failure, err)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "", "file to write to (default: NAME.executed.ipynb beside the notebook)")
	f.BoolVar(&inPlace, "inplace", false, "write to the notebook itself")
	f.StringArrayVarP(&settings, "param", "p", nil, "set a parameter: name=value (repeatable)")
	f.BoolVar(&list, "parameters", false, "list the notebook's parameters, and execute nothing")
	f.DurationVar(&opts.Timeout, "timeout", 0, "interrupt a cell that takes longer, and stop (default: none)")
	f.BoolVar(&opts.AllowErrors, "allow-errors", false, "go on after a cell that fails")
	return cmd
}

func printParameters(cmd *cobra.Command, nb *notebook.Notebook) error {
	list, _, err := notebook.Parameters(nb)
	if err != nil {
		return err
	}
	p := newPrinter(cmd)
	for _, v := range list {
		err := p.object("parameter", v, func(w io.Writer) { fmt.Fprintf(w, "%s=%s\t%s\n", v.Name, v.Default, v.Kind) })
		if err != nil {
			return err
		}
	}
	return nil
}
