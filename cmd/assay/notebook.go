package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

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

// placeOptions says where the notebook in is executed, and prepares a kernel.
// Where no workspace is around the notebook, its cells use that of the working
// directory, if there is one.
func placeOptions(cmd *cobra.Command, opts notebook.Options, in string) (notebook.Options, error) {
	if opts.Timeout < 0 {
		return opts, fmt.Errorf("%s: --timeout %v: want none (0) or a time: %w", cmd.CommandPath(), opts.Timeout, errFlags)
	}
	var err error
	if opts.Dir, err = filepath.Abs(filepath.Dir(in)); err != nil {
		return opts, err
	}
	if opts.Workspace, err = workspaceElsewhere(cmd); err != nil {
		return opts, err
	}
	if _, err := lab.Find(opts.Dir); opts.Workspace == "" && errors.Is(err, lab.ErrOutside) {
		if here, err := lab.Find("."); err == nil {
			opts.Workspace = here
		}
	}
	if opts.Kernel, err = kernelOptions(); err != nil {
		return opts, err
	}
	opts.Kernel.Headless = true
	say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	return opts, kernel.Prepare(cmd.Context(), opts.Kernel, false, say)
}

// notebookWorkspace opens the workspace that the cells of a notebook use.
func notebookWorkspace(ctx context.Context, opts notebook.Options) (*lab.Workspace, error) {
	root := opts.Workspace
	if root == "" {
		var err error
		if root, err = lab.Find(opts.Dir); err != nil {
			return nil, err
		}
	}
	return lab.Open(ctx, root)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
