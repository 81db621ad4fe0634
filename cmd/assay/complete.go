package main

import (
	"maps"
	"slices"

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
		w.Reading = nil // nothing is to be said into what is typed
		all, err := names(cmd, w)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// recentRuns is how many runs are offered by their IDs.
const recentRuns = 100

// completeRuns completes names of experiments, and IDs of the newest runs.
func completeRuns(cmd *cobra.Command, w *lab.Workspace) ([]string, error) {
	names, err := completeExperiments(cmd, w)
	if err != nil {
		return names, err
	}
	recent, err := w.Runs(cmd.Context(), lab.RunFilter{Newest: recentRuns})
	for _, r := range recent {
		names = append(names, r.ID+"\t"+r.Name+", "+string(r.State))
	}
	return names, err
}

// completeTraces completes runs, and traces of imports.
func completeTraces(cmd *cobra.Command, w *lab.Workspace) ([]string, error) {
	names, err := completeRuns(cmd, w)
	if err != nil {
		return names, err
	}
	imports, err := w.Imports(cmd.Context())
	for _, imp := range imports {
		for _, t := range imp.Traces {
			names = append(names, imp.Name+"/"+t.Name)
		}
	}
	return names, err
}

// completeExperiments completes names of experiments that have runs.
func completeExperiments(cmd *cobra.Command, w *lab.Workspace) ([]string, error) {
	runs, err := w.Runs(cmd.Context(), lab.RunFilter{})
	names := map[string]bool{}
	for _, r := range runs {
		names[r.Name] = true
	}
	return slices.Sorted(maps.Keys(names)), err
}

// completeFigures completes names of figures.
func completeFigures(_ *cobra.Command, w *lab.Workspace) ([]string, error) {
	return w.FigureNames()
}

// completeClaims completes IDs of claims.
func completeClaims(_ *cobra.Command, w *lab.Workspace) ([]string, error) {
	book, err := w.Claims()
	var ids []string
	for _, c := range book.Claims {
		ids = append(ids, c.ID+"\t"+c.Subject)
	}
	return ids, err
}
