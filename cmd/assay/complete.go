package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/lab"
)

// A completion lists what an argument may be, from a workspace.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// complete makes a completion of names; without a workspace there are none.
func complete(names func(*cobra.Command, *lab.Workspace) ([]string, error)) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		w, err := workspace(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := names(cmd, w)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeRuns completes IDs of runs, and names of experiments.
func completeRuns(cmd *cobra.Command, w *lab.Workspace) ([]string, error) {
	runs, err := w.Runs(cmd.Context())
	var names []string
	for _, r := range runs {
		names = append(names, r.ID+"\t"+r.Name+", "+string(r.State), r.Name)
	}
	return names, err
}

// completeFigures completes names of figures.
func completeFigures(_ *cobra.Command, w *lab.Workspace) ([]string, error) {
	return w.FigureNames()
}
