package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/notebook"
)

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
