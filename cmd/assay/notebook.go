package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/notebook"
)

func newNotebook() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notebook",
		Short: "Execute, check, strip and begin notebooks, without a browser",
	}
	cmd.AddCommand(newNotebookRun(), newNotebookCheck(), newNotebookStrip(), newNotebookNew())
	return cmd
}

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
Ctrl-C: with what there is. It goes to NAME.executed.ipynb beside the notebook
unless -o or --inplace says otherwise; the notebook itself is untouched but for
--inplace.

It stops at the first cell that fails, with the cell's source and its output so
far. A cell with the tag raises-exception may fail; one with the tag
skip-execution is left as it is. Of a cell that writes more than a mebibyte the
notebook keeps the begin and the end, and a file beside it all.

A cell with the tag "parameters" declares what -p sets, in Go:
var invocations = 30. The environment variable ASSAY_PARAM_INVOCATIONS sets it
where no -p does. --parameters lists them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if inPlace && out != "" {
				return fmt.Errorf("notebook run: -o and --inplace exclude each other: %w", errFlags)
			}
			if opts.Timeout < 0 {
				return fmt.Errorf("notebook run: --timeout %v: want none (0) or a time: %w", opts.Timeout, errFlags)
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

// placeOptions says where the notebook in is executed, and prepares a kernel.
func placeOptions(cmd *cobra.Command, opts notebook.Options, in string) (notebook.Options, error) {
	var err error
	if opts.Dir, err = filepath.Abs(filepath.Dir(in)); err != nil {
		return opts, err
	}
	if opts.Workspace, err = cmd.Flags().GetString("workspace"); err != nil {
		return opts, err
	}
	if opts.Workspace != "" {
		if opts.Workspace, err = filepath.Abs(opts.Workspace); err != nil {
			return opts, err
		}
	}
	if opts.Kernel, err = kernelOptions(); err != nil {
		return opts, err
	}
	opts.Kernel.Headless = true
	say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	return opts, kernel.Prepare(cmd.Context(), opts.Kernel, false, say)
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

// Steps show how far a notebook is: a line that is written over on a terminal,
// a line a cell elsewhere.
type steps struct {
	out   io.Writer
	moves bool
	done  int
}

func newSteps(cmd *cobra.Command) *steps {
	out := cmd.ErrOrStderr()
	f, ok := out.(*os.File)
	return &steps{out: out, moves: ok && term.IsTerminal(int(f.Fd()))}
}

// lineWidth is how much of a cell's first line is shown.
const lineWidth = 60

func (s *steps) show(step notebook.Step) {
	line := []rune(step.Line)
	if len(line) > lineWidth {
		line = append(line[:lineWidth], '…')
	}
	text := fmt.Sprintf("[%d/%d] cell %d: %s", step.K, step.N, step.Cell, string(line))
	if step.State == notebook.Begins {
		if s.moves {
			fmt.Fprint(s.out, text)
		}
		return
	}
	s.done++
	if s.moves {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
	how := ""
	switch step.State {
	case notebook.Failed:
		how = "failed, "
	case notebook.Raised:
		how = "failed, as it may, "
	}
	fmt.Fprintf(s.out, "%s (%s%v)\n", text, how, step.Elapsed.Round(10*time.Millisecond))
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func newNotebookCheck() *cobra.Command {
	var opts notebook.Options
	var measure bool
	cmd := &cobra.Command{
		Use:   "check NOTEBOOK",
		Short: "Execute a copy of a notebook and compare it with what the notebook holds",
		Long: `Execute a copy of the notebook from the top and compare what comes with the
outputs it holds: what assay displays by its digests, names and verdicts, all
else by its content; progress is left aside. Each run, workload and figure that
the notebook shows must be in assay.lock, and whole in the archive, and the cells
numbered from 1. Every difference is printed, and is exit status 4.

The notebook is untouched. Nothing is measured: a cell for which the archive has
no run is a difference, and ends the check, unless --measure allows it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := args[0]
			nb, err := notebook.Read(in)
			if err != nil {
				return err
			}
			if err := notebook.Executable(nb); err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			if opts, err = placeOptions(cmd, opts, in); err != nil {
				return err
			}
			w, err := notebookWorkspace(cmd.Context(), opts)
			if err != nil {
				return err
			}
			scratch, err := os.MkdirTemp("", "assay-check-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(scratch)
			opts.Overflow, opts.Archived = filepath.Join(scratch, "check"), !measure
			checked, err := notebook.Check(cmd.Context(), w, nb, opts, newSteps(cmd).show)
			if checked.Failure != nil {
				fmt.Fprint(cmd.ErrOrStderr(), checked.Failure.Report())
			}
			if err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			p := newPrinter(cmd)
			for _, d := range checked.Differences {
				if err := p.object("difference", d, func(w io.Writer) { printDifference(w, in, d) }); err != nil {
					return err
				}
			}
			if err := checked.Err(); err != nil {
				return fmt.Errorf("%s: %w", in, err)
			}
			return p.object("checked", checked, func(w io.Writer) {
				fmt.Fprintf(w, "%s: the same: %s, %s, %s, %s\n", in, counted(checked.Cells, "cell"), counted(checked.Outputs, "output"),
					counted(checked.Runs, "run"), counted(checked.Figures, "figure"))
			})
		},
	}
	f := cmd.Flags()
	f.DurationVar(&opts.Timeout, "timeout", 0, "interrupt a cell that takes longer, and stop (default: none)")
	f.BoolVar(&measure, "measure", false, "let cells measure what the archive does not have")
	return cmd
}

// notebookWorkspace opens the workspace that the cells of a notebook use.
func notebookWorkspace(ctx context.Context, opts notebook.Options) (*lab.Workspace, error) {
	root := opts.Workspace
	if root == "" {
		root = os.Getenv("ASSAY_WORKSPACE")
	}
	if root == "" {
		var err error
		if root, err = lab.Find(opts.Dir); err != nil {
			return nil, err
		}
	}
	return lab.Open(ctx, root)
}

func printDifference(w io.Writer, in string, d notebook.Difference) {
	where := in
	if d.Cell > 0 {
		where = fmt.Sprintf("%s: cell %d", in, d.Cell)
	}
	fmt.Fprintf(w, "%s: %s\n", where, d.What)
	if d.Want != "" || d.Got != "" {
		fmt.Fprintf(w, "  - %s\n  + %s\n", d.Want, d.Got)
	}
}

func newNotebookStrip() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "strip NOTEBOOK...",
		Short: "Take out of notebooks what executing them puts in",
		Long: `Take outputs, counts, injected parameters and metadata of executions out of
notebooks, in place. A notebook that has none is not written.

With --check nothing is written, and a notebook that has some is exit status 4:
for a git hook.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newPrinter(cmd)
			var problems []error
			for _, path := range args {
				state, err := strip(path, check)
				if err != nil {
					problems = append(problems, err)
				}
				if state == "" {
					continue
				}
				v := struct {
					Notebook string `json:"notebook"`
					State    string `json:"state"`
				}{path, state}
				if err := p.object("strip", v, func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", path, state) }); err != nil {
					return err
				}
			}
			return errors.Join(problems...)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; fail if there is something to strip")
	return cmd
}

// strip strips the notebook in a file and says what it found.
func strip(path string, check bool) (state string, err error) {
	nb, err := notebook.Read(path)
	if err != nil {
		return "", err
	}
	switch dirty := notebook.Strip(nb); {
	case !dirty:
		return "clean", nil
	case check:
		return "not stripped", fmt.Errorf("%s: %w", path, notebook.ErrNotStripped)
	}
	target, err := notebook.Target(path, "")
	if err != nil {
		return "", fmt.Errorf("notebook strip: %w", err)
	}
	return "stripped", notebook.Write(target, nb)
}

func newNotebookNew() *cobra.Command {
	var template string
	var says []string
	for _, t := range notebook.Templates {
		says = append(says, fmt.Sprintf("  %-12s %s", t.Name, t.Says))
	}
	cmd := &cobra.Command{
		Use:   "new NAME.ipynb",
		Short: "Begin a notebook from a template",
		Long:  "Begin a notebook from a template. There are\n\n" + strings.Join(says, "\n"),
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := args[0]
			if filepath.Ext(path) != ".ipynb" {
				return fmt.Errorf("notebook new: %s does not end in .ipynb: %w", path, errFlags)
			}
			nb, err := notebook.New(template)
			if err != nil {
				return fmt.Errorf("notebook new: %w: %w", err, errFlags)
			}
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return fmt.Errorf("notebook new: %w", err)
			}
			if _, err := f.Write(nb.Bytes()); err != nil {
				return errors.Join(err, f.Close())
			}
			if err := f.Close(); err != nil {
				return err
			}
			v := struct {
				Notebook string `json:"notebook"`
				Template string `json:"template"`
			}{path, template}
			return newPrinter(cmd).object("notebook", v, func(w io.Writer) {
				fmt.Fprintf(w, "%s\nnext: \"assay lab\" opens it in a browser, \"assay notebook run %s\" executes it here\n", path, path)
			})
		},
	}
	cmd.Flags().StringVar(&template, "template", "experiment", "what to begin with")
	cmd.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, t := range notebook.Templates {
			names = append(names, t.Name+"\t"+t.Says)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}
