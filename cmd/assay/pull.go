package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab"
)

func newPull() *cobra.Command {
	var opts lab.PullOptions
	var store string
	var gib int64
	cmd := &cobra.Command{
		Use:   "pull [REF] [REGISTRY/REPOSITORY[:TAG|@sha256:…]]",
		Short: "Get what assay.lock names from a store, or a graph from an OCI registry",
		Long: `Get what the archive lacks.

Without arguments: everything that assay.lock names, from the store in use or the only one there is. In a
fresh clone this makes the folder a workspace, and every figure can be replayed.
REF alone: that run, import, workload, figure or verdict, from the store.
With a registry: what "assay push" put there, with its whole graph. REF, if it is given, must be the name, ID
or digest of it.

What comes from a registry is verified, and named in the archive: "assay runs", "assay show" and "assay
replay" find it. assay.lock gets the workloads, imports, figures and verdicts under names that it does not
have yet; one that is asked for by REF takes its name in any case. A run that was pulled answers no
experiment: "assay run" still measures. What others attached and is not as it should be is skipped, and named
on stderr. An interrupted pull goes on when it is done again.`,
		Example: `  assay pull
  assay pull 20261124T181530Z-3f9a1c
  assay pull ghcr.io/example/crc32:v1
  assay pull crc32 localhost:5000/team/crc32:v2 --plain-http`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			bar := newBar(cmd.ErrOrStderr())
			opts.Progress, opts.MaxBytes = bar.transfer, gib<<30
			name, from := "", ""
			switch {
			case len(args) == 2:
				name, from = args[0], args[1]
			case len(args) == 1 && lab.IsRegistry(args[0]):
				from = args[0]
			case len(args) == 1:
				name = args[0]
			}
			if from == "" {
				return pullFromStore(cmd, store, name, bar)
			}
			if store != "" {
				return failure.Usagef("pull: --store names a store, %s is in a registry", from)
			}
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			fetched, err := w.Fetch(cmd.Context(), name, from, opts)
			bar.close()
			if err != nil {
				return err
			}
			sayKept(cmd, fetched.Kept)
			for _, skipped := range fetched.Skipped {
				fmt.Fprintf(cmd.ErrOrStderr(), "skipped %v: %s\n", skipped.Digest, visible(skipped.Why))
			}
			return newPrinter(cmd).object("pulled", fetched, func(out io.Writer) {
				fmt.Fprintln(out, fetched.Reference)
				fmt.Fprintf(out, "%s: %s\n", counted(len(fetched.Refs), "reference"), strings.Join(fetched.Refs, ", "))
			})
		},
	}
	cmd.Flags().StringVar(&store, "store", "", "name of the store (default: the one in use, or the only one)")
	cmd.Flags().Int64Var(&gib, "limit", 64, "GiB that a registry may send in all")
	plainHTTP(cmd, &opts.PlainHTTP)
	return cmd
}

// pullFromStore pulls what ref names, "" for all of assay.lock.
func pullFromStore(cmd *cobra.Command, store, ref string, bar *bar) error {
	root, err := namedWorkspace(cmd)
	if err != nil {
		return err
	}
	if root == "" {
		root = "."
	}
	w, err := lab.OpenClone(cmd.Context(), root)
	if err != nil {
		return err
	}
	pull := func() (lab.Pulled, error) { return w.PullLock(cmd.Context(), store, bar.transfer) }
	if ref != "" {
		pull = func() (lab.Pulled, error) { return w.PullFromStore(cmd.Context(), store, ref, bar.transfer) }
	}
	pulled, err := pull()
	bar.close()
	if err != nil {
		return err
	}
	sayKept(cmd, pulled.Kept)
	return newPrinter(cmd).object("pulled", pulled, func(out io.Writer) {
		fmt.Fprintf(out, "%s, %s, of which %d came from store %s, %s",
			counted(len(pulled.Refs), "reference"), counted(pulled.Blobs, "blob"), pulled.Copied, pulled.Store, size(pulled.Bytes))
		if pulled.Repaired > 0 {
			fmt.Fprintf(out, "; %d were damaged here, and are repaired", pulled.Repaired)
		}
		fmt.Fprintln(out)
	})
}

// sayKept says which names mean something else here than where things came from.
func sayKept(cmd *cobra.Command, names []string) {
	for _, name := range names {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is something else here, and stays so; what came is kept under its digest\n", name)
	}
}
