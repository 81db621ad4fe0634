package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/settings"
)

func newKernel() *cobra.Command {
	var headless bool
	cmd := &cobra.Command{
		Use:   "kernel CONNECTION_FILE",
		Short: "Be the Jupyter kernel of Go cells",
		Long: `Be the Jupyter kernel of Go cells. Jupyter calls it; "assay kernel install" tells
Jupyter about it, and "assay lab" and "assay notebook run" need no installation.

GoNB compiles and runs the cells; it, goimports and gopls are built once, into
the cache. Cells use the workspace that -C, ASSAY_WORKSPACE or the folder of the
notebook names. docs/kernel.md lists the environment variables.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := kernelOptions()
			if err != nil {
				return err
			}
			o.Headless = headless
			open := func(ctx context.Context) (*lab.Workspace, error) {
				root, err := workspaceRoot(cmd)
				if err != nil {
					return nil, err
				}
				return lab.Open(ctx, root)
			}
			// SIGINT interrupts a cell, not the kernel: it has signals of its own.
			return kernel.Run(context.WithoutCancel(cmd.Context()), o, args[0], open)
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "nobody types: start no gopls, which completes and explains")
	cmd.AddCommand(newKernelInstall(), newKernelComplete())
	return cmd
}

func newKernelInstall() *cobra.Command {
	var user bool
	var prefix string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Tell an existing Jupyter about the kernel",
		Long: `Tell an existing Jupyter, VS Code or JupyterHub about the kernel: prepare all that
it needs, and write the kernelspec "assay" where Jupyter looks. It names this
program by its path: install again after moving it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if user && prefix != "" {
				return fmt.Errorf("kernel install: --user and --prefix exclude each other: %w", errFlags)
			}
			o, err := kernelOptions()
			if err != nil {
				return err
			}
			dir, err := kernel.DataDir(prefix)
			if err != nil {
				return err
			}
			say := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			if err := kernel.Prepare(cmd.Context(), o, true, say); err != nil {
				return err
			}
			folder, err := kernel.Install(o, dir)
			if err != nil {
				return err
			}
			v := struct {
				Folder  string `json:"folder"`
				Program string `json:"program"`
			}{folder, o.Assay}
			return newPrinter(cmd).object("kernelspec", v, func(out io.Writer) {
				fmt.Fprintf(out, `kernelspec %s
program %s: install again after moving it
next: in Jupyter or VS Code choose the kernel "%s" for a notebook; a running Jupyter needs its page reloaded
`, v.Folder, v.Program, kernel.DisplayName)
			})
		},
	}
	cmd.Flags().BoolVar(&user, "user", false, "for this user: below JUPYTER_DATA_DIR, or where Jupyter keeps a user's data (the default)")
	cmd.Flags().StringVar(&prefix, "prefix", "", "below DIR/share/jupyter: of a virtual environment, or /usr/local for all users")
	return cmd
}

// kernelOptions names this program and its cache.
func kernelOptions() (kernel.Options, error) {
	exe, err := os.Executable()
	if err != nil {
		return kernel.Options{}, errors.Join(errors.New("kernel: where is this program?"), err)
	}
	config, _, err := settings.Load("")
	return kernel.Options{Assay: exe, Cache: config.Cache}, err
}

func newKernelComplete() *cobra.Command {
	return &cobra.Command{
		Use:    "complete GOPLS SOCKET",
		Short:  "Stand between GoNB and gopls, on a socket",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return kernel.Complete(cmd.Context(), args[0], args[1])
		},
	}
}
