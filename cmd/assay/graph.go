package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/graph"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newGraph() *cobra.Command {
	var format, path string
	var long bool
	c := &cobra.Command{
		Use:   "graph [REF]",
		Short: "Show what something was made from, and what was made from it",
		Long: `Show what something was made from, and what was made from it: workload, experiment,
run, import, trace, table, figure, each with its digest, and with the parts that are its own:
modules, executables, images, plan, journal, runtimes, source, outputs.

REF is the name of a workload, an experiment, an import, a figure, the ID of a run, or a digest
of any of these, of a trace, a table, or a part. Without REF: all that assay.lock pins,
and what that was made from. Exit status 3 if something of it is missing.

  assay graph                             all, as a tree
  assay graph coldstart-ecdf --long       where a figure comes from, in full
  assay graph -o graph.svg --format svg   a picture; --format dot for Graphviz`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: complete(completeGraph),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := ""
			if len(args) > 0 {
				ref = args[0]
			}
			return showGraph(cmd, ref, format, path, long)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, json, dot or svg")
	c.Flags().StringVarP(&path, "output", "o", "", "file to write (default: standard output)")
	c.Flags().BoolVar(&long, "long", false, "print whole digests in text and dot")
	return c
}

// shownGraph is a graph and what it was asked for.
type shownGraph struct {
	Ref  string   `json:"ref,omitempty"`
	Refs []string `json:"nodes_of_ref,omitempty"`
	graph.Graph
}

func showGraph(cmd *cobra.Command, ref, format, path string, long bool) error {
	p := newPrinter(cmd)
	if p.json {
		if cmd.Flags().Changed("format") && format != "json" {
			return failure.Usagef("graph: --json and --format %s: want one of them", format)
		}
		format = "json"
	}
	title := "What assay.lock pins, and what that was made from"
	if ref != "" {
		title = ref + ": what it was made from, and what was made from it"
	}
	var g graph.Graph
	var ids []string
	write, ok := map[string]func(io.Writer) error{
		"text": func(out io.Writer) error { return g.WriteText(out, ids, long) },
		"json": func(out io.Writer) error { return printer{out, true}.object("graph", shownGraph{ref, ids, g}, nil) },
		"dot":  func(out io.Writer) error { return g.WriteDOT(out, title, long) },
		"svg":  func(out io.Writer) error { return g.WriteSVG(out, title) },
	}[format]
	if !ok {
		return failure.Usagef("format %q: want text, json, dot or svg", format)
	}
	w, err := workspace(cmd)
	if err != nil {
		return err
	}
	g, ids, incomplete := w.Graph(cmd.Context(), ref)
	if len(g.Nodes) == 0 && incomplete != nil {
		return incomplete
	}
	if path == "" {
		return errors.Join(write(p.out), incomplete)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := renameio.WriteFile(path, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("graph: %w", err)
	}
	return incomplete
}

// completeGraph completes names of workloads, imports and figures, and runs.
func completeGraph(cmd *cobra.Command, w *lab.Workspace) ([]string, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	runs, err := completeRuns(cmd, w)
	runs = slices.AppendSeq(runs, maps.Keys(lock.Workloads))
	runs = slices.AppendSeq(runs, maps.Keys(lock.Imports))
	figures, figuresErr := completeFigures(cmd, w)
	return append(runs, figures...), errors.Join(err, figuresErr)
}
